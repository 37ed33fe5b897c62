//! `tls_server_config` as rustls takes it.

mod parameters;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use secrecy::{ExposeSecret as _, SecretSlice};

use super::client_certificate::ClientCertificate;
use super::error_list::ErrorList;
use super::file::{Sources, TlsSection};
use crate::yaml::quoted;
use parameters::{provider, versions};

/// The TLS side of a listener.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) config: Arc<ServerConfig>,
    pub(super) client_auth: ClientAuth,
    pub(super) limits: Limits,
}

/// What else of the section restricts who may connect, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Only certificates with certain names.
    pub(super) names: bool,
    /// Only certain cipher suites.
    pub(super) suites: bool,
    /// Only certain curves.
    pub(super) curves: bool,
    /// Only TLS 1.3.
    pub(super) newest: bool,
}

impl Limits {
    fn of(section: &TlsSection) -> Self {
        let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
        Self {
            names: some(&section.client_allowed_sans),
            suites: some(&section.cipher_suites),
            curves: some(&section.curve_preferences),
            newest: section.min_version.as_deref() == Some("TLS13"),
        }
    }
}

/// What is asked of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// Nothing.
    None,
    /// A certificate, any or none.
    Request,
    /// A certificate, any.
    RequireAny,
    /// A certificate of the CA, or none.
    VerifyIfGiven,
    /// A certificate of the CA.
    RequireAndVerify,
}

/// The names of Go's `crypto/tls`. The first of a kind is the usual one.
const CLIENT_AUTH: [(&str, ClientAuth); 6] = [
    ("NoClientCert", ClientAuth::None),
    ("RequestClientCert", ClientAuth::Request),
    ("RequireAnyClientCert", ClientAuth::RequireAny),
    ("VerifyClientCertIfGiven", ClientAuth::VerifyIfGiven),
    ("RequireAndVerifyClientCert", ClientAuth::RequireAndVerify),
    ("RequireClientCert", ClientAuth::RequireAny),
];

impl ClientAuth {
    /// Whether a client without a certificate is turned away.
    pub fn is_mandatory(self) -> bool {
        matches!(self, Self::RequireAny | Self::RequireAndVerify)
    }

    fn is_verified(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }

    /// More is more. Only a certificate that is required and verified keeps
    /// anybody out.
    pub(super) fn strength(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Request => 1,
            Self::VerifyIfGiven => 2,
            Self::RequireAny => 3,
            Self::RequireAndVerify => 4,
        }
    }
}

/// Checks the section and reads its files. Nothing if it is empty, or if there
/// were errors.
pub(super) fn load(
    section: &TlsSection,
    http2: bool,
    directory: &Path,
    sources: &mut Sources,
    errors: &mut ErrorList,
) -> Option<Tls> {
    if is_empty(section) {
        return None;
    }
    let mut pem = Pem { directory, sources, errors };
    let certificates = pem.required("cert", section.cert.as_deref(), section.cert_file.as_deref());
    let key = section.key.as_ref().map(|key| key.expose_secret());
    let key = pem.required("key", key, section.key_file.as_deref());
    let ca = pem.optional("client_ca", section.client_ca.as_deref(), section.client_ca_file.as_deref());

    let certificates = certificates.and_then(|text| {
        let read = certificates_of(text.expose_secret());
        errors.take("tls_server_config.cert", read)
    });
    let key = key.and_then(|text| {
        let read = PrivateKeyDer::from_pem_slice(text.expose_secret());
        // What was found is not shown: it may be the key.
        errors.take(
            "tls_server_config.key",
            read.map_err(|_| "expected a private key in PEM, found none that can be read; check the file".to_owned()),
        )
    });
    let client_auth = client_auth(section, errors);
    let versions = versions(section, errors);
    let provider = provider(section, errors).map(Arc::new);
    let verifier = client_auth.and_then(|auth| verifier(section, auth, ca, provider.as_ref(), errors));

    let mut config = (|| {
        let builder = ServerConfig::builder_with_provider(provider?);
        let versions = builder.with_protocol_versions(&versions?).map_err(|e| {
            format!("expected versions and cipher suites that go together, found none that do ({e}); widen one of them")
        });
        let builder = errors.take("tls_server_config.cipher_suites", versions)?;
        let builder = match verifier? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let pair = builder.with_single_cert(certificates?, key?).map_err(|e| not_a_pair(&e));
        errors.take("tls_server_config.key", pair)
    })()?;
    config.ignore_client_order = section.prefer_server_cipher_suites.unwrap_or(true);
    config.alpn_protocols = if http2 { vec![b"h2".to_vec()] } else { Vec::new() };
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Some(Tls { config: Arc::new(config), client_auth: client_auth?, limits: Limits::of(section) })
}

/// Why a certificate and a key cannot be used, with what to do.
fn not_a_pair(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => format!(
            "expected the private key of the certificate, found another ({error}); take the pair that was made together"
        ),
        rustls::Error::InvalidCertificate(_) => format!(
            "expected an X.509 version 3 certificate, found one that cannot be used ({error}); make another, such as with \
             `openssl req -x509 -addext subjectAltName=DNS:...`"
        ),
        _ => format!(
            "expected an RSA key of 2048 to 4096 bits, an ECDSA key on P-256 or P-384, or an Ed25519 key, found one of \
             another kind ({error}); make a key of one of these"
        ),
    }
}

/// Whether no key of the section says anything.
fn is_empty(section: &TlsSection) -> bool {
    let TlsSection {
        cert,
        cert_file,
        key,
        key_file,
        client_ca,
        client_ca_file,
        client_auth_type,
        client_allowed_sans,
        min_version,
        max_version,
        cipher_suites,
        curve_preferences,
        prefer_server_cipher_suites,
    } = section;
    let texts = [cert, client_ca, client_auth_type, min_version, max_version];
    let files = [cert_file, key_file, client_ca_file];
    let lists = [client_allowed_sans, cipher_suites, curve_preferences];
    texts.into_iter().all(Option::is_none)
        && files.into_iter().all(Option::is_none)
        && lists.into_iter().all(Option::is_none)
        && key.is_none()
        && prefer_server_cipher_suites.is_none()
}

/// Reads PEM from the file itself or from another.
struct Pem<'a> {
    directory: &'a Path,
    sources: &'a mut Sources,
    errors: &'a mut ErrorList,
}

impl Pem<'_> {
    fn required(&mut self, name: &str, text: Option<&str>, file: Option<&Path>) -> Option<SecretSlice<u8>> {
        if text.is_none_or(str::is_empty) && file.is_none_or(is_blank) {
            let place = format!("tls_server_config.{name}_file");
            self.errors.push(&place, &format!("expected it or `{name}`, found neither; TLS needs one of them"));
            return None;
        }
        self.optional(name, text, file)
    }

    fn optional(&mut self, name: &str, text: Option<&str>, file: Option<&Path>) -> Option<SecretSlice<u8>> {
        let place = format!("tls_server_config.{name}_file");
        match (text.filter(|text| !text.is_empty()), file.filter(|file| !is_blank(file))) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                self.errors.push(&place, &format!("expected either it or `{name}`, found both; remove one"));
                None
            }
            (Some(text), None) => Some(text.as_bytes().to_vec().into()),
            (None, Some(file)) => {
                let file: PathBuf = self.directory.join(file);
                let read = self.sources.read(&file);
                self.errors.take(&place, read).map(SecretSlice::from)
            }
        }
    }
}

fn is_blank(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

fn certificates_of(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let expected = || "expected certificates in PEM, found none that can be read; check the file".to_owned();
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| expected())?;
    if certificates.is_empty() { Err(expected()) } else { Ok(certificates) }
}

fn client_auth(section: &TlsSection, errors: &mut ErrorList) -> Option<ClientAuth> {
    let name = section.client_auth_type.as_deref().unwrap_or_default();
    if name.is_empty() {
        return Some(ClientAuth::None);
    }
    let found = CLIENT_AUTH.into_iter().find(|(known, _)| *known == name).map(|(_, auth)| auth).ok_or_else(|| {
        format!("expected one of {}, found `{name}`; correct it", quoted(&CLIENT_AUTH.map(|(known, _)| known)[..5]))
    });
    errors.take("tls_server_config.client_auth_type", found)
}

/// Reports settings for clients that do not go together.
fn check_client_rules(section: &TlsSection, auth: ClientAuth, ca_is_named: bool, errors: &mut ErrorList) {
    if auth == ClientAuth::None && ca_is_named {
        errors.push(
            "tls_server_config.client_auth_type",
            "expected a check of clients, because there is a client CA, found none; `RequireAndVerifyClientCert` is the one that keeps others out",
        );
    }
    if auth.is_verified() && !ca_is_named {
        errors.push(
            "tls_server_config.client_ca_file",
            "expected the CA that clients' certificates are verified with, found none; name its file",
        );
    }
    if let Some(names) = &section.client_allowed_sans {
        if !auth.is_mandatory() {
            errors.push(
                "tls_server_config.client_allowed_sans",
                "expected `client_auth_type` to be `RequireAnyClientCert` or `RequireAndVerifyClientCert`, found another; clients without a certificate have no names",
            );
        }
        if names.is_empty() {
            errors.push(
                "tls_server_config.client_allowed_sans",
                "expected at least one name, found none; nobody would be let in",
            );
        }
    }
}

/// The check of clients: nothing after an error, `Some(None)` if there is to be
/// none.
#[expect(clippy::option_option, reason = "an error and no check are not the same")]
fn verifier(
    section: &TlsSection,
    auth: ClientAuth,
    ca: Option<SecretSlice<u8>>,
    provider: Option<&Arc<CryptoProvider>>,
    errors: &mut ErrorList,
) -> Option<Option<Arc<dyn ClientCertVerifier>>> {
    let before = errors.count();
    let ca_is_named = section.client_ca.is_some() || section.client_ca_file.is_some();
    check_client_rules(section, auth, ca_is_named, errors);
    let roots = ca.and_then(|ca| {
        let roots = certificates_of(ca.expose_secret()).and_then(|certificates| {
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                roots.add(certificate).map_err(|e| format!("expected CA certificates, found something else ({e})"))?;
            }
            Ok(roots)
        });
        errors.take("tls_server_config.client_ca", roots)
    });
    let provider = provider?;
    let chain = match roots.filter(|_| auth.is_verified()) {
        None => None,
        Some(roots) => {
            let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
            Some(errors.take("tls_server_config.client_ca", built.map_err(|e| format!("expected a CA, found {e}")))?)
        }
    };
    if errors.count() > before {
        return None;
    }
    if auth == ClientAuth::None {
        return Some(None);
    }
    Some(Some(Arc::new(ClientCertificate {
        mandatory: auth.is_mandatory(),
        chain,
        allowed_names: section.client_allowed_sans.clone(),
        algorithms: provider.signature_verification_algorithms,
    })))
}

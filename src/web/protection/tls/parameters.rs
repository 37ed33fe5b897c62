//! Versions, cipher suites and curves. Never here: certificates.

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{self, kx_group};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};

use crate::web::protection::error_list::ErrorList;
use crate::web::protection::file::TlsSection;
use crate::yaml::quoted;

/// Go's names of the curves that ring has.
fn curves() -> [(&'static str, &'static dyn rustls::crypto::SupportedKxGroup); 3] {
    [("X25519", kx_group::X25519), ("CurveP256", kx_group::SECP256R1), ("CurveP384", kx_group::SECP384R1)]
}

/// The versions between the lowest and the highest that the file allows.
pub(super) fn versions(section: &TlsSection, errors: &mut ErrorList) -> Option<Vec<&'static SupportedProtocolVersion>> {
    let mut number = |key: &str, value: Option<&str>, default: u8| {
        let place = format!("tls_server_config.{key}");
        match value.unwrap_or_default() {
            "" => Some(default),
            "TLS12" => Some(12),
            "TLS13" => Some(13),
            old @ ("TLS10" | "TLS11") => {
                errors.push(
                    &place,
                    &format!("expected `TLS12` or `TLS13`, found `{old}`, which is broken and not built in; raise it"),
                );
                None
            }
            other => {
                errors.push(&place, &format!("expected `TLS12` or `TLS13`, found `{other}`; correct it"));
                None
            }
        }
    };
    let min = number("min_version", section.min_version.as_deref(), 12);
    let max = number("max_version", section.max_version.as_deref(), 13);
    let (min, max) = (min?, max?);
    if min > max {
        errors.push(
            "tls_server_config.min_version",
            &format!("expected at most max_version (`TLS{max}`), found `TLS{min}`; lower it"),
        );
        return None;
    }
    let all = [(13, &version::TLS13), (12, &version::TLS12)];
    Some(all.into_iter().filter(|(version, _)| (min..=max).contains(version)).map(|(_, version)| version).collect())
}

/// The name of a suite in RFCs and in Go.
fn suite_name(suite: SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1)
}

/// ring, with the cipher suites and curves that the file wants, in its order.
pub(super) fn provider(section: &TlsSection, errors: &mut ErrorList) -> Option<CryptoProvider> {
    let before = errors.count();
    let mut provider = ring::default_provider();
    choose_suites(section, &mut provider, errors);
    choose_curves(section, &mut provider, errors);
    (errors.count() == before).then_some(provider)
}

/// The cipher suites that the file wants, in its order.
fn choose_suites(section: &TlsSection, provider: &mut CryptoProvider, errors: &mut ErrorList) {
    if let Some(wanted) = section.cipher_suites.as_ref().filter(|wanted| !wanted.is_empty()) {
        // The list is for TLS 1.2; the three suites of TLS 1.3 are always there, as in Go.
        let (mut suites, mut older): (Vec<_>, Vec<_>) = provider
            .cipher_suites
            .iter()
            .copied()
            .partition(|suite| suite.version().version == rustls::ProtocolVersion::TLSv1_3);
        for (i, name) in wanted.iter().enumerate() {
            if suites.iter().any(|suite| suite_name(*suite) == *name) {
                continue;
            }
            match older.iter().position(|suite| suite_name(*suite) == *name) {
                Some(at) => suites.push(older.remove(at)),
                None => {
                    let known: Vec<_> = provider.cipher_suites.iter().map(|suite| suite_name(*suite)).collect();
                    errors.push(
                        &format!("tls_server_config.cipher_suites[{i}]"),
                        &format!("expected one of {}, found `{name}`; remove it", quoted(&known)),
                    );
                }
            }
        }
        provider.cipher_suites = suites;
    }
}

/// The curves that the file wants, in its order.
fn choose_curves(section: &TlsSection, provider: &mut CryptoProvider, errors: &mut ErrorList) {
    if let Some(wanted) = section.curve_preferences.as_ref().filter(|wanted| !wanted.is_empty()) {
        provider.kx_groups.clear();
        for (i, name) in wanted.iter().enumerate() {
            match curves().into_iter().find(|(known, _)| known == name) {
                Some((_, group)) => provider.kx_groups.push(group),
                None => errors.push(
                    &format!("tls_server_config.curve_preferences[{i}]"),
                    &format!(
                        "expected one of {}, found `{name}`; remove it",
                        quoted(&curves().map(|(known, _)| known))
                    ),
                ),
            }
        }
    }
}

//! Which certificate authorities the HTTP client trusts, where the client would
//! get it wrong by itself: an empty `SSL_CERT_FILE` is what many deployments make
//! of one that is not set, and the client would read the file of no name. A bundle
//! that is gone it would take for one without authorities.

use std::path::Path;

use reqwest::Certificate;

/// The authorities of the system, if the environment names none but says so with
/// an empty variable. Nothing otherwise: the client finds them itself.
///
/// # Errors
///
/// Says what is wrong with the bundle that `SSL_CERT_FILE` names.
pub(super) fn of_the_system() -> Result<Option<Vec<Certificate>>, String> {
    let [file, directory] = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(std::env::var_os);
    if let Some(file) = file.as_ref().filter(|file| !file.is_empty()) {
        check_bundle(Path::new(file))?;
    }
    let is_misread = file.as_ref().is_some_and(|file| file.is_empty()) && directory.is_none_or(|path| path.is_empty());
    if !is_misread {
        return Ok(None);
    }
    let found = openssl_probe::probe();
    let directory = found.cert_dir.first().map(std::path::PathBuf::as_path).filter(|_| found.cert_file.is_none());
    let loaded = rustls_native_certs::load_certs_from_paths(found.cert_file.as_deref(), directory);
    let certificates = loaded.certs.iter().filter_map(|certificate| Certificate::from_der(certificate).ok());
    Ok(Some(certificates.collect()))
}

fn check_bundle(file: &Path) -> Result<(), String> {
    let loaded = rustls_native_certs::load_certs_from_paths(Some(file), None);
    if !loaded.certs.is_empty() {
        return Ok(());
    }
    let reason = loaded.errors.first().map_or("it holds none".to_owned(), ToString::to_string);
    Err(format!("SSL_CERT_FILE: expected CA certificates in `{}`: {reason}", file.display()))
}

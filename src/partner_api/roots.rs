//! Which certificate authorities the HTTP client trusts, where the client would
//! get it wrong by itself: an empty `SSL_CERT_FILE` is what many deployments make
//! of one that is not set, and the client would read the file of no name.

use reqwest::Certificate;

/// The authorities of the system, if the environment names none but says so with
/// an empty variable. Nothing otherwise: the client finds them itself.
pub(super) fn of_the_system() -> Option<Vec<Certificate>> {
    let [file, directory] = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(std::env::var_os);
    let is_misread = file.as_ref().is_some_and(|file| file.is_empty()) && directory.is_none_or(|path| path.is_empty());
    if !is_misread {
        return None;
    }
    let found = openssl_probe::probe();
    let directory = found.cert_dir.first().map(std::path::PathBuf::as_path).filter(|_| found.cert_file.is_none());
    let loaded = rustls_native_certs::load_certs_from_paths(found.cert_file.as_deref(), directory);
    Some(loaded.certs.iter().filter_map(|certificate| Certificate::from_der(certificate).ok()).collect())
}

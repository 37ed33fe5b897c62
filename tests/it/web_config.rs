//! `--web.config.file`: what it may hold, and what is then in force.
//!
//! * [`files`]: files of our own, good and bad, with `promtool` as a second judge
//! * [`tls`]: who may connect, how, and what happens when certificates change
//! * [`requests`]: who is let in
//! * [`prometheus`]: a real Prometheus, with everything on

mod files;
mod prometheus;
mod requests;
mod tls;

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::{Certificate, Client, ClientBuilder, Identity, redirect};
use tempfile::TempDir;

use crate::harness::{Api, Authority, DEADLINE, Exporter, Pair, fleet};

/// `Secret1`, at the least cost there is.
pub const HASH: &str = "$2b$04$abcdefghijklmnopqrstuu5SJNTrbml7kEx/GrXPKtVlRQKYT0eV6";

/// The start of a file with TLS.
pub const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

/// A directory with certificates, in which a web configuration can be put.
#[derive(Debug)]
pub struct Directory {
    directory: TempDir,
    pub authority: Authority,
}

impl Directory {
    pub fn new() -> Self {
        let made = Self { directory: tempfile::tempdir().unwrap(), authority: Authority::new("ours") };
        let server = made.authority.issue(&["127.0.0.1", "localhost"]);
        made.write("server.crt", &server.certificate);
        made.write("server.key", &server.key);
        made.write("ca.crt", made.authority.pem());
        made.write("stranger.key", &made.authority.issue(&["stranger"]).key);
        made
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// A text with the directory's name left out, which is another each time.
    pub fn anonymous(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.path().display()), "")
    }

    /// Starts an exporter behind this web configuration, with a small fleet.
    pub async fn serve(&self, web_config: &str) -> Exporter {
        let api = Api::start(fleet(2, 2)).await;
        self.serve_with(&api, web_config, &[]).await
    }

    pub async fn serve_with(&self, api: &Api, web_config: &str, flags: &[&str]) -> Exporter {
        let flag = format!("--web.config.file={}", self.write("web.yml", web_config).display());
        Exporter::start(api, &[&[flag.as_str()], flags].concat()).await
    }
}

/// A client that trusts nobody else, and shows a certificate if it has one.
pub fn client(trusted: &str, shown: Option<&Pair>) -> Client {
    configured(trusted, shown, |builder| builder)
}

pub fn configured(trusted: &str, shown: Option<&Pair>, more: impl Fn(ClientBuilder) -> ClientBuilder) -> Client {
    d360_exporter::install_crypto_provider();
    let trusted = Certificate::from_pem(trusted.as_bytes()).unwrap();
    let builder = Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(DEADLINE);
    let mut builder = builder.tls_certs_only([trusted]);
    if let Some(pair) = shown {
        builder = builder.identity(Identity::from_pem(format!("{}{}", pair.certificate, pair.key).as_bytes()).unwrap());
    }
    more(builder).build().unwrap()
}

/// The status of a path, or that there was no HTTP at all.
pub async fn status(client: &Client, exporter: &Exporter, path: &str) -> String {
    match client.get(format!("https://{}{path}", exporter.address())).send().await {
        Ok(response) => response.status().as_u16().to_string(),
        Err(_) => "refused".to_owned(),
    }
}

//! Who may connect, how, and what happens when certificates change.

use reqwest::{Client, Version, tls};

use super::{Directory, HASH, TLS, client, configured, status};
use crate::harness::{Authority, Program, wait_until};

async fn version(client: &Client, address: &str) -> Option<Version> {
    client.get(format!("https://{address}/-/healthy")).send().await.ok().map(|response| response.version())
}

#[tokio::test]
async fn tls_speaks_http2_and_http1_and_nothing_plain() {
    let directory = Directory::new();
    let exporter = directory.serve(TLS).await;
    let trusting = client(directory.authority.pem(), None);
    let older = configured(directory.authority.pem(), None, reqwest::ClientBuilder::http1_only);
    assert_eq!(version(&trusting, exporter.address()).await, Some(Version::HTTP_2));
    assert_eq!(version(&older, exporter.address()).await, Some(Version::HTTP_11));
    let plain = trusting.get(format!("http://{}/-/healthy", exporter.address())).send().await;
    let plain = plain.unwrap();
    assert_eq!(plain.status(), 400);
    assert_eq!(plain.text().await.unwrap(), "this port speaks HTTPS; use https:// in the URL\n");
    assert!(!exporter.program.line_with("expected TLS, found plain HTTP").await.is_empty());
    let stranger = client(Authority::new("stranger").pem(), None);
    assert_eq!(status(&stranger, &exporter, "/-/healthy").await, "refused");
    exporter.stop().await;
}

#[tokio::test]
async fn http2_can_be_switched_off_and_is_never_spoken_without_tls() {
    let directory = Directory::new();
    let exporter = directory.serve(&format!("{TLS}http_server_config:\n  http2: false\n")).await;
    assert_eq!(version(&client(directory.authority.pem(), None), exporter.address()).await, Some(Version::HTTP_11));
    let forced = configured(directory.authority.pem(), None, reqwest::ClientBuilder::http2_prior_knowledge);
    assert_eq!(version(&forced, exporter.address()).await, None);

    let plain = directory.serve("").await;
    let response = forced.get(format!("http://{}/-/healthy", plain.address())).send().await;
    assert!(response.is_err(), "{response:?}");
}

#[tokio::test]
async fn versions_outside_of_the_bounds_are_refused() {
    let directory = Directory::new();
    let only = |version: tls::Version| {
        configured(directory.authority.pem(), None, move |b| b.tls_version_min(version).tls_version_max(version))
    };
    let mut outcomes = Vec::new();
    for bounds in ["", "  max_version: TLS12\n", "  min_version: TLS13\n"] {
        let exporter = directory.serve(&format!("{TLS}{bounds}")).await;
        for version in [tls::Version::TLS_1_2, tls::Version::TLS_1_3] {
            outcomes.push(status(&only(version), &exporter, "/-/healthy").await);
        }
    }
    assert_eq!(outcomes, ["200", "200", "200", "refused", "refused", "200"]);
}

#[tokio::test]
async fn each_client_auth_type_lets_in_those_it_names() {
    let directory = Directory::new();
    let stranger = Authority::new("stranger").issue(&["scraper.example"]);
    let ours = directory.authority.issue(&["scraper.example", "192.0.2.7"]);
    let other = directory.authority.issue(&["other.example"]);
    let clients = [("none", None), ("stranger", Some(&stranger)), ("other", Some(&other)), ("ours", Some(&ours))];
    let ca = "  client_ca_file: ca.crt\n";
    let mut table = String::new();
    for (name, settings) in [
        ("NoClientCert", "  client_auth_type: NoClientCert\n".to_owned()),
        ("RequestClientCert", "  client_auth_type: RequestClientCert\n".to_owned()),
        ("RequireAnyClientCert", "  client_auth_type: RequireAnyClientCert\n".to_owned()),
        (
            "RequireAnyClientCert, SAN",
            "  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [scraper.example]\n".to_owned(),
        ),
        ("VerifyClientCertIfGiven", format!("{ca}  client_auth_type: VerifyClientCertIfGiven\n")),
        ("RequireAndVerifyClientCert", format!("{ca}  client_auth_type: RequireAndVerifyClientCert\n")),
        (
            "RequireAndVerifyClientCert, SAN",
            format!("{ca}  client_auth_type: RequireAndVerifyClientCert\n  client_allowed_sans: [scraper.example]\n"),
        ),
        (
            "RequireAndVerifyClientCert, IP SAN",
            format!("{ca}  client_auth_type: RequireAndVerifyClientCert\n  client_allowed_sans: [192.0.2.7]\n"),
        ),
    ] {
        let exporter = directory.serve(&format!("{TLS}{settings}")).await;
        for version in [tls::Version::TLS_1_2, tls::Version::TLS_1_3] {
            table.push_str(&format!("{name:<36}{version:?}"));
            for (who, shown) in clients {
                let client = configured(directory.authority.pem(), shown, |b| {
                    b.tls_version_min(version).tls_version_max(version)
                });
                table.push_str(&format!("  {who} {}", status(&client, &exporter, "/metrics").await));
            }
            table.push('\n');
        }
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
    let directory = Directory::new();
    let exporter = directory.serve(TLS).await;
    let before = client(directory.authority.pem(), None);
    let next = Authority::new("next");
    let pair = next.issue(&["127.0.0.1"]);

    directory.write("server.crt", "half of a certif");
    // One connection a look: the files are looked at when somebody comes.
    wait_until("a line about the broken certificate", async || {
        let fresh = client(directory.authority.pem(), None);
        assert_eq!(status(&fresh, &exporter, "/-/healthy").await, "200");
        exporter.program.lines_with("not in force").into_iter().next()
    })
    .await;
    let text = async |path: &str| {
        before.get(format!("https://{}{path}", exporter.address())).send().await.unwrap().text().await.unwrap()
    };
    let problem = "tls_server_config.cert: expected certificates in PEM, found none that can be read; check the file";
    assert!(text("/metrics").await.contains("\nd360_exporter_config_last_reload_successful 0\n"));
    assert!(text("/config").await.contains(problem));

    directory.write("server.key", &pair.key);
    directory.write("server.crt", &pair.certificate);
    let after = client(next.pem(), None);
    wait_until("the new certificate", async || (status(&after, &exporter, "/-/healthy").await == "200").then_some(()))
        .await;
    assert_eq!(status(&client(directory.authority.pem(), None), &exporter, "/-/healthy").await, "refused");
    // The connection from before the change is still there.
    assert!(text("/metrics").await.contains("\nd360_exporter_config_last_reload_successful 1\n"));
    assert!(!text("/config").await.contains("not in force"));
    let output = exporter.stop().await;
    let broken = output.lines().filter(|line| line.contains(problem)).count();
    assert_eq!(broken, 1, "logged once: {output}");
}

#[tokio::test]
async fn a_stop_ends_connections_that_wait_and_those_in_a_handshake() {
    let directory = Directory::new();
    let exporter = directory.serve(TLS).await;
    let idle = client(directory.authority.pem(), None);
    assert_eq!(status(&idle, &exporter, "/-/healthy").await, "200");
    let silent = tokio::net::TcpStream::connect(exporter.address()).await.unwrap();
    let output = exporter.stop().await;
    assert!(output.contains("stopped"), "{output}");
    drop((idle, silent));
}

#[tokio::test]
async fn check_healthy_finds_life_behind_every_protection() {
    let directory = Directory::new();
    let users = format!("basic_auth_users:\n  alice: {HASH}\n");
    let mutual = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n";
    for web_config in [
        String::new(),
        users.clone(),
        TLS.to_owned(),
        format!("{TLS}{users}"),
        format!("{TLS}{mutual}{users}"),
        format!("{TLS}{mutual}  max_version: TLS12\n{users}"),
    ] {
        let exporter = directory.serve(&web_config).await;
        let address = format!("--web.listen-address={}", exporter.address());
        let file = format!("--web.config.file={}", directory.path().join("web.yml").display());
        let args = ["check", "--healthy", "--partner.id=examplePA", &address, &file];
        let key = [("D360_API_KEY", "demo-key")];
        assert_eq!(Program::start(&args, &key).end().await, (Some(0), "healthy\n".to_owned()), "{web_config}");
        exporter.stop().await;
        let (code, output) = Program::start(&args, &key).end().await;
        assert_eq!(code, Some(1), "nobody is there: {output}");
    }
}

/// Runs openssl in a directory.
fn openssl(directory: &Directory, args: &[&str]) {
    let mut openssl = std::process::Command::new("openssl");
    let output = openssl.args(args).current_dir(directory.path()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_certificate_or_key_that_cannot_be_used_is_refused_with_the_true_reason() {
    let directory = Directory::new();
    openssl(&directory, &["ecparam", "-name", "secp521r1", "-genkey", "-noout", "-out", "p521.key"]);
    openssl(&directory, &["req", "-x509", "-new", "-key", "p521.key", "-subj", "/CN=x", "-out", "p521.crt"]);
    openssl(&directory, &["req", "-new", "-key", "server.key", "-subj", "/CN=x", "-out", "v1.csr"]);
    openssl(&directory, &["x509", "-req", "-in", "v1.csr", "-signkey", "server.key", "-out", "v1.crt"]);
    let v1 = std::fs::read(directory.path().join("v1.crt")).unwrap();
    let is_v1 = x509_is_version_1(&v1);
    let mut cases =
        vec![("p521.crt", "p521.key", "expected an RSA key of 2048 to 4096 bits, an ECDSA key on P-256 or P-384")];
    // Newer versions of openssl make a certificate of version 3 in any case.
    if is_v1 {
        cases.push(("v1.crt", "server.key", "expected an X.509 version 3 certificate"));
    }
    for (certificate, key, reason) in cases {
        let text = format!("tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\n");
        let file = format!("--web.config.file={}", directory.write("web.yml", &text).display());
        let env = [("D360_PARTNER_ID", "examplePA"), ("D360_API_KEY", "k")];
        let (code, output) = crate::harness::Program::start(&["check", &file], &env).end().await;
        assert_eq!(code, Some(2), "{output}");
        assert!(output.contains(reason), "{certificate}: {output}");
    }
}

/// Whether a certificate in PEM lacks the field that names its version.
fn x509_is_version_1(pem: &[u8]) -> bool {
    use base64::Engine as _;
    let text: String = std::str::from_utf8(pem).unwrap().lines().filter(|line| !line.starts_with("---")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    // Certificate, TBSCertificate, then [0] EXPLICIT Version if it is not the default.
    !der.windows(5).take(16).any(|window| window == [0xa0, 0x03, 0x02, 0x01, 0x02])
}

/// Sends bytes to a port that expects TLS, and returns what comes.
async fn plain(exporter: &crate::harness::Exporter, bytes: &[u8]) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(exporter.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn plain_http_to_a_tls_port_gets_a_sentence_and_one_line_in_the_log() {
    let directory = Directory::new();
    let exporter = directory.serve(TLS).await;
    for _ in 0..3 {
        let response = plain(&exporter, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(response.starts_with("HTTP/1.0 400 Bad Request\r\n"), "{response}");
        assert!(response.ends_with("this port speaks HTTPS; use https:// in the URL\n"), "{response}");
    }
    let output = exporter.stop().await;
    let lines: Vec<&str> = output.lines().filter(|line| line.contains("connection refused")).collect();
    assert_eq!(lines.len(), 1, "{output}");
    assert!(lines[0].contains("level=INFO") && lines[0].contains("expected TLS, found plain HTTP"), "{}", lines[0]);
}

#[tokio::test]
async fn a_refused_client_certificate_is_one_line_in_the_log_with_the_reason() {
    let directory = Directory::new();
    let mutual = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n";
    let exporter = directory.serve(&format!("{TLS}{mutual}")).await;
    let stranger = Authority::new("stranger").issue(&["scraper.example"]);
    for _ in 0..3 {
        let refused = client(directory.authority.pem(), Some(&stranger));
        assert_eq!(status(&refused, &exporter, "/metrics").await, "refused");
    }
    let line = exporter.program.line_with("connection refused").await;
    assert!(line.contains("level=INFO") && line.contains("UnknownIssuer"), "{line}");
    let output = exporter.stop().await;
    assert_eq!(output.matches("connection refused").count(), 1, "{output}");
}

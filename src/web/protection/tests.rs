//! What a file says and what is then in force, without a network.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use super::*;

/// A directory with a web configuration and a certificate for it.
struct ConfigDirectory(TempDir);

fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["exporter.example".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

impl ConfigDirectory {
    fn new(text: &str) -> Self {
        crate::install_crypto_provider();
        let directory = Self(tempfile::tempdir().unwrap());
        let (certificate, key) = pair();
        directory.write("tls.crt", &certificate);
        directory.write("tls.key", &key);
        directory.write("web.yml", text);
        directory
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.0.path().join(name), content).unwrap();
    }

    fn load(&self) -> Result<Protection, String> {
        let path = self.0.path().join("web.yml");
        Protection::load(&path).map_err(|errors| self.anonymous(&errors.join("\n")))
    }

    /// A text without the directory's name, which is another each time.
    fn anonymous(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn errors(text: &str) -> String {
    ConfigDirectory::new(text).load().expect_err("an error")
}

fn hash() -> String {
    bcrypt::hash("Secret1", 4).unwrap()
}

const TLS: &str = "tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n";

#[test]
fn an_empty_file_protects_nothing() {
    for text in ["", "# nothing\n", "tls_server_config: {}\n", "basic_auth_users:\n", "rate_limit: {interval: 0}\n"] {
        let protection = ConfigDirectory::new(text).load().unwrap();
        assert!(!protection.is_tls() && !protection.is_http2(), "{text}");
        assert!(protection.0.live.rules().users.is_empty(), "{text}");
    }
}

#[test]
fn what_the_exporter_toolkit_takes_otherwise_is_as_the_differences_say() {
    for curve in ["X25519MLKEM768", "CurveP521"] {
        let found = errors(&format!("{TLS}  curve_preferences: [X25519, {curve}]\n"));
        assert!(found.contains("expected one of `X25519`, `CurveP256`, `CurveP384`, found"), "{found}");
        assert!(found.contains(curve), "{found}");
    }
    // HTTP/2 asks for TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or its ECDSA sister, over TLS 1.2.
    let suites = "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]\n";
    assert!(ConfigDirectory::new(&format!("{TLS}{suites}")).load().unwrap().is_http2());
    let day = ConfigDirectory::new("rate_limit: {interval: 1d, burst: 1}\n").load().unwrap();
    assert_eq!(day.0.live.rules().rate_limit.map(|limit| limit.interval), Some(Duration::from_secs(86400)));
}

#[test]
fn http2_is_offered_over_tls_unless_turned_off() {
    let messages = |text: &str| {
        let protection = ConfigDirectory::new(text).load().unwrap();
        let alpn = protection.0.live.rules().tls.as_ref().map(|tls| tls.config.alpn_protocols.clone());
        (protection.is_http2(), alpn)
    };
    let (h2, h1) = (b"h2".to_vec(), b"http/1.1".to_vec());
    assert_eq!(messages(TLS), (true, Some(vec![h2, h1.clone()])));
    assert_eq!(messages(&format!("{TLS}http_server_config: {{http2: false}}\n")), (false, Some(vec![h1])));
    assert_eq!(messages("http_server_config: {http2: true}\n"), (false, None));
}

#[test]
fn cipher_suites_and_their_order_come_from_the_file() {
    let text = format!(
        "{TLS}  min_version: TLS12\n  max_version: TLS13\n  prefer_server_cipher_suites: false\n  \
         cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n  \
         curve_preferences: [CurveP384, X25519]\n"
    );
    let protection = ConfigDirectory::new(&text).load().unwrap();
    let rules = protection.0.live.rules();
    let config = &rules.tls.as_ref().unwrap().config;
    let provider = config.crypto_provider();
    let suites: Vec<_> = provider.cipher_suites.iter().map(|suite| format!("{:?}", suite.suite())).collect();
    let groups: Vec<_> = provider.kx_groups.iter().map(|group| format!("{:?}", group.name())).collect();
    assert_eq!(
        suites,
        [
            "TLS13_AES_256_GCM_SHA384",
            "TLS13_AES_128_GCM_SHA256",
            "TLS13_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ]
    );
    assert_eq!(groups, ["secp384r1", "X25519"]);
    assert!(!config.ignore_client_order);
    let default = ConfigDirectory::new(TLS).load().unwrap();
    assert!(default.0.live.rules().tls.as_ref().unwrap().config.ignore_client_order);
}

#[test]
fn all_errors_are_reported_at_once_with_place_and_remedy() {
    let text = "
tls_server_config:
  cert: also here
  cert_file: tls.crt
  key_file: missing.key
  client_auth_type: Sometimes
  client_allowed_sans: []
  min_version: TLS10
  max_version: TLS14
  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]
  curve_preferences: [CurveP521]
http_server_config:
  headers:
    X-Frame-Options: allow
    X-Powered-By: d360
    Content-Security-Policy: \"a\\nb\"
basic_auth_users:
  alice: not-a-hash
  'a:b': $2y$10$short
rate_limit:
  interval: sometimes
";
    insta::assert_snapshot!(errors(text));
}

#[test]
fn syntax_errors_name_their_line_and_show_no_value() {
    let messages: Vec<String> = [
        "tls_config:\n  cert_file: x\n",
        "tls_server_config:\n  cert_fil: x\n",
        "basic_auth_users: CANARY\n",
        "basic_auth_users:\n  alice: [CANARY]\n",
        "basic_auth_users:\n  alice: CANARY\n  alice: CANARY\n",
        "tls_server_config:\n  key: {CANARY: CANARY}\n",
        "http_server_config:\n  http2: CANARY\n",
        "rate_limit:\n  interval: 1s\n  burst: CANARY\n",
        "rate_limit:\n  interval: 1s\n  burst: -1\n",
        "CANARY\n",
        "a: b: CANARY\n",
        "- basic_auth_users\n",
        "{\n",
        "--- {}\n--- {}\n",
    ]
    .map(errors)
    .to_vec();
    let messages = messages.join("\n");
    assert!(!messages.contains("CANARY"), "{messages}");
    insta::assert_snapshot!(messages);
}

#[test]
fn rules_across_keys_are_checked() {
    let cases = [
        ("no certificate", "tls_server_config:\n  min_version: TLS13\n".to_owned()),
        ("no key", "tls_server_config:\n  cert_file: tls.crt\n".to_owned()),
        ("both keys", format!("{TLS}  key: here\n")),
        ("min over max", format!("{TLS}  min_version: TLS13\n  max_version: TLS12\n")),
        (
            "suites of another version",
            format!("{TLS}  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]\n"),
        ),
        ("CA without a check", format!("{TLS}  client_ca_file: tls.crt\n")),
        ("check without a CA", format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n")),
        (
            "names of nobody",
            format!(
                "{TLS}  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: tls.crt\n  client_allowed_sans: [a]\n"
            ),
        ),
        (
            "no CA in the file",
            format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: tls.key\n"),
        ),
        ("key for certificate", "tls_server_config:\n  cert_file: tls.key\n  key_file: tls.crt\n".to_owned()),
        ("no burst", "rate_limit: {interval: 1s}\n".to_owned()),
        ("no file", "tls_server_config:\n  cert_file: no.crt\n  key_file: no.key\n".to_owned()),
    ];
    let messages: Vec<_> =
        cases.iter().map(|(name, text)| format!("{name}\n  {}", errors(text).replace('\n', "\n  "))).collect();
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn a_key_of_another_certificate_is_an_error() {
    let directory = ConfigDirectory::new(TLS);
    directory.write("tls.key", &pair().1);
    let messages = directory.load().unwrap_err();
    assert!(
        messages.starts_with(
            "`web.yml`: tls_server_config.key: expected the private key of the certificate, found another"
        ),
        "{messages}"
    );
}

#[test]
fn inline_certificates_work_like_files_and_are_never_shown() {
    let (certificate, key) = pair();
    let indented = |pem: &str| pem.trim().replace('\n', "\n    ");
    let text = format!(
        "tls_server_config:\n  cert: |\n    {}\n  key: |\n    {}\n  client_ca: |\n    {}\n  client_auth_type: RequireAndVerifyClientCert\n\
         basic_auth_users:\n  alice: {}\n",
        indented(&certificate),
        indented(&key),
        indented(&certificate),
        hash(),
    );
    let protection = ConfigDirectory::new(&text).load().unwrap();
    assert_eq!((protection.is_tls(), protection.client_auth()), (true, ClientAuth::RequireAndVerify));
    let shown = format!("{protection:?}");
    assert!(!shown.contains("$2b$"), "{shown}");
    let inside: Vec<&str> = key.lines().filter(|line| !line.starts_with("---")).collect();
    assert!(inside.iter().all(|line| !shown.contains(line)), "{shown}");
}

/// A thread for the looks at files, and for passwords.
fn workers() -> Workers {
    Workers::start("test", 1, 4).unwrap()
}

/// A request from this machine.
async fn admit(protection: &Protection) -> (HeaderMap, Option<Response>) {
    protection.admit(&HeaderMap::new(), &Peer::new([127, 0, 0, 1].into()), &workers()).await
}

/// Rules in force after a change that two looks found the same.
async fn second_look(protection: &Protection) -> Option<String> {
    for _ in 0..2 {
        tokio::time::advance(Duration::from_secs(1)).await;
        protection.0.live.look(&workers()).await;
    }
    protection.problem().map(|problem| problem.as_str().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_change_is_in_force_when_it_has_settled_and_a_broken_one_is_not() {
    let directory = ConfigDirectory::new(&format!(
        "http_server_config:\n  headers: {{X-Frame-Options: deny}}\nbasic_auth_users:\n  alice: {}\n",
        hash()
    ));
    let protection = directory.load().unwrap();
    let header = async |protection: &Protection| {
        let (headers, _) = admit(protection).await;
        headers.get("x-frame-options").map(|value| value.to_str().unwrap().to_owned())
    };
    let text = |value: &str| {
        format!(
            "http_server_config:\n  headers: {{X-Frame-Options: {value}}}\nbasic_auth_users:\n  alice: {}\n",
            hash()
        )
    };

    directory.write("web.yml", &text("sameorigin"));
    assert_eq!(header(&protection).await.as_deref(), Some("deny"), "within the second");
    assert_eq!(second_look(&protection).await, None);
    assert_eq!(header(&protection).await.as_deref(), Some("sameorigin"));

    directory.write("web.yml", &text("maybe"));
    let problem = second_look(&protection).await;
    assert_eq!(
        problem.as_deref(),
        Some("http_server_config.headers.X-Frame-Options: expected `deny`, `sameorigin`, found `maybe`; correct it")
    );
    assert_eq!(second_look(&protection).await, problem, "it stays reported");
    assert_eq!(header(&protection).await.as_deref(), Some("sameorigin"), "the former stays");

    fs::remove_file(directory.0.path().join("web.yml")).unwrap();
    let gone = second_look(&protection).await.map(|problem| directory.anonymous(&problem));
    assert!(gone.is_some_and(|gone| gone.starts_with("expected a readable file, found `web.yml`: No such file")));

    directory.write("web.yml", &text("deny"));
    assert_eq!(second_look(&protection).await, None);
    assert_eq!(header(&protection).await.as_deref(), Some("deny"));
}

#[tokio::test(start_paused = true)]
async fn a_new_certificate_takes_effect_once_its_key_is_there() {
    let directory = ConfigDirectory::new(TLS);
    let protection = directory.load().unwrap();
    let old = protection.server_config(&workers()).await.unwrap();
    let (certificate, key) = pair();
    directory.write("tls.crt", &certificate);
    let problem = second_look(&protection).await.unwrap();
    assert!(problem.starts_with("tls_server_config.key: expected the private key of the certificate"), "{problem}");
    assert!(Arc::ptr_eq(&old, &protection.server_config(&workers()).await.unwrap()));
    directory.write("tls.key", &key);
    assert_eq!(second_look(&protection).await, None);
    assert!(!Arc::ptr_eq(&old, &protection.server_config(&workers()).await.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn only_a_restart_removes_protection() {
    let ca = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: tls.crt\n";
    let users = format!("basic_auth_users:\n  alice: {}\n", hash());
    let directory = ConfigDirectory::new(&format!("{TLS}{ca}{users}"));
    let protection = directory.load().unwrap();
    let mut messages = Vec::new();
    for text in [
        String::new(),
        format!("{TLS}{ca}"),
        format!("{TLS}{users}"),
        format!("{TLS}{ca}{users}http_server_config: {{http2: false}}\n"),
    ] {
        directory.write("web.yml", &text);
        messages.push(second_look(&protection).await.unwrap());
    }
    insta::assert_snapshot!(messages.join("\n"));
    directory.write("web.yml", &format!("{TLS}{ca}{users}"));
    assert_eq!(second_look(&protection).await, None);
}

#[tokio::test(start_paused = true)]
async fn more_requests_than_the_limit_are_refused_before_a_password_is_looked_at() {
    let directory = ConfigDirectory::new(&format!(
        "rate_limit: {{interval: 1m, burst: 2}}\nbasic_auth_users:\n  alice: {}\n",
        hash()
    ));
    let protection = directory.load().unwrap();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(admit(&protection).await.1.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 429]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_cut_behind_any_line_protects_no_less_than_before() {
    let sans = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: tls.crt\n  min_version: TLS13\n  \
                client_allowed_sans: [scraper.example]\n  curve_preferences: [X25519]\n";
    let rest = format!(
        "basic_auth_users:\n  alice: {}\nrate_limit: {{interval: 1s, burst: 9}}\nhttp_server_config:\n  headers:\n    \
         X-Frame-Options: deny\n    X-Content-Type-Options: nosniff\n",
        hash()
    );
    let whole = format!("{TLS}{sans}{rest}");
    let directory = ConfigDirectory::new(&whole);
    let protection = directory.load().unwrap();
    for (at, _) in whole.match_indices('\n').filter(|(at, _)| at + 1 < whole.len()) {
        directory.write("web.yml", &whole[..=at]);
        let problem = second_look(&protection).await;
        assert!(problem.is_some(), "cut behind {:?}", &whole[..=at]);
    }
    directory.write("web.yml", &whole);
    assert_eq!(second_look(&protection).await, None);
}

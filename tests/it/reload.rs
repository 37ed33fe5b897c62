//! A configuration that changes while the exporter runs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use d360_exporter::simulator::Options;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::{Api, Exporter, Program, fleet};

/// Partners, each a simulator of its own, and the files that name them.
struct Partners {
    directory: TempDir,
    apis: Vec<(&'static str, Api)>,
}

impl Partners {
    async fn new(ids: &[&'static str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut apis = Vec::new();
        for &id in ids {
            let options = Options { partner_id: id.to_owned(), api_key: format!("key-of-{id}"), ..fleet(3, 2) };
            std::fs::write(directory.path().join(id), &options.api_key).unwrap();
            apis.push((id, Api::start(options).await));
        }
        Self { directory, apis }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("config.yml")
    }

    fn key_file(&self, id: &str) -> PathBuf {
        self.directory.path().join(id)
    }

    /// Writes the configuration of these partners.
    fn configure(&self, ids: &[&str]) {
        let mut text = "partners:\n".to_owned();
        for (id, api) in self.apis.iter().filter(|(id, _)| ids.contains(id)) {
            let key = self.key_file(id);
            writeln!(text, "- id: {id}\n  api_key_file: {}\n  base_url: {}", key.display(), api.base_url()).unwrap();
        }
        std::fs::write(self.file(), text).unwrap();
    }

    async fn start(&self) -> Exporter {
        self.start_with(&[]).await
    }

    async fn start_with(&self, env: &[(&str, &str)]) -> Exporter {
        let config = format!("--config.file={}", self.file().display());
        let quick = ["--poll.interval=300ms", "--api.min-rate=1000/s", "--api.max-rate=1000/s"];
        let fixed = ["serve", &config, "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle"];
        Exporter::of(Program::start(&[&fixed, &quick[..]].concat(), env)).await
    }
}

/// Channels of a partner that are exposed.
fn channels(exposition: &crate::harness::Exposition, partner: &str) -> usize {
    exposition.matching("d360_channel_info", &[("partner_id", partner)]).len()
}

#[tokio::test]
async fn partners_come_and_go_and_the_others_keep_their_data() {
    let partners = Partners::new(&["onePA", "twoPA"]).await;
    partners.configure(&["onePA"]);
    let exporter = partners.start().await;
    exporter.until("the first partner", |e| channels(e, "onePA") == 6).await;

    // What is known of the first one must not need the API again.
    partners.apis[0].1.faults(serde_json::json!([{ "kind": "server_error", "status": 500 }])).await;
    partners.configure(&["onePA", "twoPA"]);
    exporter.signal(Signal::HUP);
    let both = exporter.until("the second partner", |e| channels(e, "twoPA") == 6).await;
    assert_eq!(channels(&both, "onePA"), 6);
    assert_eq!(both.value("d360_exporter_config_last_reload_successful", &[]), Some(1.0));

    partners.configure(&["onePA"]);
    assert_eq!(exporter.request("POST", "/-/reload", &[]).await.status(), 200);
    let one = exporter.until("the second partner gone", |e| channels(e, "twoPA") == 0).await;
    assert_eq!(channels(&one, "onePA"), 6);
    let left = one.series(|name| name.starts_with("d360_"));
    let of_two: Vec<_> = left.keys().filter(|series| format!("{series:?}").contains("twoPA")).collect();
    assert!(of_two.is_empty(), "{of_two:?}");
    assert!(!exporter.text("/config").await.contains("twoPA"));
    exporter.stop().await;
}

#[tokio::test]
async fn a_bad_configuration_changes_nothing_and_is_reported_to_the_caller() {
    let partners = Partners::new(&["onePA"]).await;
    partners.configure(&["onePA"]);
    let exporter = partners.start().await;
    exporter.until("the partner", |e| channels(e, "onePA") == 6).await;

    std::fs::write(partners.file(), "partners:\n- id: onePA\n  api_key_file: /missing\n  page_size: many\n").unwrap();
    let response = exporter.request("POST", "/-/reload", &[]).await;
    assert_eq!(response.status(), 500);
    assert_eq!(
        response.text().await.unwrap(),
        "partner `onePA` in --config.file: --partner.api-key-file: cannot read `/missing`: No such file or directory \
         (os error 2); write the API key, and only it, into that file\n\
         partner `onePA` in --config.file: --api.page-size: expected `auto` or a whole number from 1 to 100000, found `many`\n"
    );
    let after = exporter.scrape().await;
    assert_eq!(channels(&after, "onePA"), 6);
    assert_eq!(after.value("d360_exporter_config_last_reload_successful", &[]), Some(0.0));
    let polled = partners.apis[0].1.responses("clients").await;
    crate::harness::wait_until("more polling", async || {
        (partners.apis[0].1.responses("clients").await > polled).then_some(())
    })
    .await;
    exporter.stop().await;
}

#[tokio::test]
async fn a_reload_that_cannot_build_everything_stops_nothing_and_says_all_that_is_wrong() {
    let partners = Partners::new(&["onePA", "twoPA"]).await;
    partners.configure(&["onePA"]);
    let bundle = partners.directory.path().join("ca.pem");
    std::fs::write(&bundle, crate::harness::Authority::new("test").pem()).unwrap();
    let exporter = partners.start_with(&[("SSL_CERT_FILE", &bundle.display().to_string())]).await;
    exporter.until("the partner", |e| channels(e, "onePA") == 6).await;

    // Another setting for the first one, a new second one, and no CA certificates.
    std::fs::remove_file(&bundle).unwrap();
    partners.configure(&["onePA", "twoPA"]);
    let text = std::fs::read_to_string(partners.file()).unwrap();
    std::fs::write(partners.file(), text.replace("- id: onePA\n", "- id: onePA\n  page_size: 7\n")).unwrap();
    let response = exporter.request("POST", "/-/reload", &[]).await;
    let (status, errors) = (response.status(), response.text().await.unwrap());
    assert_eq!(status, 500, "{errors}");
    for partner in ["onePA", "twoPA"] {
        assert!(errors.contains(&format!("partner {partner}: SSL_CERT_FILE: expected CA certificates in")), "{errors}");
    }
    exporter.signal(Signal::HUP);
    let polled = partners.apis[0].1.responses("clients").await;
    crate::harness::wait_until("more polling", async || {
        (partners.apis[0].1.responses("clients").await > polled + 2).then_some(())
    })
    .await;
    let after = exporter.scrape().await;
    assert_eq!((channels(&after, "onePA"), channels(&after, "twoPA")), (6, 0));
    assert_eq!(after.value("d360_exporter_config_last_reload_successful", &[]), Some(0.0));
    let of_two = after.series(|name| name.starts_with("d360_"));
    assert!(!of_two.keys().any(|series| format!("{series:?}").contains("twoPA")), "no series of what is not polled");
    assert!(!exporter.text("/config").await.contains("twoPA"));
    let output = exporter.stop().await;
    assert!(!output.contains("polled with other settings"), "{output}");
}

#[tokio::test]
async fn reload_over_http_needs_the_lifecycle_flag() {
    let api = Api::start(fleet(1, 1)).await;
    let exporter = Exporter::start(&api, &[]).await;
    assert_eq!(exporter.request("POST", "/-/reload", &[]).await.status(), 404);
    exporter.stop().await;
}

#[tokio::test]
async fn a_key_is_rotated_by_exchanging_a_symbolic_link() {
    let partners = Partners::new(&["onePA"]).await;
    let file = partners.key_file("onePA");
    std::fs::write(partners.directory.path().join("wrong"), "wrong-key").unwrap();
    std::fs::rename(&file, partners.directory.path().join("right")).unwrap();
    link(&partners.directory.path().join("wrong"), &file);
    partners.configure(&["onePA"]);
    let exporter = partners.start().await;
    exporter
        .until("the refusal", |e| {
            e.value("d360_api_request_failures_total", &[("endpoint", "clients"), ("reason", "unauthorized")])
                .is_some_and(|n| n >= 1.0)
                && e.value("d360_partner_up", &[]) == Some(0.0)
        })
        .await;
    assert_eq!(channels(&exporter.scrape().await, "onePA"), 0);

    link(&partners.directory.path().join("right"), &file);
    let after = exporter.until("the data", |e| channels(e, "onePA") == 6).await;
    assert_eq!(after.value("d360_partner_up", &[]), Some(1.0));
    exporter.stop().await;
}

/// Points a link elsewhere in one step, as Kubernetes does with secrets.
fn link(to: &Path, at: &Path) {
    let aside = at.with_extension("new");
    std::os::unix::fs::symlink(to, &aside).unwrap();
    std::fs::rename(&aside, at).unwrap();
}

//! A configuration that is read again, by signal and by request.

use d360_exporter::simulator::Options;
use rustix::process::Signal;

use super::{CANARY, is_silent, is_silent_everywhere};
use crate::harness::{Api, Exporter, Program, fleet, wait_until};

/// Reloads by signal, and waits until the log says so once more.
async fn hang_up(exporter: &Exporter, line: &str) {
    let before = exporter.program.lines_with(line).len();
    exporter.signal(Signal::HUP);
    wait_until(line, async || (exporter.program.lines_with(line).len() > before).then_some(())).await;
}

#[tokio::test]
async fn the_key_gets_out_nowhere_when_the_configuration_is_read_again() {
    let api = Api::start(Options { api_key: CANARY.to_owned(), ..fleet(2, 2) }).await;
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
    write("key", CANARY);
    write("two_keys", &format!("{CANARY} {CANARY}"));
    let good = |page_size: usize| {
        let (key, url) = (path("key"), api.base_url());
        format!("partners:\n- id: examplePA\n  api_key_file: {key}\n  base_url: {url}\n  page_size: {page_size}\n")
    };
    write("config.yml", &good(5));
    let (config, state) = (format!("--config.file={}", path("config.yml")), format!("--state.file={}", path("state")));
    let quick = ["--poll.interval=300ms", "--api.min-rate=1000/s", "--api.max-rate=1000/s", "--log.level=trace"];
    let fixed = ["serve", &config, &state, "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle"];
    let exporter = Exporter::of(Program::start(&[&fixed[..], &quick].concat(), &[])).await;
    exporter.ready().await;

    let partner = |line: &str| format!("partners:\n- id: examplePA\n  {line}\n");
    for broken in [
        partner(&format!("api_key: {CANARY}")),
        partner(&format!("{CANARY}: x")),
        partner(&format!("api_key_file: {CANARY}")),
        partner(&format!("api_key_file: [{CANARY}]")),
        partner(&format!("api_key_file: {}", path("two_keys"))),
        partner(&format!("api_key_file: {}\n  page_size: {{{CANARY}: {CANARY}}}", path("key"))),
        partner(&format!("api_key_file: {}\n  base_url: https://{CANARY}@hub.example.invalid", path("key"))),
        format!("partners: {CANARY}\n"),
        format!("partners: '{CANARY}\n"),
        format!("{CANARY}\n"),
    ] {
        write("config.yml", &broken);
        let response = exporter.request("POST", "/-/reload", &[]).await;
        assert_eq!(response.status(), 500, "{broken}");
        is_silent(&response.text().await.unwrap(), &format!("the response to a reload of {broken}"));
        hang_up(&exporter, "configuration reload failed").await;
        is_silent(&exporter.text("/config").await, "/config");
    }
    for page_size in [6, 7] {
        write("config.yml", &good(page_size));
        let response = exporter.request("POST", "/-/reload", &[]).await;
        assert_eq!(
            (response.status().as_u16(), response.text().await.unwrap().as_str()),
            (200, "configuration reloaded\n")
        );
        hang_up(&exporter, "configuration reloaded").await;
    }
    is_silent_everywhere(exporter).await;
    is_silent(&String::from_utf8_lossy(&std::fs::read(path("state")).unwrap()), "the state file");
}

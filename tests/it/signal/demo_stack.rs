//! `make demo-stack` as a person uses it: start it, do what it prints, see the alert, interrupt it.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::Duration;

use super::daemon::{Daemon, free_port, until};
use super::files::{captures, path};
use super::programs::{EXPORTER, command, succeeds};
use super::stack::PATIENCE;

/// The processes whose command line names something, by id.
fn processes_with(text: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let id = entry.file_name().into_string().unwrap_or_default();
        let line = std::fs::read(Path::new("/proc").join(&id).join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if id != own && line.contains(text) {
            found.push(format!("{id} {line}"));
        }
    }
    found
}

#[tokio::test]
async fn the_printed_request_drops_a_rating_and_within_a_minute_the_alert_is_in_alertmanager() {
    let dir = TempDir::new().unwrap();
    let ports =
        ["SIMULATOR_PORT", "EXPORTER_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT"].map(|name| (name, free_port()));
    let mut script = Command::new(path("scripts/demo-stack.sh"));
    // All that it writes goes below this folder, which tells its processes from others, too.
    script.arg(EXPORTER).env("TMPDIR", dir.path());
    script.envs(ports.map(|(name, port)| (name, port.to_string())));
    let mut demo = Daemon::start(&script, dir.path().join("said"));
    until("the demo to be ready", PATIENCE * 2, async || {
        let said = demo.said();
        if said.contains("Ctrl-C") { Ok(()) } else { Err(said) }
    })
    .await;

    let said = demo.said();
    let request = captures(r"(?m)^Drop a rating: (curl .*)$", &said).pop().unwrap_or_else(|| panic!("{said}"));
    let channel = captures(r"channels/(\w+)", &request).pop().unwrap();
    let alertmanager = captures(r"(?m)^Alertmanager:  (\S+)/$", &said).pop().unwrap();
    succeeds(Command::new("sh").args(["-c", &format!("{request} --silent --show-error --fail")]));
    until("the alert", Duration::from_secs(60), async || {
        let mut amtool = command("amtool", "prometheus-alertmanager");
        amtool.args(["alert", "query", "--output=json", &format!("--alertmanager.url={alertmanager}")]);
        let alerts = succeeds(amtool.args(["alertname=D360ChannelQualityLow", &format!("channel_id={channel}")]));
        if alerts.contains("\"D360ChannelQualityLow\"") { Ok(()) } else { Err(alerts) }
    })
    .await;

    let listening = ports.map(|(_, port)| format!("127.0.0.1:{port}"));
    let running = || listening.iter().flat_map(|address| processes_with(address)).collect::<Vec<_>>();
    assert!(running().len() >= 4, "{:?}", running());
    demo.signal(Signal::INT);
    until("the demo to end", PATIENCE, async || demo.ended().map(|_| ()).ok_or_else(|| demo.said())).await;
    assert_eq!(demo.ended().unwrap().code(), Some(0), "{}", demo.said());
    assert_eq!(running(), [""; 0]);
    let left = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(left, ["said"]);
}

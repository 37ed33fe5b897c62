//! `make demo-stack` as a person uses it: start it where the usual ports are taken, do what it prints, see the alert,
//! interrupt it.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::Duration;

use super::daemon::{Daemon, until};
use super::files::{captures, path};
use super::programs::{EXPORTER, command, said, succeeds};
use super::stack::PATIENCE;

/// The ports that the programs take if nobody else has them.
const USUAL: [u16; 4] = [9090, 9093, 10360, 10361];

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

/// Strangers on the usual ports, as Debian's services are: who knocks at them is found. A port that somebody has already
/// is as good as one that is taken here.
fn strangers() -> Vec<TcpListener> {
    let bind = |port| {
        let stranger = TcpListener::bind(("0.0.0.0", port)).ok()?;
        stranger.set_nonblocking(true).unwrap();
        Some(stranger)
    };
    USUAL.into_iter().filter_map(bind).collect()
}

/// The demo on the binary under test, with settings around it that it must not heed. All that it writes goes below `dir`,
/// which distinguishes its processes from others, too.
fn demo(dir: &TempDir) -> Command {
    let mut script = Command::new(path("scripts/demo-stack.sh"));
    script.arg(EXPORTER).env("TMPDIR", dir.path());
    script.env("D360_CONFIG_FILE", "/nowhere").env("http_proxy", "http://127.0.0.1:1").env("HTTP_PROXY", "nonsense");
    script
}

#[tokio::test]
async fn the_printed_request_drops_a_rating_and_within_a_minute_the_alert_is_in_alertmanager() {
    let (dir, strangers) = (TempDir::new().unwrap(), strangers());
    let mut demo = Daemon::start(&demo(&dir), dir.path().join("said"));
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

    let addresses = captures(r"http://(127\.0\.0\.1:\d+)/", &said);
    assert!(USUAL.iter().all(|port| !addresses.iter().any(|a| a.ends_with(&format!(":{port}")))), "{addresses:?}");
    for stranger in &strangers {
        assert_eq!(stranger.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "{stranger:?} was spoken to");
    }
    let running = || addresses.iter().flat_map(|address| processes_with(address)).collect::<Vec<_>>();
    assert!(running().len() >= 4, "{:?}", running());
    demo.signal(Signal::INT);
    until("the demo to end", PATIENCE, async || demo.ended().map(|_| ()).ok_or_else(|| demo.said())).await;
    assert_eq!(demo.ended().unwrap().code(), Some(0), "{}", demo.said());
    assert_eq!(running(), [""; 0]);
    let left = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(left, ["said"]);
}

#[test]
fn the_demo_refuses_a_port_that_was_named_and_is_taken() {
    let (dir, stranger) = (TempDir::new().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = stranger.local_addr().unwrap().port();
    let output = demo(&dir).env("SIMULATOR_PORT", port.to_string()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("demo-stack.sh: expected port {port} to be free for simulator, found that it is taken\n");
    assert_eq!(said(&output), expected);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

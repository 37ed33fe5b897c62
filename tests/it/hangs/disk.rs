//! A disk that hangs or is gone, a name server that does not respond, and a key file
//! that is a named pipe.

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use tokio::time::Instant;

use super::{END, borrowed};
use crate::harness::{Api, Exporter, Exposition, Hanging, fleet, wait_until};

const FAILURES: &str = "d360_exporter_state_write_failures_total";
const WRITTEN: &str = "d360_exporter_state_last_write_timestamp_seconds";

/// Stops with SIGTERM, and checks that it took no longer than it may.
async fn stops_in_time(exporter: Exporter) -> String {
    let began = Instant::now();
    let output = exporter.stop().await;
    let took = began.elapsed();
    assert!(took < END, "{took:?}: {output}");
    output
}

/// Waits for more polling.
async fn goes_on_polling(api: &Api) {
    let before = api.responses("clients").await;
    wait_until("more polling", async || (api.responses("clients").await > before + 2).then_some(())).await;
}

#[tokio::test]
async fn a_disk_that_hangs_keeps_nothing_else_waiting_and_is_logged_once() {
    let (api, hanging, directory) = (Api::start(fleet(3, 2)).await, Hanging::new(), tempfile::tempdir().unwrap());
    let state = format!("--state.file={}", directory.path().join("state").display());
    let env = hanging.env();
    let exporter = Exporter::start_with(&api.base_url(), "demo-key", &[&state], &borrowed(&env)).await;
    let first = exporter.until("the first write", |e| e.value(WRITTEN, &[]).is_some()).await;
    assert_eq!(first.value(FAILURES, &[]), Some(0.0));

    hanging.set("disk", true);
    exporter.until("two failures", |e| e.value(FAILURES, &[]) >= Some(2.0)).await;
    goes_on_polling(&api).await;
    assert_eq!(exporter.program.lines_with("cannot save the state").len(), 1, "{}", exporter.program.output());

    hanging.set("disk", false);
    exporter.program.line_with("the state is saved again").await;
    let before = first.value(WRITTEN, &[]);
    exporter.until("another write", |e| e.value(WRITTEN, &[]) > before).await;

    hanging.set("disk", true);
    let output = stops_in_time(exporter).await;
    assert!(output.contains("the state was not saved within"), "{output}");
}

#[tokio::test]
async fn a_full_disk_is_logged_once_and_leaves_the_last_state_whole() {
    let (api, hanging, directory) = (Api::start(fleet(3, 2)).await, Hanging::new(), tempfile::tempdir().unwrap());
    let path = directory.path().join("state");
    let state = format!("--state.file={}", path.display());
    let env = hanging.env();
    let exporter = Exporter::start_with(&api.base_url(), "demo-key", &[&state], &borrowed(&env)).await;
    exporter.until("the first write", |e| e.value(WRITTEN, &[]).is_some()).await;

    hanging.set("full disk", true);
    exporter.until("two failures", |e| e.value(FAILURES, &[]) >= Some(2.0)).await;
    let before = std::fs::read(&path).unwrap();
    goes_on_polling(&api).await;
    assert!(std::fs::read(&path).unwrap() == before, "the last state stays");
    let output = stops_in_time(exporter).await;
    assert_eq!(output.matches("cannot save the state").count(), 1, "{output}");
    assert!(output.contains("No space left on device"), "{output}");
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["state"]);
}

#[tokio::test]
async fn a_directory_that_is_gone_is_logged_once_and_written_to_when_it_is_back() {
    let (api, directory) = (Api::start(fleet(3, 2)).await, tempfile::tempdir().unwrap());
    let disk = directory.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let state = format!("--state.file={}", disk.join("state").display());
    let exporter = Exporter::start(&api, &[&state]).await;
    exporter.until("the first write", |e| e.value(WRITTEN, &[]).is_some()).await;
    std::fs::rename(&disk, directory.path().join("away")).unwrap();
    exporter.until("two failures", |e| e.value(FAILURES, &[]) >= Some(2.0)).await;
    std::fs::rename(directory.path().join("away"), &disk).unwrap();
    exporter.program.line_with("the state is saved again").await;
    let output = exporter.stop().await;
    assert_eq!(output.matches("cannot save the state").count(), 1, "{output}");
}

#[tokio::test]
async fn a_name_server_that_does_not_respond_delays_neither_scrapes_nor_shutdown() {
    let hanging = Hanging::new();
    hanging.set("name server", true);
    let env = hanging.env();
    let url = "https://hub.example.invalid/api/v2";
    let exporter = Exporter::start_with(url, "demo-key", &["--api.timeout=1s"], &borrowed(&env)).await;
    let failed = |e: &Exposition| e.sum("d360_api_request_failures_total", &[]) >= 2.0;
    exporter.until("failed requests", failed).await;
    stops_in_time(exporter).await;
}

#[tokio::test]
async fn a_key_file_that_becomes_a_named_pipe_stops_nothing() {
    let (api, directory) = (Api::start(fleet(2, 2)).await, tempfile::tempdir().unwrap());
    let key = directory.path().join("key");
    std::fs::write(&key, "demo-key").unwrap();
    let key_flag = format!("--partner.api-key-file={}", key.display());
    let exporter = Exporter::start(&api, &[&key_flag, "--web.enable-lifecycle"]).await;
    exporter.ready().await;
    std::fs::remove_file(&key).unwrap();
    mknodat(CWD, &key, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let response = exporter.request("POST", "/-/reload", &[]).await;
    assert_eq!(response.status(), 500);
    let error = response.text().await.unwrap();
    assert!(error.contains("expected a regular file"), "{error}");
    exporter.signal(Signal::HUP);
    goes_on_polling(&api).await;
    stops_in_time(exporter).await;
}

//! Restarting is not an event: the state file, and what happens to a bad one.

use std::path::Path;
use std::time::Duration;

use d360_exporter::fleet::{Fleet, state_file, state_storage};
use d360_exporter::model::{Client, Observation, Timestamp};
use serde_json::json;

use crate::harness::{Api, Exporter, expected, fleet, metrics_of};

async fn with_state(api: &Api, file: &Path, more: &[&str]) -> Exporter {
    let state = format!("--state.file={}", file.display());
    Exporter::start(api, &[&[state.as_str()], more].concat()).await
}

#[tokio::test]
async fn after_a_restart_the_saved_data_is_served_before_the_api_responds() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state");
    let api = Api::start(fleet(5, 2)).await;
    let first = with_state(&api, &file, &[]).await;
    first.ready().await;
    let (_, channels) = api.ids().await.remove(0);
    api.patch_channel(&channels[0], json!({ "availability_status": "setting_up" })).await;
    let transitions = "d360_channel_transitions_total";
    first.until("a transition", |e| e.sum(transitions, &[]) == 1.0).await;
    first.stop().await;

    let truth = expected(&api.truth().await);
    api.faults(json!([{"kind": "hang"}])).await;
    let second = with_state(&api, &file, &["--api.timeout=10m"]).await;
    assert_eq!(second.get("/-/ready", &[]).await.status(), 200);
    let shown = second.scrape().await;
    assert_eq!(metrics_of(&shown), truth);
    assert_eq!(shown.sum(transitions, &[]), 0.0, "counters start with the process");
    second.stop().await;
}

#[tokio::test]
async fn a_bad_state_file_is_a_cold_start_and_is_kept_aside() {
    let api = Api::start(fleet(5, 2)).await;
    let directory = tempfile::tempdir().unwrap();
    let good = directory.path().join("good");
    let exporter = with_state(&api, &good, &[]).await;
    exporter.ready().await;
    exporter.stop().await;
    let whole = std::fs::read(&good).unwrap();
    let truncated = whole[..whole.len() / 2].to_vec();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x20;
    api.faults(json!([{"kind": "hang"}])).await;
    let contents = [("truncated", truncated), ("flipped", flipped), ("empty", Vec::new())];
    for (name, content) in contents {
        let file = directory.path().join(name);
        std::fs::write(&file, &content).unwrap();
        let exporter = with_state(&api, &file, &["--api.timeout=10m"]).await;
        assert_eq!(exporter.get("/-/ready", &[]).await.status(), 503, "{name}");
        assert_eq!(metrics_of(&exporter.scrape().await).len(), 0, "{name}: never half-loaded");
        let output = exporter.stop().await;
        assert!(output.contains("level=WARN") && output.contains("starting cold"), "{name}: {output}");
        let aside = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let kept = aside.filter(|path| path.to_string_lossy().contains(&format!("{name}.bad")));
        assert_eq!(kept.map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>(), [content], "{name}");
    }
}

#[tokio::test]
async fn the_state_of_another_partner_is_a_cold_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state");
    let api = Api::start(fleet(5, 2)).await;
    let exporter = with_state(&api, &file, &[]).await;
    exporter.ready().await;
    exporter.stop().await;
    let other = with_state(&api, &file, &["--partner.id=anotherPA"]).await;
    assert_eq!(other.get("/-/ready", &[]).await.status(), 503);
    assert_eq!(metrics_of(&other.scrape().await).len(), 0);
    assert!(other.stop().await.contains("starting cold"));
}

/// Set in the process that the kill test kills: the file to write again and again.
const WRITER: &str = "D360_TEST_STATE_WRITER";

/// A state of so many clients, so that a write takes its time.
fn state_of(clients: usize) -> Vec<u8> {
    let at = Timestamp::UNIX_EPOCH;
    let clients = (0..clients).map(|i| Client { name: Some("x".repeat(200).into()), ..Client::new(format!("{i}CL")) });
    let mut fleet = Fleet::new("examplePA".into(), Duration::from_secs(60));
    fleet.apply(Observation::ClientsListed {
        clients: clients.collect(),
        gone: Vec::new(),
        whole: true,
        at: at.into(),
    });
    state_file::encode([&fleet].into_iter()).unwrap()
}

/// The process that the kill test starts: writes until it is killed.
fn write_states_to(file: &Path) -> ! {
    let states = [state_of(1000), state_of(2000)];
    for state in states.iter().cycle() {
        state_storage::replace(file, state).unwrap();
    }
    unreachable!("states are written again and again")
}

/// Starts itself again as the writer that is killed.
#[test]
fn a_kill_at_any_moment_of_a_write_leaves_the_old_state_or_the_new_one() {
    if let Some(file) = std::env::var_os(WRITER) {
        write_states_to(Path::new(&file));
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state");
    let whole = [state_of(1000), state_of(2000)];
    let mut seen = [0; 2];
    for round in 0..200_u64 {
        let mut writer = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "restart::a_kill_at_any_moment_of_a_write_leaves_the_old_state_or_the_new_one"])
            .env(WRITER, &file)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // The first write of this process, and then any moment of the next ones.
        let before = std::fs::metadata(&file).and_then(|m| m.modified()).ok();
        while std::fs::metadata(&file).and_then(|m| m.modified()).ok() == before {
            assert_eq!(writer.try_wait().unwrap(), None, "the writer runs until it is killed");
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(round * 7919 % 10_000));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let content = std::fs::read(&file).unwrap();
        let at = whole.iter().position(|state| *state == content);
        seen[at.unwrap_or_else(|| panic!("round {round} left a state that was never written"))] += 1;
        assert!(state_storage::load(&file).unwrap().is_some());
    }
    assert!(seen.iter().all(|&n| n > 0), "kills came at both states: {seen:?}");
}

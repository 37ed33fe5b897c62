//! SIGHUP and SIGTERM at many moments of a start.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use d360_exporter::clock::Clock;
use d360_exporter::fleet::{Fleet, state_file};
use d360_exporter::model::{Channel, Client, ClientId, Observation};
use rustix::process::{Pid, Signal, kill_process};

use super::{command, ends_in_time, file, handles};
use crate::harness::{Api, fleet};

/// Writes the state of 50,000 channels, just read.
fn write_large_state(path: &Path) {
    let at = Clock::system().now();
    let ids: Vec<ClientId> = (0..5000).map(|nth| format!("{nth}CL").into()).collect();
    let mut fleet = Fleet::new("examplePA".into(), Duration::from_secs(1800));
    let clients = ids.iter().map(|id| Client::new(id.clone())).collect();
    fleet.apply(Observation::ClientsListed { clients, gone: Vec::new(), whole: true, at: at.into() });
    for id in ids {
        let channels = (0..10).map(|nth| Channel::new(format!("{id}{nth}CH"))).collect();
        fleet.apply(Observation::ChannelsRead { client: id, channels, gone: Vec::new(), whole: true, at: at.into() });
    }
    std::fs::write(path, state_file::encode([&fleet].into_iter()).unwrap()).unwrap();
}

/// Starts the program once per moment, and sends it SIGHUP and then SIGTERM.
async fn survives_hangups_and_ends(api: &Api, state: &str) {
    let directory = tempfile::tempdir().unwrap();
    let key = format!("--partner.api-key-file={}", file(directory.path(), "key", "demo-key"));
    let (url, state) = (format!("--api.base-url={}", api.base_url()), format!("--state.file={state}"));
    let args = ["serve", "--partner.id=examplePA", &key, &url, &state, "--web.listen-address=127.0.0.1:0"];
    for moment in [0, 1, 3, 10, 30, 100, 300, 1000, 3000] {
        let child = command(&args).stderr(Stdio::null()).spawn().unwrap();
        handles(&child, &[Signal::TERM, Signal::INT, Signal::HUP]).await;
        let pid = Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, Signal::HUP).unwrap();
        // The moment is what is tested.
        tokio::time::sleep(Duration::from_millis(moment)).await;
        kill_process(pid, Signal::HUP).unwrap();
        ends_in_time(child).await;
    }
}

#[tokio::test]
async fn at_any_moment_of_a_cold_start_sighup_ends_nothing_and_sigterm_ends_it_well() {
    let (api, directory) = (Api::start(fleet(50, 10)).await, tempfile::tempdir().unwrap());
    survives_hangups_and_ends(&api, &directory.path().join("state").display().to_string()).await;
}

#[tokio::test]
async fn at_any_moment_of_a_warm_start_sighup_ends_nothing_and_sigterm_ends_it_well() {
    let (api, directory) = (Api::start(fleet(50, 10)).await, tempfile::tempdir().unwrap());
    let state = directory.path().join("state");
    write_large_state(&state);
    survives_hangups_and_ends(&api, &state.display().to_string()).await;
}

//! What is slow or broken outside stops nothing: a log that nobody reads, a disk or
//! a name server that hangs, a wall clock that steps, signals at any moment.
//!
//! The program runs as a process, with real pipes, files and signals. A disk and a
//! name server that hang are `fsync` and `getaddrinfo` of a small library that the
//! program is started with ([`crate::harness::Hanging`]).

mod clock;
mod disk;
mod log;
mod signals;
mod state_path;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::harness::wait_until;

/// The process is gone this long after SIGTERM, whatever hangs.
const END: Duration = Duration::from_secs(15);

/// Sends SIGTERM and waits for a good end in time.
async fn ends_in_time(mut child: Child) {
    let began = Instant::now();
    kill_process(Pid::from_raw(child.id().unwrap().cast_signed()).unwrap(), Signal::TERM).unwrap();
    let status = tokio::time::timeout(END, child.wait()).await.expect("an end within 15 seconds").unwrap();
    assert_eq!(status.code(), Some(0), "after {:?}", began.elapsed());
}

/// The program, its output nobody's business yet.
fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_d360_exporter"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("D360_") || name.ends_with("_PROXY")) {
        command.env_remove(name);
    }
    command
}

/// A port that is free now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Writes a file and returns its path.
fn file(directory: &Path, name: &str, content: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

/// Waits until a process handles a signal by itself.
async fn handles(child: &Child, signals: &[Signal]) {
    let status = format!("/proc/{}/status", child.id().unwrap());
    wait_until("the signal handlers", async || {
        let status = std::fs::read_to_string(&status).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
        let caught = u64::from_str_radix(&caught, 16).unwrap();
        signals.iter().all(|signal| caught >> (signal.as_raw() - 1) & 1 == 1).then_some(())
    })
    .await;
}

/// An environment as the harness takes it.
fn borrowed(env: &[(String, String)]) -> Vec<(&str, &str)> {
    env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

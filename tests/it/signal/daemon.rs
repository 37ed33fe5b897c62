//! Programs that run beside a test, and waiting for what they do. A program that was started ends with the test, however
//! that ends.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Duration, Instant};

use crate::harness::tool;

/// A port that nobody listens on.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A running program. It ends with this value.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts a command that writes all it says to `log`.
    ///
    /// A test that is killed drops nothing. The kernel ends the program then, with the thread that started it.
    pub(super) fn start(command: &Command, log: PathBuf) -> Self {
        let mut tied = tool("setpriv", "util-linux").into_std();
        tied.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => tied.env(name, value),
                None => tied.env_remove(name),
            };
        }
        let file = File::options().create(true).append(true).open(&log).unwrap();
        tied.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = tied.spawn().unwrap_or_else(|e| panic!("cannot start {tied:?}: {e}"));
        Self { child, log }
    }

    /// All it said so far.
    pub(super) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The status with which it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// The processor time that it has used.
    pub(super) fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name, in brackets, may hold anything; user and system time are the 12th and 13th field behind it.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: f64 = fields[11..=12].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum();
        // Linux shows a hundred ticks per second to every program.
        ticks / 100.0
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub(super) async fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        until("the program to end", Duration::from_secs(20), async || self.ended().ok_or_else(|| self.said())).await
    }
}

impl Drop for Daemon {
    #[allow(clippy::print_stderr, reason = "a failed test shows why")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.said();
            let tail: Vec<_> = said.lines().rev().take(15).collect();
            let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
            eprintln!("--- the end of {}\n{tail}", self.log.display());
        }
        // First in peace: a script has children of its own to end.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        for _ in 0..200 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `attempt` succeeds, and panics with its last error when the deadline is over.
pub(super) async fn until<T>(what: &str, within: Duration, mut attempt: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + within;
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(why) => assert!(Instant::now() < deadline, "waited {within:?} for {what}: {why}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

//! The program as a process: started, listened to, stopped.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::wait_until;

/// A running process whose output is kept. It is killed when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    output: Arc<Mutex<String>>,
    /// Whether nobody reads the output for now.
    #[allow(dead_code, reason = "only the soak needs it")]
    unread: Arc<AtomicBool>,
    readers: Vec<JoinHandle<()>>,
}

impl Program {
    /// Starts the exporter's program.
    pub fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_d360_exporter"));
        command.args(args).envs(env.iter().copied());
        Self::spawn(command)
    }

    /// Starts any program, without what the environment says of exporters and
    /// proxies unless `command` says it.
    pub fn spawn(mut command: Command) -> Self {
        let given: Vec<_> = command.as_std().get_envs().map(|(name, _)| name.to_owned()).collect();
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_uppercase();
            if (text.starts_with("D360_") || text.ends_with("_PROXY")) && !given.contains(&name) {
                command.env_remove(&name);
            }
        }
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
        let output = Arc::new(Mutex::new(String::new()));
        let unread = Arc::new(AtomicBool::new(false));
        let readers = vec![
            keep(child.stdout.take().unwrap(), output.clone(), unread.clone()),
            keep(child.stderr.take().unwrap(), output.clone(), unread.clone()),
        ];
        Self { child, output, unread, readers }
    }

    /// Its process id.
    #[allow(dead_code, reason = "the soak asks the exporter itself")]
    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// From now on nobody reads the output, or somebody does again.
    #[allow(dead_code, reason = "only the soak needs it")]
    pub fn leave_unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }

    /// Standard output and standard error so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// The lines of the output so far that hold `part`.
    pub fn lines_with(&self, part: &str) -> Vec<String> {
        self.output().lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }

    /// The first line of the output that holds `part`.
    pub async fn line_with(&self, part: &str) -> String {
        wait_until(&format!("a line with {part:?} in the output"), async || {
            let line = self.lines_with(part).into_iter().next();
            let running =
                self.child.id().is_some_and(|pid| std::path::Path::new(&format!("/proc/{pid}/stat")).exists());
            assert!(line.is_some() || running, "expected {part:?}, found the end of:\n{}", self.output());
            line
        })
        .await
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())).expect("the process runs");
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the end: the exit code and everything that was written.
    pub async fn end(mut self) -> (Option<i32>, String) {
        let ended = tokio::time::timeout(super::DEADLINE, self.child.wait()).await;
        let status =
            ended.unwrap_or_else(|_| panic!("expected an end, found a process that runs on:\n{}", self.output()));
        for reader in std::mem::take(&mut self.readers) {
            reader.await.unwrap();
        }
        (status.unwrap().code(), self.output())
    }

    /// Stops with SIGTERM, which is a success, and returns the output.
    pub async fn stop(self) -> String {
        self.signal(Signal::TERM);
        let (code, output) = self.end().await;
        assert_eq!(code, Some(0), "{output}");
        output
    }
}

fn keep(
    from: impl AsyncRead + Unpin + Send + 'static,
    output: Arc<Mutex<String>>,
    unread: Arc<AtomicBool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            while unread.load(Ordering::Relaxed) {
                tokio::time::sleep(super::LOOK).await;
            }
            let mut output = output.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
        }
    })
}

/// The address on which a program of Prometheus listens that was asked to choose
/// its port.
pub async fn listening_on(program: &Program) -> String {
    let line = program.line_with("\"Listening on\"").await;
    line.split("address=").nth(1).unwrap_or_default().trim().to_owned()
}

/// A program of a Debian package. A machine without it fails the test, and says
/// how to get it.
pub fn tool(name: &str, package: &str) -> Command {
    let found =
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).exists()));
    assert!(
        found,
        "expected the program `{name}`, found none; install the Debian package `{package}` (`make test` does)"
    );
    Command::new(name)
}

//! The commands for people, as people and scripts run them: whole outputs, exit
//! codes, pipes and terminals.

mod channels;
mod clients;
mod documents;
mod live;
mod partners;
mod terminal;
mod update;

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::harness::{Api, DEADLINE};

/// What a command left behind.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// Everything, for a snapshot. The address and the times of log lines, which
    /// differ from run to run, are named.
    fn shown(&self, api: &Api) -> String {
        let (code, stdout, stderr) = (self.code, &self.stdout, &self.stderr);
        format!("exit code {code:?}\n--- standard output\n{stdout}--- standard error\n{stderr}")
            .replace(api.address(), "SIMULATOR")
            .lines()
            .map(|line| match line.split_once(' ') {
                Some((time, rest)) if time.starts_with("time=") => format!("time=NOW {rest}\n"),
                _ => format!("{line}\n"),
            })
            .collect()
    }

    /// The rows of a command that went well, from JSON.
    fn rows(&self) -> Vec<Value> {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""));
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// One field of all rows.
    fn column(&self, name: &str) -> Vec<String> {
        self.rows().iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
    }
}

/// The program with an environment of its own: what a person has set to use this
/// simulator, and a pace that nobody has to wait for.
fn program(api: &Api) -> Command {
    with_environment(Command::new(env!("CARGO_BIN_EXE_d360_exporter")), api)
}

fn with_environment(mut command: Command, api: &Api) -> Command {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("D360_PARTNER_ID", "examplePA").env("D360_API_KEY", "demo-key");
    command.env("D360_API_BASE_URL", api.base_url());
    command.env("D360_API_MIN_RATE", "1000/s").env("D360_API_MAX_RATE", "1000/s");
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a command to its end.
async fn end(mut command: Command) -> Ran {
    let output = tokio::time::timeout(DEADLINE, command.output()).await.expect("an end of the command").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

async fn run(api: &Api, args: &[&str]) -> Ran {
    let mut command = program(api);
    command.args(args);
    end(command).await
}

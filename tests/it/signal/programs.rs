//! Other programs: the exporter's own binary and those of Debian's packages. A program that is missing fails the test
//! with the name of its package.

use std::process::{Command, Output};

use crate::harness::tool;

/// The exporter.
pub(super) const EXPORTER: &str = env!("CARGO_BIN_EXE_d360_exporter");

/// A command of a program that a Debian package brings.
pub(super) fn command(program: &str, package: &str) -> Command {
    tool(program, package).into_std()
}

/// A command of the exporter that no setting of the environment reaches.
pub(super) fn exporter() -> Command {
    let mut command = Command::new(EXPORTER);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("D360_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a program said, standard output and error together.
pub(super) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command to its end and asserts that it went well.
#[track_caller]
pub(super) fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
    assert!(output.status.success(), "{command:?} ended with {}:\n{}", output.status, said(&output));
    said(&output)
}

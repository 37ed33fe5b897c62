//! The commands, one file each, and what puts the parts together for them.
//!
//! The only module that sees everything. Never here: encoding, HTTP details.

mod check;
mod demo;
mod exporter;
mod partners;
mod publication;
mod serve;
mod simulate;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::{ConfigErrors, Flags, LogConfig, LogFlags};
use crate::telemetry::logging;

pub use exporter::Exporter;
pub use partners::Reload;

/// Prometheus exporter for WhatsApp numbers on 360dialog
///
/// Polls the 360dialog Partner API in the background and serves availability
/// status, quality rating and messaging limit of every channel on /metrics.
/// Without a command, it runs `serve`.
#[derive(Debug, Parser)]
#[command(name = "d360_exporter", version = version(), args_conflicts_with_subcommands = true, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    log: LogFlags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the exporter
    Serve(Box<Flags>),
    /// Run the exporter on an embedded simulator: no configuration, incidents included
    Demo(demo::DemoFlags),
    /// Run only the simulator of the Partner API
    Simulate(simulate::SimulateFlags),
    /// Validate the configuration and print every error
    Check(Box<check::CheckFlags>),
}

/// Version and revision, as `--version` shows them.
fn version() -> String {
    format!("{} (revision {})", crate::VERSION, crate::REVISION)
}

/// Why a command did not end well.
#[derive(Debug)]
enum Failure {
    /// Bad flags or configuration: exit code 2.
    Config(ConfigErrors),
    /// Anything that happened later: exit code 1.
    Run(anyhow::Error),
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(errors)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Run(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Run(error.into())
    }
}

/// The command line as it is defined, for who writes about it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Config(errors)) => {
            for error in errors.to_string().lines() {
                eprintln!("error: {error}");
            }
            ExitCode::from(2)
        }
        Err(Failure::Run(error)) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let log = LogConfig::load(&cli.log)?;
    logging::init(log.level, log.format);
    crate::install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            None => serve::run(&cli.flags).await,
            Some(Command::Serve(flags)) => serve::run(&flags).await,
            Some(Command::Demo(flags)) => demo::run(&flags).await,
            Some(Command::Simulate(flags)) => simulate::run(&flags).await,
            Some(Command::Check(flags)) => check::run(&flags).await,
        }
    })
}

/// The environment, as the configuration asks for it.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}

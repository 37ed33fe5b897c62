//! The commands, one file each.
//!
//! The only module that sees everything. Never here: encoding, HTTP details, and
//! anything that runs after a command has started it (that is `runtime`).

mod access;
mod arguments;
mod channels;
mod check;
mod clients;
mod demo;
mod failure;
mod generate_docs;
mod records;
mod serve;
mod signal;
mod simulate;
mod table;
mod terminal;
mod welcome;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{Config, ConfigErrors, Flags, LogConfig, LogFlags};
use crate::telemetry::logging;

use failure::{Failure, environment};

/// Prometheus exporter for WhatsApp numbers on 360dialog
///
/// Polls the 360dialog Partner API in the background and serves availability
/// status, quality rating and messaging limit of every channel on /metrics.
/// Without a command, it runs `serve`.
#[derive(Debug, Parser)]
#[command(name = "d360_exporter", version = version(), args_conflicts_with_subcommands = true, args_override_self = true, max_term_width = 110)]
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
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Box<Flags>),
    /// Run the exporter on an embedded simulator: no configuration, incidents included
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(demo::DemoFlags),
    /// Run only the simulator of the Partner API
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate(simulate::SimulateFlags),
    /// Validate the configuration and print every error
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Box<check::CheckFlags>),
    /// List or change the clients of a partner
    #[command(subcommand)]
    Clients(clients::ClientsCommand),
    /// List the channels of a partner's clients
    #[command(subcommand)]
    Channels(channels::ChannelsCommand),
    /// Print the completions for a shell
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    #[command(hide = true)]
    Man {
        /// Directory to write one page per command into
        #[arg(value_name = "DIRECTORY")]
        directory: PathBuf,
    },
}

/// Threads of the runtime that may wait for a system call.
const BLOCKING: usize = 4;

const SERVE_EXAMPLES: &str = "\
Examples:
  One partner:
      d360_exporter serve --partner.id=abc123PA --partner.api-key-file=/etc/d360_exporter/api_key
  Several partners, with the state kept over restarts:
      d360_exporter serve --config.file=/etc/d360_exporter/config.yml --state.file=/var/lib/d360_exporter/state
  Behind a reverse proxy on the same machine:
      d360_exporter serve --web.listen-address=127.0.0.1:10360";

const DEMO_EXAMPLES: &str = "\
Examples:
  A small fleet with an incident every two seconds:
      d360_exporter demo
  A large and quiet one:
      d360_exporter demo --clients 2000 --channels-per-client 5 --incidents 0";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  A Partner API that allows five requests in 30 seconds:
      d360_exporter simulate --rate-limit 5/30s
  The exporter against it, in another terminal:
      D360_API_KEY=demo-key d360_exporter serve --partner.id=examplePA --api.base-url=http://127.0.0.1:10361/api/v2";

const CHECK_EXAMPLES: &str = "\
Examples:
  Validate the configuration, without a request:
      d360_exporter check --config.file=/etc/d360_exporter/config.yml
  Also ask the API what the key may read and what a cycle costs:
      d360_exporter check --live --partner.id=abc123PA --partner.api-key-file=/etc/d360_exporter/api_key
  The health check of a container:
      d360_exporter check --healthy";

/// Headings of the flags that interactive commands use.
const INTERACTIVE_HEADINGS: &[&str] = &["Partner", "Partner API", "Logging"];

/// The command line as it is parsed, shown and documented.
pub fn command() -> clap::Command {
    let of_the_exporter = |arg: clap::Arg| {
        let people = arg.get_help_heading().is_none_or(|heading| INTERACTIVE_HEADINGS.contains(&heading));
        let shown = people || arg.get_id() == "metrics.phone-number";
        // Hidden and not refused: one environment serves all commands.
        if shown { arg } else { arg.hide(true) }
    };
    ["clients", "channels"].iter().fold(Cli::command(), |command, group| {
        command.mut_subcommand(group, |group| group.mut_subcommands(|command| command.mut_args(of_the_exporter)))
    })
}

/// Version and revision, as `--version` shows them.
fn version() -> String {
    format!("{} (revision {})", crate::VERSION, crate::REVISION)
}

/// Runs the program.
pub fn main() -> ExitCode {
    if welcome::is_first_time() {
        eprint!("{}", welcome::WELCOME);
        return ExitCode::from(2);
    }
    let command = command();
    let arguments = arguments::behind_the_command(&command, std::env::args_os().collect());
    let cli = match Cli::from_arg_matches(&command.get_matches_from(arguments)) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let code = match run(cli) {
        Ok(code) => code,
        Err(Failure::Config(errors)) => {
            print_errors(&errors.to_string());
            ExitCode::from(2)
        }
        Err(Failure::Run(error)) => {
            print_errors(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    };
    logging::flush();
    code
}

fn print_errors(errors: &str) {
    for error in errors.lines() {
        logging::print(&format!("error: {error}"));
    }
}

/// Adds the other errors of the configuration, so that a person sees all at once.
fn with_those_of_the_command(mut errors: ConfigErrors, cli: &Cli) -> ConfigErrors {
    let flags = match &cli.command {
        None => Some(&cli.flags),
        Some(Command::Serve(flags)) => Some(&**flags),
        Some(Command::Check(check)) => Some(check.flags()),
        Some(_) => None,
    };
    if let Some(Err(others)) = flags.map(|flags| Config::load(flags, &environment)) {
        errors.0.extend(others.0);
    }
    errors
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let log = LogConfig::load(&cli.log).map_err(|errors| with_those_of_the_command(errors, &cli))?;
    logging::init(log.level, log.format)?;
    crate::install_crypto_provider();
    // Blocking work is for name servers alone, and rare: see `web::workers` for the rest.
    let runtime = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(BLOCKING).enable_all().build()?;
    let result = runtime.block_on(async {
        match cli.command {
            None => serve::run(&cli.flags).await?,
            Some(Command::Serve(flags)) => serve::run(&flags).await?,
            Some(Command::Demo(flags)) => demo::run(&flags).await?,
            Some(Command::Simulate(flags)) => simulate::run(&flags).await?,
            Some(Command::Check(flags)) => check::run(&flags).await?,
            Some(Command::Clients(command)) => clients::run(&command).await?,
            Some(Command::Channels(command)) => return channels::run(&command).await,
            Some(Command::Completions { shell }) => generate_docs::completions(command(), shell)?,
            Some(Command::Man { directory }) => generate_docs::manual_pages(command(), &directory)?,
        }
        Ok(ExitCode::SUCCESS)
    });
    // A thread that waits for a name server or a disk must not keep the process.
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn commands_for_people_show_only_the_flags_they_have_a_use_for() {
        let mut command = command();
        command.build();
        let list = command.find_subcommand("channels").and_then(|c| c.find_subcommand("list")).unwrap();
        let shown: Vec<_> = list.get_arguments().filter(|a| !a.is_hide_set()).filter_map(|a| a.get_long()).collect();
        assert_eq!(
            shown,
            [
                "config.file",
                "partner.id",
                "partner.api-key-file",
                "api.base-url",
                "api.timeout",
                "api.max-response-size",
                "api.page-size",
                "api.min-rate",
                "api.max-rate",
                "metrics.phone-number",
                "output",
                "client",
                "availability",
                "rating",
                "status",
                "waba-status",
                "limit",
                "attention",
                "search",
                "sort",
                "columns",
                "from",
                "watch",
                "exit-code",
                "log.level",
                "log.format",
                "help",
            ]
        );
    }
}

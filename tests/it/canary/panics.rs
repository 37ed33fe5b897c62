//! A task that dies while everything that could be shown is at hand.

use clap::Parser;
use d360_exporter::clock::Clock;
use d360_exporter::config::{API_KEY_VARIABLE, Config, Flags};
use d360_exporter::runtime::{Exporter as Run, Reload};
use d360_exporter::simulator::Options;
use d360_exporter::telemetry::logging;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::LevelFilter;

use super::{CANARY, is_silent};
use crate::harness::{Api, Exporter, Program, fleet};

/// Set in the process that the test starts: the base URL of the API.
const DYING: &str = "D360_TEST_DYING_EXPORTER";

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    flags: Flags,
}

/// The process that the test starts: the exporter, but for a reload that panics
/// and shows the whole configuration.
fn run_an_exporter_that_dies(base_url: &str) -> ! {
    logging::init(LevelFilter::TRACE, logging::Format::Logfmt).unwrap();
    d360_exporter::install_crypto_provider();
    let base_url = format!("--api.base-url={base_url}");
    let flags = ["--partner.id=examplePA", &base_url, "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle"];
    let flags = Line::parse_from(flags).flags;
    let load = move || Config::load(&flags, &|name| (name == API_KEY_VARIABLE).then(|| CANARY.to_owned())).unwrap();
    let config = load();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let result = runtime.block_on(async {
        let reload = Reload::listen(move || panic!("no way to go on with {:?}", load())).unwrap();
        Run::bind(config, Clock::system(), Some(reload)).unwrap().run(CancellationToken::new()).await
    });
    logging::print(&format!("error: {:#}", result.unwrap_err()));
    logging::flush();
    std::process::exit(1);
}

/// Starts itself again as the exporter that dies: it must be a process of its own.
#[test]
fn a_task_that_dies_ends_the_process_without_showing_the_key() {
    if let Ok(base_url) = std::env::var(DYING) {
        run_an_exporter_that_dies(&base_url);
    }
    tokio::runtime::Runtime::new().unwrap().block_on(the_dying_exporter_shows_no_key());
}

async fn the_dying_exporter_shows_no_key() {
    let api = Api::start(Options { api_key: CANARY.to_owned(), ..fleet(2, 2) }).await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "canary::panics::a_task_that_dies_ends_the_process_without_showing_the_key",
        "--nocapture",
    ]);
    command.env(DYING, api.base_url()).env("RUST_BACKTRACE", "1");
    let exporter = Exporter::of(Program::spawn(command)).await;
    exporter.ready().await;
    // Nobody is left to respond to it.
    assert_eq!(exporter.request("POST", "/-/reload", &[]).await.status(), 503);
    let (code, output) = exporter.program.end().await;
    assert_eq!(code, Some(1), "{output}");
    for expected in [
        "stack backtrace:",
        r#"no way to go on with Config { partners: [PartnerConfig { id: \"examplePA\", key: ApiKey("#,
        "error: the exporter stopped: a task of the exporter died: task ",
    ] {
        assert!(output.contains(expected), "expected {expected:?}, found:\n{output}");
    }
    is_silent(&output, "the last words");
}

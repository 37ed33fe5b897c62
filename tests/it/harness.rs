//! What the tests stand on: the program as a process, the simulator over HTTP,
//! and a parser of the exposition that shares no line with the renderer.

mod api;
mod certificates;
mod expected;
mod exporter;
mod exposition;
mod outside;
mod process;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

pub use api::{Api, fleet};
pub use certificates::{Authority, Pair};
pub use expected::{expected, is_of_fleet, metrics_of};
pub use exporter::Exporter;
pub use exposition::{Exposition, Series, SeriesMap};
pub use outside::{Hanging, WallClock};
pub use process::{Program, listening_on, tool};

/// How long anything may take on a busy machine before it counts as not
/// happening.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(30);

/// A path in the repository.
pub fn repository(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Runs a command to its end.
///
/// # Panics
///
/// With all it said, if it fails.
#[track_caller]
pub fn run(command: &mut std::process::Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?} ended with {}:\n{said}", output.status);
    said
}

/// All sources in a directory, given from the repository's root.
pub fn sources_in(directory: &str) -> Vec<PathBuf> {
    files_in(directory, &["rs"])
}

/// All files in a directory, given from the repository's root, that end in one of these extensions.
pub fn files_in(directory: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)) {
                found.push(path);
            }
        }
    }
    found
}

/// Looks until `look` finds something.
///
/// # Panics
///
/// After [`DEADLINE`], with what was waited for.
pub async fn wait_until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "expected {what} within {DEADLINE:?}, and it did not happen");
        tokio::time::sleep(LOOK).await;
    }
}

/// A client that takes no proxy, decodes nothing and follows nothing.
pub fn http_client() -> reqwest::Client {
    d360_exporter::install_crypto_provider();
    let client = reqwest::Client::builder().no_proxy().gzip(false).redirect(reqwest::redirect::Policy::none());
    client.timeout(DEADLINE).build().unwrap()
}

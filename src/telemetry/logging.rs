//! The log: logfmt or JSON on standard error, one line per event.
//!
//! Only this program's own events come out, at every level. HTTP and TLS
//! libraries log proxies with their passwords, header fields and bytes, the API
//! key among them, and what they log changes with their versions: no test of
//! ours could promise that it holds no secret. What a person needs of a
//! connection is in our own events, as the chain of its errors.
//!
//! Two doors are shut: events of `tracing` pass by target, and records of the
//! `log` crate have no one to take them (`tracing-subscriber` is built without
//! its bridge).
//!
//! Nobody waits for the log's reader: see [`sink`]. Panics and the last errors of
//! a command take the same way, so that they neither wait nor show a key.

mod line;
mod sink;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::{Event, Level, Subscriber, error};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use self::line::Line;
use self::sink::Sink;
use crate::clock::wall;
use crate::redaction::redact;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `time=… level=INFO msg="…" key=value`
    #[default]
    Logfmt,
    /// One JSON object per line, with the same keys.
    Json,
}

/// How long the end of the process waits for the log's reader.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Lines that were dropped since the process started.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// The log of this process, once it is started.
static LOG: OnceLock<Sink> = OnceLock::new();

/// Starts logging to standard error, for the rest of the process. Panics are
/// logged from then on, too.
///
/// A second call changes nothing.
///
/// # Errors
///
/// Fails if there can be no more threads.
pub fn init(level: LevelFilter, format: Format) -> std::io::Result<()> {
    let report = move |dropped: u64| {
        let message = "log lines were dropped because nobody read the log";
        let mut line = Line::new(format, wall(), Level::WARN, message);
        line.push_plain("lines", dropped);
        line.finish()
    };
    if LOG.get().is_some() {
        return Ok(());
    }
    let count = |lines| {
        DROPPED.fetch_add(lines, Ordering::Relaxed);
    };
    let sink = Sink::start(std::io::stderr(), sink::QUEUE, count, report)?;
    let sink = LOG.get_or_init(|| sink).clone();
    if tracing_subscriber::registry().with(ToSink { sink, format }.with_filter(own(level))).try_init().is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
    Ok(())
}

/// Writes a line that is no event, such as the error that a command ends with, to
/// standard error: behind everything that was logged, and without waiting.
pub fn print(text: &str) {
    let text = redact(text);
    match LOG.get() {
        Some(sink) => sink.push(&format!("{text}\n")),
        // Nobody is left who could read it.
        None => drop(writeln!(std::io::stderr(), "{text}")),
    }
}

/// How many lines were dropped since the process started.
pub(super) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Waits for the last lines to be written, for a second at most. Called when the
/// process ends.
pub fn flush() {
    if let Some(sink) = LOG.get() {
        sink.flush(LAST_LINES);
    }
}

/// Hands this program's events to the log.
struct ToSink {
    sink: Sink,
    format: Format,
}

impl<S: Subscriber> Layer<S> for ToSink {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.sink.push(&Line::of(self.format, wall(), event).finish());
    }
}

/// This program's events up to a level.
fn own(level: LevelFilter) -> Targets {
    Targets::new().with_target(env!("CARGO_CRATE_NAME"), level)
}

/// One line, and with `RUST_BACKTRACE=1` the backtrace behind it.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let reason = panic.payload_as_str().unwrap_or("no message");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    error!(thread = thread.name().unwrap_or_default(), location, reason, "this is a bug: the program panicked");
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        print(&format!("stack backtrace:\n{backtrace}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_silent_at_every_level() {
        let libraries =
            ["reqwest::connect", "hyper::proto::h1::io", "hyper_util::client", "h2::codec", "rustls", "log"];
        for level in [LevelFilter::ERROR, LevelFilter::INFO, LevelFilter::DEBUG, LevelFilter::TRACE] {
            let filter = own(level);
            for library in libraries {
                assert!(!filter.would_enable(library, &Level::ERROR), "{library} at {level}");
            }
            assert!(filter.would_enable(module_path!(), &Level::ERROR));
            assert_eq!(filter.would_enable(module_path!(), &Level::TRACE), level == LevelFilter::TRACE);
        }
    }

    #[test]
    fn records_of_the_log_crate_have_no_one_to_take_them() {
        let lock = include_str!("../../Cargo.lock");
        assert!(!lock.contains("name = \"tracing-log\""), "the bridge is built in: see the top of this file");
    }
}

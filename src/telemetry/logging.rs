//! The log: logfmt or JSON on standard error, one line an event.
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

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `level=info target=… message=… key=value`
    #[default]
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error, for the rest of the process.
///
/// A second call changes nothing.
pub fn init(level: LevelFilter, format: Format) {
    let layer = match format {
        Format::Logfmt => tracing_logfmt::builder()
            .with_span_name(false)
            .with_span_path(false)
            .layer()
            .with_writer(std::io::stderr)
            .boxed(),
        Format::Json => {
            tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed()
        }
    };
    let _ = tracing_subscriber::registry().with(layer.with_filter(own(level))).try_init();
}

/// This program's events up to a level.
fn own(level: LevelFilter) -> Targets {
    Targets::new().with_target(env!("CARGO_CRATE_NAME"), level)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

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

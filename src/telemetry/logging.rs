//! The log: logfmt or JSON on standard error, one line an event.

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

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
/// `level` is for this program; the libraries below it are one level quieter
/// than `info`, and as loud as asked from `debug` on. A second call changes
/// nothing.
pub fn init(level: LevelFilter, format: Format) {
    let libraries = if level > LevelFilter::INFO { level } else { level.min(LevelFilter::WARN) };
    let filter =
        EnvFilter::builder().with_default_directive(libraries.into()).parse_lossy(format!("d360_exporter={level}"));
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
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
}

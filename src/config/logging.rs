//! How the log is written.

use tracing_subscriber::filter::LevelFilter;

use super::error::{ConfigErrors, ErrorList};
use super::flags::{LOG_FORMAT, LOG_LEVEL};
use super::{LogFlags, Reader};
use crate::telemetry::logging;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogConfig {
    /// The least important events that are logged.
    pub level: LevelFilter,
    /// How a line looks.
    pub format: logging::Format,
}

impl LogConfig {
    /// Checks the flags about logging.
    ///
    /// # Errors
    ///
    /// Returns every error found.
    pub fn load(flags: &LogFlags) -> Result<Self, ConfigErrors> {
        let mut errors = ErrorList::default();
        let mut reader = Reader { given: flags.given(), errors: &mut errors };
        let (level, format) = (reader.read(&LOG_LEVEL), reader.read(&LOG_FORMAT));
        let config = level.zip(format).map(|(level, format)| Self { level, format });
        errors.finish(config)
    }
}

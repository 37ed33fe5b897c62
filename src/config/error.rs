//! Errors in the configuration, collected.

use std::fmt;

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting, by its flag.
    pub setting: String,
    /// What was expected, what was found, what to do.
    pub message: String,
}

/// All errors of a run, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {}", error.setting, error.message)?;
        }
        Ok(())
    }
}

/// Collects errors while the checks go on.
#[derive(Debug, Default)]
pub(super) struct ErrorList(Vec<ConfigError>);

impl ErrorList {
    pub(super) fn push(&mut self, setting: &str, message: &str) {
        let error = ConfigError { setting: setting.to_owned(), message: message.to_owned() };
        // Settings that all partners share are checked for each of them.
        if !self.0.contains(&error) {
            self.0.push(error);
        }
    }

    /// Takes the value, or notes the error.
    pub(super) fn take<T>(&mut self, setting: &str, value: Result<T, String>) -> Option<T> {
        value.map_err(|message| self.push(setting, &message)).ok()
    }

    /// Reads a value with one of the functions of [`super::values`].
    pub(super) fn check<T>(
        &mut self,
        setting: &str,
        value: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = read(value).map_err(|expected| format!("expected {expected}, found `{value}`"));
        self.take(setting, read)
    }

    /// The configuration if there was no error.
    pub(super) fn finish<T>(self, config: Option<T>) -> Result<T, ConfigErrors> {
        match config {
            Some(config) if self.0.is_empty() => Ok(config),
            _ => Err(ConfigErrors(self.0)),
        }
    }
}

//! How a command fails, and the environment that it reads its settings from.

use crate::config::ConfigErrors;

/// Why a command did not end well.
#[derive(Debug)]
pub(super) enum Failure {
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

/// The environment, as the configuration asks for it.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

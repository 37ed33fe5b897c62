//! All errors of one web configuration file, so that they are reported at once.

/// Collects errors while the checks go on.
#[derive(Debug, Default)]
pub(super) struct ErrorList(Vec<String>);

impl ErrorList {
    /// Takes the value, or adds what is wrong with it at `place`.
    pub(super) fn take<T>(&mut self, place: &str, value: Result<T, String>) -> Option<T> {
        value.map_err(|message| self.0.push(format!("{place}: {message}"))).ok()
    }

    /// How many there are so far.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Adds an error.
    pub(super) fn push(&mut self, place: &str, message: &str) {
        self.0.push(format!("{place}: {message}"));
    }

    /// The value if nothing was wrong, else all errors in the order in which they
    /// were found.
    pub(super) fn check<T>(self, value: T) -> Result<T, Vec<String>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

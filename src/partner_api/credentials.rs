//! The API key: read from one door, kept wrapped, re-read when asked.
//!
//! Every key that comes in is registered with [`redaction`], so that nothing that
//! repeats it gets out.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::OFlags;
use secrecy::{ExposeSecret as _, SecretString};

use crate::redaction;

/// Bytes of a key file that are read.
const LARGEST_FILE: u64 = 64 * 1024;

/// One partner's API key and where it comes from.
#[derive(Debug, Clone)]
pub struct ApiKey(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Option<PathBuf>,
    current: Mutex<SecretString>,
}

impl ApiKey {
    /// A key that was given as a value and never changes.
    pub fn fixed(key: SecretString) -> Self {
        redaction::register(&key);
        Self(Arc::new(Inner { file: None, current: Mutex::new(key) }))
    }

    /// A key that is the content of `file`, read now and again on
    /// [`ApiKey::reload`].
    ///
    /// # Errors
    ///
    /// Fails if the file can't be read or does not hold one key.
    pub fn from_file(file: impl Into<PathBuf>) -> io::Result<Self> {
        let file = file.into();
        let key = read(&file)?;
        redaction::register(&key);
        Ok(Self(Arc::new(Inner { file: Some(file), current: Mutex::new(key) })))
    }

    /// The key to use now.
    pub fn current(&self) -> SecretString {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The file that the key is read from, if it is.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// Reads the file again. `Ok(true)` means that the key is another one now;
    /// a symbolic link that points elsewhere is followed.
    ///
    /// # Errors
    ///
    /// As [`ApiKey::from_file`]; the old key stays.
    pub fn reload(&self) -> io::Result<bool> {
        let Some(file) = &self.0.file else { return Ok(false) };
        let read = read(file)?;
        redaction::register(&read);
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = current.expose_secret() != read.expose_secret();
        *current = read;
        Ok(changed)
    }
}

/// Reads a key as a person or an editor writes it: with blanks around it, and
/// with a byte order mark before it.
///
/// # Errors
///
/// Says what is wrong without showing the key.
pub fn parse(text: &str) -> Result<SecretString, &'static str> {
    let key = text.trim_start_matches('\u{feff}').trim();
    let quoted = |quote: char| key.starts_with(quote) || key.ends_with(quote);
    if key.is_empty() {
        Err("expected an API key, found nothing")
    } else if quoted('"') || quoted('\'') {
        Err("expected an API key, found one in quotes; write it without them")
    } else if key.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(SecretString::from(key))
    } else {
        Err("expected one API key of visible ASCII characters, found other characters in it")
    }
}

/// Reads a key file. One that is no regular file, such as a FIFO, could keep the
/// reader waiting for ever, and is refused.
fn read(file: &Path) -> io::Result<SecretString> {
    let flags = (OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed();
    let mut opened = OpenOptions::new().read(true).custom_flags(flags).open(file)?;
    if !opened.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "expected a regular file, found something else"));
    }
    let mut bytes = Vec::new();
    opened.by_ref().take(LARGEST_FILE).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))?;
    parse(&text).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_read_again_and_a_changed_key_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        std::fs::write(&file, "first\n").unwrap();
        let key = ApiKey::from_file(&file).unwrap();
        assert!(!key.reload().unwrap());
        std::fs::write(&file, "second\n").unwrap();
        assert!(key.reload().unwrap());
        assert_eq!(key.current().expose_secret(), "second");
    }

    #[test]
    fn a_broken_key_file_keeps_the_old_key_and_the_error_does_not_show_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        std::fs::write(&file, "first").unwrap();
        let key = ApiKey::from_file(&file).unwrap();
        std::fs::write(&file, "two keys").unwrap();
        let error = key.reload().unwrap_err().to_string();
        assert_eq!(error, "expected one API key of visible ASCII characters, found other characters in it");
        assert_eq!(key.current().expose_secret(), "first");
    }

    #[test]
    fn debug_output_does_not_show_the_key() {
        let key = ApiKey::fixed(SecretString::from("canary"));
        assert!(!format!("{key:?}").contains("canary"));
    }
}

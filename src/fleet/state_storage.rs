//! The state file on the disk: checked, read, replaced, kept aside.
//!
//! A new file takes the old one's place in one step (write a file of a fresh
//! name, sync, rename, sync the directory): a crash at any moment leaves the old
//! file or the new one. What is not ours is never moved, replaced or followed: a
//! typing error in `--state.file` must not cost anybody a file.
//!
//! The file holds names and phone numbers; only its owner can read it. Never
//! here: what is in it; see [`super::state_file`].

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::state_file::{LoadError, MAGIC, Saved, decode};

/// What the names of files that are being written end with, after a random part
/// of [`RANDOM`] characters.
const UNFINISHED: &str = ".tmp";
const RANDOM: usize = 6;

/// Checks that a path can be the state file's: nothing is there yet, or a file
/// of ours.
///
/// # Errors
///
/// Says what is there instead.
pub fn check(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let found = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return match directory(path).metadata() {
                Ok(at) if at.is_dir() => Ok(()),
                Ok(_) => Err(format!("expected a file in a directory, found `{shown}`, which is below a file")),
                Err(e) => Err(format!("cannot write `{shown}`: the directory cannot be used: {e}; make it first")),
            };
        }
        Err(e) => return Err(format!("cannot look at `{shown}`: {e}")),
        Ok(metadata) if !metadata.is_file() => kind(metadata.file_type()),
        Ok(_) => match open(path).and_then(|file| is_ours(&file)) {
            Ok(true) => return Ok(()),
            Ok(false) => "a file of another program",
            Err(e) => return Err(format!("cannot read `{shown}`: {e}; give d360_exporter the permission")),
        },
    };
    Err(format!("expected a file that d360_exporter wrote, or none yet, found {found} at `{shown}`; name another path"))
}

/// Reads the file. `None` if there is none: a first start. What an earlier
/// process of ours left half-written beside it is removed.
///
/// # Errors
///
/// Says what is wrong with the file; nothing of it is used then.
pub fn load(path: &Path) -> Result<Option<Saved>, LoadError> {
    remove_unfinished(path);
    let mut content = Vec::new();
    match open(path).and_then(|mut file| file.read_to_end(&mut content)) {
        Ok(_) => decode(&content).map(Some),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Puts `content` in the place of the file.
///
/// # Errors
///
/// Fails if the directory can't be written to, or if something that is not ours
/// has come to be at the path; what is there stays then.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    check(path).map_err(io::Error::other)?;
    let name = path.file_name().unwrap_or_default();
    let mut prefix = name.to_owned();
    prefix.push(".");
    // A name that nobody has, made with O_EXCL and mode 0600.
    let mut file =
        tempfile::Builder::new().prefix(&prefix).suffix(UNFINISHED).rand_bytes(RANDOM).tempfile_in(directory(path))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    File::open(directory(path))?.sync_all()
}

/// Moves a file that was not taken out of the way, for a person to look at, and
/// returns where it is.
///
/// # Errors
///
/// Fails if the directory can't be written to, or if what would be replaced, or
/// what would be moved, is not ours.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".bad");
    let aside = PathBuf::from(name);
    for path in [path, &aside] {
        check(path).map_err(io::Error::other)?;
    }
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// Opens a file for reading, unless it is a link. A FIFO does not block.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("expected a regular file")) }
}

/// Whether a file begins as ours do. One that was cut there, or before, may be.
fn is_ours(file: &File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok(MAGIC.as_bytes().starts_with(&start))
}

/// Removes files that an earlier process did not come to rename.
fn remove_unfinished(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let prefix = [name.as_encoded_bytes(), b"."].concat();
    for entry in fs::read_dir(directory(path)).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let middle = file
            .as_encoded_bytes()
            .strip_prefix(prefix.as_slice())
            .and_then(|rest| rest.strip_suffix(UNFINISHED.as_bytes()))
            .is_some_and(|middle| middle.len() == RANDOM && middle.iter().all(u8::is_ascii_alphanumeric));
        if middle && open(&entry.path()).is_ok_and(|file| is_ours(&file).unwrap_or_default()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn kind(found: FileType) -> &'static str {
    if found.is_dir() {
        "a directory"
    } else if found.is_symlink() {
        "a symbolic link"
    } else if found.is_fifo() {
        "a named pipe"
    } else if found.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_path_that_is_not_ours_is_refused_and_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("other"), "my thesis").unwrap();
        symlink(at("other"), at("link")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        fs::create_dir(at("dir")).unwrap();
        let refused = [
            (at("other"), "a file of another program"),
            (at("link"), "a symbolic link"),
            (at("dangling"), "a symbolic link"),
            (at("dir"), "a directory"),
            ("/dev/null".into(), "a device"),
        ];
        for (path, found) in refused {
            let message = format!(
                "expected a file that d360_exporter wrote, or none yet, found {found} at `{}`; name another path",
                path.display()
            );
            assert_eq!(check(&path), Err(message.clone()));
            assert_eq!(replace(&path, b"new").unwrap_err().to_string(), message);
            assert_eq!(set_aside(&path).unwrap_err().to_string(), message);
        }
        assert_eq!(names(directory.path()), ["dangling", "dir", "link", "other"]);
        assert_eq!(fs::read(at("other")).unwrap(), b"my thesis");
        let below = check(&at("other").join("state")).unwrap_err();
        assert!(below.contains("below a file") || below.contains("Not a directory"), "{below}");
        assert!(check(&at("no/state")).unwrap_err().contains("make it first"));
    }

    #[test]
    fn ours_may_be_absent_empty_cut_or_whole_and_only_its_owner_can_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        assert_eq!(check(&path), Ok(()));
        for content in ["", "d360_exp", "d360_exporter-state 1 2 3\n{}"] {
            fs::write(&path, content).unwrap();
            assert_eq!(check(&path), Ok(()), "{content}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        replace(&path, b"d360_exporter-state").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"d360_exporter-state");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(directory.path()), ["state"]);
    }

    #[test]
    fn what_an_earlier_process_left_unfinished_is_removed_and_nothing_else_is() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("victim"), "d360_exporter-state").unwrap();
        symlink(at("victim"), at("state.aaaaaa.tmp")).unwrap();
        for (name, content) in
            [("state.Ab12Cd.tmp", "d360_exporter-st"), ("state.tmp", ""), ("state.bbbbbb.tmp", "mine")]
        {
            fs::write(at(name), content).unwrap();
        }
        assert!(matches!(load(&at("state")), Ok(None)));
        assert_eq!(names(directory.path()), ["state.aaaaaa.tmp", "state.bbbbbb.tmp", "state.tmp", "victim"]);
    }
}

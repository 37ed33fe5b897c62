//! Tells the program which revision it is made of, as `D360_REVISION`: from the
//! variable of that name, else from git if this is a checkout. Otherwise nothing
//! is told, and the program says `unknown`.
//!
//! And lists the runbooks, which the program serves.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=D360_REVISION");
    println!("cargo::rerun-if-changed=build.rs");
    list_runbooks();
    let given = std::env::var("D360_REVISION").ok().filter(|revision| !revision.trim().is_empty());
    if let Some(revision) = given.or_else(revision_of_checkout) {
        println!("cargo::rustc-env=D360_REVISION={}", revision.trim());
    }
}

/// The commit that is checked out here. A repository that merely surrounds the
/// sources, as with an unpacked archive, is not theirs.
fn revision_of_checkout() -> Option<String> {
    let root = git(&["rev-parse", "--show-toplevel"])?;
    let sources = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    if Path::new(&root).canonicalize().ok()? != Path::new(&sources).canonicalize().ok()? {
        return None;
    }
    // HEAD changes when another branch is checked out, its log with every commit.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// What git says, if there is one and it has something to say.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Writes `runbooks.rs`: a slice of each runbook's name and text, in order of
/// names.
fn list_runbooks() {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let directory = Path::new(&root).join("docs/runbooks");
    println!("cargo::rerun-if-changed={}", directory.display());
    let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    files.sort();
    let mut list = String::from("&[");
    for file in &files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let _ = write!(list, "({name:?}, include_str!({:?})),", file.display().to_string());
    }
    list.push(']');
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    if let Err(error) = std::fs::write(Path::new(&out).join("runbooks.rs"), list) {
        println!("cargo::error=cannot write the list of runbooks: {error}");
    }
}

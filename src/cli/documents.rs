//! `completions` and `man`: what a package installs beside the binary, made from
//! the definitions of the commands.

use std::io;
use std::path::Path;

use clap_complete::Shell;

use super::terminal::print;

/// The name that the program is called by.
const NAME: &str = "d360_exporter";

/// Prints the completions for a shell.
pub(super) fn completions(shell: Shell) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(), NAME, &mut script);
    print(&script)
}

/// Writes one manual page a command into a folder, which is made if need be.
pub(super) fn manual(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    // Without the revision: the pages of one version are the same everywhere.
    clap_mangen::generate_to(super::command().version(crate::VERSION), folder)
}

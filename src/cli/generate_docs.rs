//! `completions` and `man`: what a package installs beside the binary, generated
//! from the definitions of the commands.

use std::io;
use std::path::Path;

use clap_complete::Shell;

use super::terminal::print;

/// The name that the program is called by.
const NAME: &str = "d360_exporter";

/// Prints the completions for a shell.
pub(super) fn completions(mut command: clap::Command, shell: Shell) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, NAME, &mut script);
    print(&script)
}

/// Writes one manual page per command into `directory`, and creates it if needed.
pub(super) fn manual_pages(command: clap::Command, directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    // Without the revision: the pages of one version are the same everywhere.
    clap_mangen::generate_to(command.version(crate::VERSION), directory)
}

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
    let mut command = command.version(crate::VERSION).disable_help_subcommand(true);
    command.build();
    write_pages(&command, &mut vec![page_name(&command)], directory)
}

/// Writes the page of a command and those of its subcommands. `siblings` are the
/// pages that lead to it.
fn write_pages(command: &clap::Command, parents: &mut Vec<String>, directory: &Path) -> io::Result<()> {
    let subcommands = || command.get_subcommands().filter(|command| !command.is_hide_set());
    let own = page_name(command);
    let related = parents.iter().filter(|name| **name != own).cloned().chain(subcommands().map(page_name));
    let page = manual_page(command, &related.collect::<Vec<_>>())?;
    std::fs::write(directory.join(format!("{own}.1")), page)?;
    for subcommand in subcommands() {
        parents.push(own.clone());
        parents.dedup();
        write_pages(subcommand, parents, directory)?;
        parents.truncate(1);
    }
    Ok(())
}

/// The name of a command's page, such as `d360_exporter-clients-list`.
fn page_name(command: &clap::Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

/// One page: what clap knows, then what a manual page has besides.
fn manual_page(command: &clap::Command, related: &[String]) -> io::Result<Vec<u8>> {
    let man = clap_mangen::Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let environment = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
        .filter_map(|argument| Some((argument.get_env()?.to_str()?, argument.get_long()?)));
    let mut environment: Vec<String> = environment
        .map(|(variable, flag)| {
            format!(".TP\n\\fB{variable}\\fR\nlike \\fB\\-\\-{}\\fR, which has precedence", escaped(flag))
        })
        .collect();
    environment.push(".TP\n\\fBD360_API_KEY\\fR\nthe Partner API key itself, in the place of a key file".to_owned());
    environment.push(".TP\n\\fBNO_COLOR\\fR\nif not empty, no colours".to_owned());
    section(&mut page, "ENVIRONMENT", &environment.join("\n"));
    section(&mut page, "EXIT STATUS", EXIT_STATUS);
    if let Some(help) = command.get_after_help() {
        section(&mut page, "EXAMPLES", &format!(".nf\n{}\n.fi", escaped(&help.to_string())));
    }
    if !related.is_empty() {
        let related: Vec<_> = related.iter().map(|name| format!("\\fB{}\\fR(1)", escaped(name))).collect();
        section(&mut page, "SEE ALSO", &related.join(", "));
    }
    Ok(page)
}

const EXIT_STATUS: &str = "\
.TP
\\fB0\\fR
success
.TP
\\fB1\\fR
failed while running
.TP
\\fB2\\fR
bad flags or configuration
.TP
\\fB3\\fR
\\fBchannels list \\-\\-exit\\-code\\fR found a channel";

fn section(page: &mut Vec<u8>, title: &str, body: &str) {
    page.extend_from_slice(format!(".SH \"{title}\"\n{body}\n").as_bytes());
}

/// A text that roff shows as it is.
fn escaped(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    let lines = escaped.lines().map(|line| match line.starts_with(['.', '\'']) {
        true => format!("\\&{line}"),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

//! The arguments before they are parsed: flags may stand before the command as
//! well as after it, as `git` and `kubectl` allow.

use std::ffi::OsString;

use clap::Command;

/// Moves flags in front of the commands behind them. Arguments that name no
/// command stay as they are.
pub(super) fn behind_the_command(command: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let mut arguments = arguments.into_iter();
    let (program, mut rest) = (arguments.next(), arguments.collect::<Vec<_>>());
    let (mut commands, mut flags) = (Vec::new(), Vec::new());
    let mut current = command;
    while let Some(first) = rest.first().and_then(|first| first.to_str()) {
        if let Some(next) = current.find_subcommand(first) {
            current = next;
            commands.push(rest.remove(0));
        } else if first.starts_with("--") && first.len() > 2 {
            let count = if takes_the_next(command, first) { 2 } else { 1 };
            flags.extend(rest.drain(..count.min(rest.len())));
        } else {
            break;
        }
    }
    let whole = program.into_iter();
    if commands.is_empty() {
        whole.chain(flags).chain(rest).collect()
    } else {
        whole.chain(commands).chain(flags).chain(rest).collect()
    }
}

/// Whether the argument behind a flag is its value.
fn takes_the_next(command: &Command, flag: &str) -> bool {
    let name = flag.trim_start_matches('-');
    let known = command.get_arguments().find(|argument| argument.get_long() == Some(name));
    known.is_some_and(|argument| {
        argument.get_action().takes_values() && argument.get_num_args().is_none_or(|values| values.min_values() > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(line: &str) -> String {
        let arguments = std::iter::once("d360_exporter").chain(line.split(' ')).map(OsString::from).collect();
        let moved = behind_the_command(&crate::cli::command(), arguments);
        moved[1..].iter().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn flags_in_front_of_a_command_are_its_own() {
        let cases = [
            ("--partner.id=x check --live", "check --partner.id=x --live"),
            (
                "--partner.id x --log.level debug clients list -o json",
                "clients list --partner.id x --log.level debug -o json",
            ),
            ("channels --partner.id x list", "channels list --partner.id x"),
            ("--web.enable-lifecycle serve", "serve --web.enable-lifecycle"),
        ];
        for (line, expected) in cases {
            assert_eq!(moved(line), expected);
        }
    }

    #[test]
    fn other_arguments_stay_as_they_are() {
        for line in
            ["--partner.id x", "check --partner.id x", "--version", "clients update check --max-channels 1", "-h"]
        {
            assert_eq!(moved(line), line);
        }
    }
}

//! Terminals and pipes: colours, width, progress, and names that would command
//! the terminal.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Ran, end, run, with_environment};
use crate::harness::{Api, DEADLINE, fleet, tool};

/// Runs a line of shell on a terminal of so many columns; `$D360` is the
/// program.
async fn on_terminal(api: &Api, columns: u16, line: &str, env: &[(&str, &str)]) -> Ran {
    let script = tool("script", "bsdutils");
    let mut command = with_environment(script, api);
    command.env("D360", env!("CARGO_BIN_EXE_d360_exporter")).env("TERM", "xterm").env("SHELL", "/bin/sh");
    command.envs(env.iter().copied());
    command.args(["-q", "-e", "-c", &format!("stty cols {columns} rows 24; {line}"), "/dev/null"]);
    let mut ran = end(command).await;
    // A terminal starts a line with a carriage return; escapes are made visible.
    ran.stdout = ran.stdout.replace("\r\n", "\n").replace('\u{1b}', "^[");
    ran
}

const LIST: &str = "$D360 channels list --sort id 2>/dev/null";

/// Columns of a line on a terminal, escapes left out.
fn width(line: &str) -> usize {
    let plain = regex_lite::Regex::new(r"\^\[\[[0-9;]*m").unwrap();
    unicode_width::UnicodeWidthStr::width(&*plain.replace_all(line, ""))
}

#[tokio::test]
async fn a_terminal_gets_colours_that_mean_the_state_within_its_width() {
    let api = Api::start(fleet(6, 2)).await;
    insta::assert_snapshot!(on_terminal(&api, 100, LIST, &[]).await.shown(&api));
    for columns in [40, 80, 100, 250] {
        let shown = on_terminal(&api, columns, LIST, &[]).await.stdout;
        assert_eq!(shown.lines().count(), 1 + 12, "a row is a line:\n{shown}");
        assert!(shown.lines().all(|line| width(line) <= usize::from(columns)), "{columns}:\n{shown}");
    }
}

#[tokio::test]
async fn a_table_says_which_columns_it_has_no_room_for() {
    let api = Api::start(fleet(6, 2)).await;
    let shown = on_terminal(&api, 80, "NO_COLOR=1 $D360 channels list", &[]).await.stdout;
    assert!(shown.contains("no room for: status, client_id, attention"), "{shown}");
}

/// A program on a terminal with somebody at the keyboard.
struct Dialogue {
    child: tokio::process::Child,
    shown: String,
}

impl Dialogue {
    fn start(api: &Api, line: &str) -> Self {
        let mut command = with_environment(tool("script", "bsdutils"), api);
        command.env("D360", env!("CARGO_BIN_EXE_d360_exporter")).env("TERM", "xterm").env("SHELL", "/bin/sh");
        command.args(["-q", "-e", "-c", line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self { child: command.spawn().unwrap(), shown: String::new() }
    }

    /// Reads until the question has been asked so many times.
    async fn asked(&mut self, times: usize) {
        let output = self.child.stdout.as_mut().unwrap();
        while self.shown.matches("[y/N]").count() < times {
            let mut part = [0; 1024];
            let read = tokio::time::timeout(DEADLINE, output.read(&mut part)).await.expect("a question").unwrap();
            assert!(read > 0, "expected a question, found the end of:\n{}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&part[..read]));
        }
    }

    async fn says(&mut self, reply: &str) {
        self.child.stdin.as_mut().unwrap().write_all(reply.as_bytes()).await.unwrap();
    }

    /// Everything that was shown.
    async fn end(mut self) -> String {
        let mut rest = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut rest).await.unwrap();
        self.shown + &rest
    }
}

#[tokio::test]
async fn an_update_asks_on_a_terminal_and_anything_but_yes_changes_nothing() {
    let api = Api::start(fleet(2, 1)).await;
    let client = api.ids().await.swap_remove(0).0;
    let mut dialogue = Dialogue::start(&api, &format!("$D360 clients update {client} --max-channels 77"));
    dialogue.asked(1).await;
    dialogue.says("n\n").await;
    let shown = dialogue.end().await;
    assert!(shown.contains("max_channels: ") && shown.contains("-> 77"), "{shown}");
    assert!(shown.contains("nothing was changed"), "{shown}");
    assert_eq!(api.responses("client_update").await, 0);
}

#[tokio::test]
async fn an_update_asks_again_if_the_client_changed_meanwhile() {
    let api = Api::start(fleet(2, 1)).await;
    let client = api.ids().await.swap_remove(0).0;
    let mut dialogue = Dialogue::start(&api, &format!("$D360 clients update {client} --max-channels 77"));
    dialogue.asked(1).await;
    api.patch_client(&client, json!({"max_channels": 5})).await;
    dialogue.says("y\n").await;
    dialogue.asked(2).await;
    assert_eq!(api.responses("client_update").await, 0);
    dialogue.says("y\n").await;
    let shown = dialogue.end().await;
    assert!(shown.contains("the client changed meanwhile"), "{shown}");
    assert!(shown.contains("max_channels: 5 -> 77"), "{shown}");
    assert_eq!(api.responses("client_update").await, 1);
}

#[tokio::test]
async fn no_color_takes_away_the_colours_and_nothing_else() {
    let api = Api::start(fleet(6, 2)).await;
    let coloured = on_terminal(&api, 100, LIST, &[]).await.stdout;
    let plain = on_terminal(&api, 100, LIST, &[("NO_COLOR", "1")]).await.stdout;
    assert_eq!(on_terminal(&api, 100, LIST, &[("NO_COLOR", "")]).await.stdout, coloured, "an empty NO_COLOR is none");
    assert_eq!(on_terminal(&api, 100, LIST, &[("TERM", "dumb")]).await.stdout, plain);
    assert!(coloured.contains("^["), "{coloured}");
    assert!(!plain.contains("^["), "{plain}");
    let mut uncoloured = String::new();
    for (i, part) in coloured.split("^[[").enumerate() {
        uncoloured.push_str(if i == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(&plain), lines(&uncoloured));
}

#[tokio::test]
async fn a_pipe_gets_neither_colours_nor_broken_lines() {
    let api = Api::start(fleet(6, 2)).await;
    let piped = on_terminal(&api, 40, &format!("{LIST} | cat"), &[]).await.stdout;
    assert_eq!(piped, run(&api, &["channels", "list", "--sort", "id"]).await.stdout);
    assert_eq!(piped.lines().count(), 1 + 12);
}

#[tokio::test]
async fn progress_is_shown_to_who_watches_standard_error_and_goes_away() {
    let api = Api::start(fleet(6, 2)).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("list");
    let line = format!("$D360 channels list > {}", file.display());
    let watched = on_terminal(&api, 100, &line, &[]).await;
    assert!(watched.stdout.contains("listing the clients of examplePA"), "{}", watched.stdout);
    assert!(watched.stdout.ends_with("^[[2K"), "the last line is cleared: {}", watched.stdout);
    let written = std::fs::read_to_string(file).unwrap();
    assert_eq!(written, run(&api, &["channels", "list"]).await.stdout);
}

#[tokio::test]
async fn hostile_names_cannot_command_the_terminal_or_break_the_table() {
    let api = Api::start(fleet(1, 1)).await;
    let (client, channels) = api.ids().await.swap_remove(0);
    let hostile = "a\u{1b}[2J\u{1b}]0;owned\u{7}\r\nb\u{9b}31m\u{202e}c,\"d\"";
    api.patch_client(&client, json!({"name": hostile})).await;
    api.patch_channel(&channels[0], json!({"setup_info": {"phone_name": hostile, "phone_number": "\u{1b}c"}})).await;
    for line in ["clients list", "channels list", "channels list -o csv", "check --live"] {
        let shown = on_terminal(&api, 250, &format!("NO_COLOR=1 $D360 {line} 2>/dev/null"), &[]).await;
        let seen = shown.stdout.replace('\n', "");
        assert!(!seen.contains("^[") && !seen.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line}: {seen}");
        assert!(seen.contains(r"\u{1b}"), "{line}: {seen}");
        assert_eq!(shown.code, Some(0));
    }
    let rows = run(&api, &["clients", "list", "-o", "json"]).await.rows();
    assert_eq!(rows[0]["name"], hostile, "a program gets the name as it is");
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let api = Api::start(fleet(500, 1)).await;
    let line = "{ $D360 channels list -o json; echo \"exit $?\" >&2; } 2>&1 >/dev/null | cat; $D360 channels list -o json 2>/dev/null | head -n 1";
    let shown = on_terminal(&api, 100, line, &[]).await;
    assert_eq!(shown.stdout, "exit 0\n[\n");
}

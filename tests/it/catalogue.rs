//! The catalogue, what is exposed, the flags and the documents say the same.

use std::fmt::Write as _;
use std::path::Path;

use d360_exporter::catalogue::{FAMILIES, Family, Kind, Scope, Values};
use serde_json::json;

use crate::harness::{Api, Exporter, Exposition, fleet};

/// A scrape in which every family occurs: every state of a channel, a change,
/// and a response of the web server.
async fn full_scrape() -> Exposition {
    let api = Api::start(fleet(60, 3)).await;
    let exporter = Exporter::start(&api, &[]).await;
    exporter.ready().await;
    let (_, channels) = api.ids().await.remove(0);
    api.patch_channel(&channels[0], json!({ "availability_status": "setting_up" })).await;
    let changed = |e: &Exposition| e.sum("d360_channel_transitions_total", &[]) > 0.0;
    let shown = exporter.until("a transition", changed).await;
    exporter.stop().await;
    shown
}

/// Families without a series in [`full_scrape`]: each has a test of its own.
const ON_OCCASION: &[&str] = &[
    "d360_channel_gone_timestamp_seconds",
    "d360_client_balance",
    "d360_client_gone_timestamp_seconds",
    "d360_exporter_state_last_write_timestamp_seconds",
    "d360_exporter_state_write_failures_total",
    "d360_partner_balance",
    "d360_partner_balance_last_refresh_timestamp_seconds",
];

#[tokio::test]
async fn what_is_exposed_is_the_catalogue() {
    let shown = full_scrape().await;
    let families: Vec<_> = FAMILIES.iter().filter(|family| !ON_OCCASION.contains(&family.name)).collect();
    let names: Vec<_> = families.iter().map(|family| family.name).collect();
    assert_eq!(shown.order, names, "every family, and in this order");
    for family in families {
        let exposed = &shown.families[family.name];
        assert_eq!(
            (exposed.help.as_str(), exposed.kind.as_str()),
            (family.help, family.kind.as_str()),
            "{}",
            family.name
        );
        for (name, labels) in exposed.series.keys() {
            let mut expected = family.labels.to_vec();
            if name.ends_with("_bucket") && exposed.kind == "histogram" {
                expected.push("le");
            }
            let labels: Vec<_> = labels.iter().map(|(label, _)| label.as_str()).collect();
            assert_eq!(labels, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn the_number_of_exposed_series_is_exported() {
    let shown = full_scrape().await;
    let of_fleet = |name: &str| d360_exporter::catalogue::fleet().any(|(_, entry)| entry.family.name == name);
    assert_eq!(shown.value("d360_exporter_series", &[]), Some(shown.series(of_fleet).len() as f64));
}

/// Compares a document with what it is made of, or writes it if `UPDATE_DOCS` is
/// set.
fn document(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(&path, text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "docs/{name} is not what the code says; write it with `UPDATE_DOCS=1 cargo test --test it catalogue`"
    );
}

/// A text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_metrics_document_matches_the_catalogue() {
    let mut text = String::from(
        "# Metrics\n\nWritten from the catalogue in `src/catalogue`; `UPDATE_DOCS=1 cargo test --test it catalogue` writes it \
         again.\n\nSeries carry ids; names are on the `_info` series alone, to be joined with\n\
         `* on (channel_id) group_left (display_name) d360_channel_info`. Missing data is a missing series.\n",
    );
    let scopes = [
        (Scope::Channel, "Channels"),
        (Scope::Waba, "WhatsApp business accounts"),
        (Scope::Client, "Clients"),
        (Scope::Partner, "Partners"),
        (Scope::Api, "The Partner API as seen"),
        (Scope::Exporter, "The exporter"),
    ];
    for (scope, title) in scopes {
        let families: Vec<_> = FAMILIES.iter().filter(|family| family.scope == scope).collect();
        if families.is_empty() {
            continue;
        }
        write!(text, "\n## {title}\n").unwrap();
        for family in families {
            let Family { name, help, .. } = family;
            write!(text, "\n### `{name}`\n\n{}. {help}\n", capitalised(family.kind.as_str())).unwrap();
            let described: String = family.labels.iter().zip(family.values).filter_map(described).collect();
            if !described.is_empty() {
                write!(text, "\n{described}").unwrap();
            }
            write!(text, "\n```text\n{}\n```\n", sample(family)).unwrap();
        }
    }
    document("metrics.md", &text);
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

/// A line about the values of a label; none for ids, which are the same everywhere.
fn described((label, values): (&&str, &Values)) -> Option<String> {
    Some(match values {
        Values::Id(_) => return None,
        Values::Of(values) => {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            format!("* `{label}`: {}\n", values.join(", "))
        }
        Values::Text(what, _) => format!("* `{label}`: {what}\n"),
    })
}

/// A sample line of a family, with the first value of each label.
fn sample(family: &Family) -> String {
    let mut labels: Vec<_> = family
        .labels
        .iter()
        .zip(family.values)
        .map(|(label, values)| {
            let value = match values {
                Values::Id(value) | Values::Text(_, value) => value,
                Values::Of(values) => values[0],
            };
            format!("{label}=\"{value}\"")
        })
        .collect();
    let mut name = family.name.to_owned();
    if family.kind == Kind::Histogram {
        labels.push("le=\"0.25\"".to_owned());
        name.push_str("_bucket");
    }
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let value =
        if name.ends_with("timestamp_seconds") || name.ends_with("start_time_seconds") { "1767225600" } else { "1" };
    format!("{name}{labels} {value}")
}

#[test]
fn the_flags_document_matches_the_command_line() {
    let mut text = String::from(
        "# Flags\n\nWritten from the definitions of the command line; `UPDATE_DOCS=1 cargo test --test it catalogue` writes it \
         again.\n\nDurations are written `30s`, `5m`, `500ms`; sizes `32MiB`; rates `COUNT/DURATION`: `10/s`, `5/30s`, \
         `10/min`.\nA flag wins over its environment variable. No command means `serve`.\n",
    );
    let mut program = d360_exporter::cli::command();
    program.build();
    let everywhere: Vec<_> = program.get_arguments().filter(|flag| flag.is_global_set()).collect();
    let of_serve = flags(program.find_subcommand("serve").unwrap());
    text.push_str("\n## Every command\n");
    text.push_str(&table(&everywhere));
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        document_command(&mut text, "", command, &of_serve);
    }
    document("flags.md", &text);
}

/// The flags of a command that not every command has, in the order of its help.
fn flags(command: &clap::Command) -> Vec<&clap::Arg> {
    let own = |flag: &&clap::Arg| !flag.is_global_set() && !["help", "version"].contains(&flag.get_id().as_str());
    command.get_arguments().filter(|flag| !flag.is_hide_set()).filter(own).collect()
}

fn document_command(text: &mut String, parents: &str, command: &clap::Command, of_serve: &[&clap::Arg]) {
    let name = format!("{parents}{}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    write!(text, "\n## `{name}`\n\n{about}.\n").unwrap();
    let mut flags = flags(command);
    let has = |wanted: &&clap::Arg| flags.iter().any(|flag| row(flag) == row(wanted));
    if name != "serve" && of_serve.iter().all(has) {
        text.push_str("\nTakes the flags of `serve`.\n");
        flags.retain(|flag| !of_serve.iter().any(|other| row(other) == row(flag)));
    }
    let mut headings: Vec<Option<&str>> = Vec::new();
    for heading in flags.iter().map(|flag| flag.get_help_heading()) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for heading in headings {
        if let Some(heading) = heading {
            write!(text, "\n### {heading}\n").unwrap();
        }
        let under: Vec<_> = flags.iter().filter(|flag| flag.get_help_heading() == heading).copied().collect();
        text.push_str(&table(&under));
    }
    for inner in command.get_subcommands().filter(|command| command.get_name() != "help") {
        document_command(text, &format!("{name} "), inner, of_serve);
    }
}

fn table(flags: &[&clap::Arg]) -> String {
    let rows: String = flags.iter().map(|flag| row(flag)).collect();
    format!("\n| flag | variable | default | |\n|---|---|---|---|\n{rows}")
}

fn row(argument: &clap::Arg) -> String {
    let value = argument.get_value_names().unwrap_or_default().join(" ");
    let is_switch = argument.get_num_args().is_some_and(|values| values.min_values() == 0);
    let takes_value = argument.get_action().takes_values() && !is_switch;
    let flag = match argument.get_long() {
        Some(long) if takes_value => format!("`--{long} {value}`"),
        Some(long) => format!("`--{long}`"),
        None => format!("`{value}`"),
    };
    let variable = argument.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
    let defaults: Vec<_> = argument.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    let default = if takes_value && !defaults.is_empty() { format!("`{}`", defaults.join(",")) } else { String::new() };
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    format!("| {flag} | {variable} | {default} | {} |\n", cell(&help))
}

//! Names in documents: a metric or a flag that a document speaks of exists.

use std::collections::BTreeSet;

use d360_exporter::catalogue::{FAMILIES, Kind};
use regex_lite::Regex;

use super::markdown::documents;
use crate::signal::promql::AHEAD;

/// What begins like a metric and is none: the program, files, groups of rules.
const NO_METRICS: &[&str] = &["d360_exporter", "d360_api_key", "d360_scrape_guards", "d360_shards"];

/// Flags of programs that documents speak of, next to the exporter's own, in
/// running text. In blocks of commands other programs have theirs.
const OTHER_FLAGS: &[&str] = &[
    // cargo and rustc
    "--locked",
    "--remap-path-prefix",
    // Docker
    "--publish",
    "--stop-timeout",
    "--ulimit",
    "--volumes",
    "--wait",
    // Prometheus and Thanos
    "--enable-feature",
    "--query.max-samples",
    "--query.replica-label",
];

fn found(pattern: &str, text: &str) -> Vec<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn metrics_in_documents_exist() {
    let mut names: BTreeSet<String> = NO_METRICS.iter().map(|name| (*name).to_owned()).collect();
    for family in FAMILIES {
        names.insert(family.name.to_owned());
        if family.kind == Kind::Histogram {
            names.extend(["bucket", "sum", "count"].map(|suffix| format!("{}_{suffix}", family.name)));
        }
    }
    names.extend(AHEAD.iter().map(|(name, _)| (*name).to_owned()));
    let mut unknown = Vec::new();
    for document in documents() {
        for name in found(r"\b(d360_[a-z0-9_]*[a-z0-9])\b", &document.text) {
            if !names.contains(&name) {
                unknown.push(format!("{}: {name}", document.path));
            }
        }
    }
    assert_eq!(unknown, [""; 0]);
}

fn add_flags(command: &clap::Command, flags: &mut BTreeSet<String>) {
    flags.extend(command.get_arguments().filter_map(|argument| argument.get_long()).map(|long| format!("--{long}")));
    command.get_subcommands().for_each(|command| add_flags(command, flags));
}

#[test]
fn flags_in_documents_exist() {
    let mut flags: BTreeSet<String> = OTHER_FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
    flags.extend(["--help", "--version"].map(str::to_owned));
    add_flags(&d360_exporter::cli::command(), &mut flags);
    let mut unknown = Vec::new();
    for document in documents() {
        // In running text a flag opens a piece of code; in a block of commands it
        // stands behind the exporter's name.
        let mut named = found(r"`(--[a-z][a-z.-]*)", &document.text);
        for block in document.shell_blocks() {
            let lines = block.text.replace("\\\n", " ");
            for line in lines.lines().filter_map(|line| line.trim().strip_prefix("d360_exporter ")) {
                named.extend(found(r"(--[a-z][a-z.-]*)", line));
            }
        }
        unknown.extend(named.iter().filter(|flag| !flags.contains(*flag)).map(|f| format!("{}: {f}", document.path)));
    }
    assert_eq!(unknown, [""; 0]);
}

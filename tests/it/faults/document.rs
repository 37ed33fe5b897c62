//! What was found, written down: the single faults as a table in `docs/faults.md`, the pairs as lines of `pairs.tsv`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::cases::FAULTS;
use super::signals::{Signal, Signals};
use super::{Case, Place};

const BEGIN: &str = "<!-- The table from here on is written by `make faults`. -->\n";
const END: &str = "<!-- The table ends here. -->\n";
const COLUMNS: &str = "place\tfault\tsecond fault\tsignals\n";

/// One row per fault, in words.
fn singles(found: &BTreeMap<Case, Signals>) -> String {
    let titles = Place::ALL.map(|place| format!("on {}", place.title())).join(" | ");
    let mut text = format!("| | fault | the API | {titles} |\n|---|---|---|---|---|---|---|---|\n");
    for (nth, fault) in FAULTS.iter().enumerate() {
        let cells = Place::ALL.map(|place| words(&found[&(place, vec![nth])])).join(" | ");
        let _ = writeln!(text, "| {} | `{}` | {} | {cells} |", nth + 1, fault.kind, fault.means);
    }
    text
}

/// One line per pair. Pairs that were not played keep the letters that are written down.
fn pairs(cases: &[Case], found: &BTreeMap<Case, Signals>, written: &str) -> String {
    let written: BTreeMap<&str, &str> = written.lines().filter_map(|line| line.rsplit_once('\t')).collect();
    let mut text = COLUMNS.to_owned();
    for case in cases {
        let (place, faults) = case;
        let [first, second] = faults.as_slice() else { continue };
        let key = format!("{}\t{}\t{}", place.name(), FAULTS[*first].name, FAULTS[*second].name);
        let cell = found.get(case).map(letters);
        let cell = cell.or_else(|| written.get(key.as_str()).map(|letters| (*letters).to_owned())).unwrap_or_default();
        let _ = writeln!(text, "{key}\t{cell}");
    }
    text
}

fn words(signals: &Signals) -> String {
    let reasons: Vec<String> = signals.reasons.iter().map(|reason| format!("`{reason}`")).collect();
    let shown = Signal::ALL.iter().filter(|(signal, ..)| signals.all.contains(signal)).map(|(signal, _, words)| {
        let reasons = if *signal == Signal::Failures { format!(" {}", reasons.join(" ")) } else { String::new() };
        format!("{words}{reasons}")
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { "no effect".to_owned() } else { shown.join(", ") }
}

fn letters(signals: &Signals) -> String {
    let shown: String =
        Signal::ALL.iter().filter(|(signal, ..)| signals.all.contains(signal)).map(|(_, letter, _)| letter).collect();
    if shown.is_empty() { "-".to_owned() } else { shown }
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Compares a file with what was found, or writes it if `UPDATE_DOCS` is 1.
fn compare(name: &str, old: &str, new: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(path(name), new).unwrap();
    } else if old != new {
        let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
        let (old, new) = (lines(old), lines(new));
        let removed = old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}\n"));
        let added = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}\n"));
        let differences: String = removed.chain(added).collect();
        panic!("{name} differs from what was found; `make faults` writes it\n{differences}");
    }
}

/// Compares what was found with what is written down. `all_cases` holds every pair, played or not.
pub(super) fn check(all_cases: &[Case], found: &BTreeMap<Case, Signals>) {
    let old = std::fs::read_to_string(path("docs/faults.md")).unwrap();
    let (head, rest) = old.split_once(BEGIN).expect("docs/faults.md has the mark where the table begins");
    let (_, tail) = rest.split_once(END).expect("docs/faults.md has the mark where the table ends");
    compare("docs/faults.md", &old, &format!("{head}{BEGIN}\n{}\n{END}{tail}", singles(found)));

    let name = "tests/it/faults/pairs.tsv";
    let old = std::fs::read_to_string(path(name)).unwrap();
    let new = pairs(all_cases, found, &old);
    compare(name, &old, &new);
    assert!(!new.contains("\t\n"), "{name} has pairs that were never played; `make faults` plays them");
}

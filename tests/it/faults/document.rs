//! The matrix as tables, and the document that holds them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::cases::FAULTS;
use super::signals::{Signal, Signals};
use super::{Case, Place};

const BEGIN: &str = "<!-- The tables from here on are written by `make faults`. -->\n";
const END: &str = "<!-- The tables end here. -->\n";

/// All tables. Pairs that were not played are as they are in `written`.
fn tables(found: &BTreeMap<Case, Signals>, written: &str) -> String {
    let mut text = alone(found);
    for place in Place::ALL {
        let title = format!("Two faults at once, on {}\n", place.title());
        let before = written.split_once(&title).map_or("", |(_, rest)| rest);
        let rows: Vec<Vec<&str>> = before
            .lines()
            .filter(|line| line.starts_with('|'))
            .skip(2)
            .take(FAULTS.len())
            .map(|line| line.trim_matches('|').split('|').skip(1).map(str::trim).collect())
            .collect();
        let _ = write!(text, "\n### {title}\n{}", pairs(found, place, &rows));
    }
    text
}

/// One line a fault, each in words.
fn alone(found: &BTreeMap<Case, Signals>) -> String {
    let titles = Place::ALL.map(|place| format!("on {}", place.title())).join(" | ");
    let mut text = format!("### One fault\n\n| | fault | the API | {titles} |\n|---|---|---|---|---|---|---|---|\n");
    for (nth, fault) in FAULTS.iter().enumerate() {
        let cells = Place::ALL.map(|place| words(&found[&(place, vec![nth])])).join(" | ");
        let _ = writeln!(text, "| {} | `{}` | {} | {cells} |", nth + 1, fault.kind, fault.means);
    }
    text
}

/// One line and one column a fault.
fn pairs(found: &BTreeMap<Case, Signals>, place: Place, written: &[Vec<&str>]) -> String {
    let numbers: Vec<String> = (1..=FAULTS.len()).map(|nth| nth.to_string()).collect();
    let mut text = format!("| | {} |\n|---|{}\n", numbers.join(" | "), "---|".repeat(FAULTS.len()));
    for (row, fault) in FAULTS.iter().enumerate() {
        let cells: Vec<String> = (0..FAULTS.len())
            .map(|column| {
                let both = if row == column { vec![row] } else { vec![row.min(column), row.max(column)] };
                match found.get(&(place, both)) {
                    Some(signals) => letters(signals),
                    None => written.get(row).and_then(|row| row.get(column)).copied().unwrap_or_default().to_owned(),
                }
            })
            .collect();
        let _ = writeln!(text, "| {} `{}` | {} |", row + 1, fault.kind, cells.join(" | "));
    }
    text
}

fn words(signals: &Signals) -> String {
    let reasons: Vec<String> = signals.reasons.iter().map(|reason| format!("`{reason}`")).collect();
    let told = Signal::ALL.iter().filter(|(signal, ..)| signals.all.contains(signal)).map(|(signal, _, words)| {
        let reasons = if *signal == Signal::Failures { format!(" {}", reasons.join(" ")) } else { String::new() };
        format!("{words}{reasons}")
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { "no effect".to_owned() } else { told.join(", ") }
}

fn letters(signals: &Signals) -> String {
    let told: String =
        Signal::ALL.iter().filter(|(signal, ..)| signals.all.contains(signal)).map(|(_, letter, _)| letter).collect();
    if told.is_empty() { "-".to_owned() } else { told }
}

/// Compares the document with what was found, or writes it if `UPDATE_DOCS` is
/// set.
pub(super) fn compare(found: &BTreeMap<Case, Signals>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    let written = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = written.split_once(BEGIN).expect("docs/faults.md has the mark where the tables begin");
    let (old, tail) = rest.split_once(END).expect("docs/faults.md has the mark where the tables end");
    let tables = tables(found, old);
    println!("{tables}");
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(&path, format!("{head}{BEGIN}\n{tables}\n{END}{tail}")).unwrap();
    } else if old.trim() != tables.trim() {
        let lines = |text: &str| -> Vec<String> { text.trim().lines().map(str::to_owned).collect() };
        let (old, new) = (lines(old), lines(&tables));
        let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}\n"));
        let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}\n"));
        let differing: String = gone.chain(come).collect();
        panic!("docs/faults.md is not what was found; `make faults` writes it\n{differing}");
    }
    assert!(!tables.contains("|  |"), "docs/faults.md has empty cells; `make faults` fills them");
}

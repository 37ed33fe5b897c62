//! The figures of a siege: printed, and written into `docs/benchmarks.md` by
//! `make siege`.

use super::duration;
use crate::harness::repository;

const BEGIN: &str = "<!-- siege: begin -->\n";
const END: &str = "<!-- siege: end -->\n";
const HEAD: &str = "| attack | scrapes | tries that failed | p50 | p99 | longest | memory | descriptors | threads |\n";
const ALIGN: &str = "| --- | --: | --: | --: | --: | --: | --: | --: | --: |\n";

/// Prints the figures of an attack, and replaces its line in the table.
pub fn write_down(cells: &[String]) {
    let line = format!("| {} |\n", cells.join(" | "));
    print!("siege: {line}");
    if std::env::var_os("UPDATE_DOCS").is_none() {
        return;
    }
    let path = repository("docs/benchmarks.md");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, replaced(&text, &cells[0], &line)).unwrap();
}

/// The document with this line for the attack, after those of others.
fn replaced(text: &str, attack: &str, line: &str) -> String {
    let start = text.find(BEGIN).expect("the begin of the table") + BEGIN.len();
    let end = text.find(END).expect("the end of the table");
    let is_of = |row: &str, attack: &str| row.starts_with(&format!("| {attack} |"));
    let rows = text[start..end].lines().filter(|row| row.starts_with("| ") && !row.starts_with("| attack"));
    let rows = rows.filter(|row| !row.starts_with("| ---") && !is_of(row, attack));
    let rows: String = rows.map(|row| format!("{row}\n")).collect();
    let machine = format!("{} processors, {} s for each attack\n", processors(), duration().as_secs());
    [&text[..start], "\n", HEAD, ALIGN, &rows, line, "\n", &machine, "\n", &text[end..]].concat()
}

fn processors() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models = info.lines().filter_map(|line| line.strip_prefix("model name")?.split(':').nth(1)).map(str::trim);
    let models: Vec<_> = models.collect();
    format!("{} × {}", models.len(), models.first().unwrap_or(&"unknown"))
}

#[test]
fn the_figures_of_an_attack_replace_those_of_its_last_run() {
    let text = format!("before\n{BEGIN}\n{END}after\n");
    let once = replaced(&replaced(&text, "a", "| a | 1 |\n"), "b", "| b | 2 |\n");
    let again = replaced(&once, "a", "| a | 3 |\n");
    let rows: Vec<&str> = again.lines().filter(|row| row.starts_with("| a |") || row.starts_with("| b |")).collect();
    assert_eq!(rows, ["| b | 2 |", "| a | 3 |"]);
    assert!(again.starts_with("before\n<!--") && again.ends_with("-->\nafter\n"), "{again}");
}

//! The contract's rows in `docs/faults.md`: each names tests that exist, and
//! the metrics in which it shows.

use std::path::Path;

use regex_lite::Regex;

const HEADING: &str = "## The contract, row by row\n";

/// Rows of the contract, one for everything that can happen.
const ROWS: usize = 21;

/// The cells of the table below the heading.
fn rows() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("docs/faults.md")).unwrap();
    let (_, section) = text.split_once(HEADING).expect("docs/faults.md has the contract's rows");
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    lines.map(cells).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether a source has a test of this name, as a function or as a line of a
/// macro that makes tests.
fn has_test(source: &str, name: &str) -> bool {
    let function =
        Regex::new(&format!(r"(?m)^\s*#\[(tokio::)?test[^\n]*\]\n(\s*#\[[^\n]*\]\n)*\s*(async )?fn {name}\("));
    let line = Regex::new(&format!(r"(?m)^\s+{name}: \{{"));
    function.unwrap().is_match(source) || source.contains("macro_rules!") && line.unwrap().is_match(source)
}

#[test]
fn every_row_of_the_contract_names_a_test_that_exists_and_where_it_shows() {
    let link = Regex::new(r"\[`([a-z0-9_]+)`\]\(\.\./([a-z0-9_/]+\.rs)\)").unwrap();
    let metric = Regex::new(r"`(d360_[a-z_]+|up)`").unwrap();
    let rows = rows();
    assert_eq!(rows.len(), ROWS);
    let mut missing = Vec::new();
    for cells in &rows {
        let [happens, proof, shows] = cells.as_slice() else { panic!("expected three cells, found {cells:?}") };
        assert!([happens, proof, shows].iter().all(|cell| !cell.is_empty()), "an empty cell: {cells:?}");
        assert!(metric.is_match(shows), "no metric for {happens:?}");
        let named: Vec<_> = link.captures_iter(proof).map(|found| (found[1].to_owned(), found[2].to_owned())).collect();
        assert!(!named.is_empty(), "no test for {happens:?}");
        assert_eq!(named.len(), proof.matches('[').count(), "a name that is no link to a test in {proof:?}");
        for (name, path) in named {
            let source = std::fs::read_to_string(root().join(&path)).unwrap_or_default();
            if !has_test(&source, &name) {
                missing.push(format!("{happens}: {name} in {path}"));
            }
        }
    }
    assert_eq!(missing, [""; 0]);
}

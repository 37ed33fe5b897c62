//! The field's words: what Prometheus, HTTP, 360dialog or Meta have a name for has that name here, too. Spelling is
//! checked elsewhere, by `make spelling`.

use std::path::Path;

use regex_lite::Regex;

use crate::harness::files_in;

/// A retired word with its endings, and what the field says.
const RETIRED: &[(&str, &str, &str)] = &[
    ("answer", "(s|ed|ing)?", "response, respond, return"),
    ("sweep", "(s|ing)?", "bulk read"),
    ("walk", "(s|ed|ing)?", "pagination, read"),
    ("mend", "(s|ed|ing)?", "repair, fix"),
    ("mistake", "s?", "error"),
    ("folder", "s?", "directory"),
    ("tells", "", "say, report, send"),
    ("told", "", "said, reported, sent"),
    ("tell_", "[a-z_]+", "report, send"),
];

/// Where everybody reads: documents, alerts, pages, and the code with its comments.
const PLACES: &[&str] = &["benches", "deploy", "docs", "fuzz/fuzz_targets", "rules", "src", "templates", "tests/it"];
const DOCUMENTS: &[&str] = &["CHANGELOG.md", "README.md", "SECURITY.md", "dashboards/README.md", "fuzz/README.md"];
const KINDS: &[&str] = &["css", "html", "md", "rs", "sh", "tmpl", "yaml", "yml"];

/// What may hold a retired word: others' keys, and the list above.
const EXCEPTIONS: &[&str] = &["grafana_folder", "folder: WhatsApp", "folders in Grafana"];

/// Every line of them, with where it stands.
fn lines() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = PLACES.iter().flat_map(|place| files_in(place, KINDS)).collect();
    paths.extend(DOCUMENTS.iter().map(|document| root.join(document)));
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let place = path.strip_prefix(root).unwrap().display().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        if path.ends_with("words.rs") {
            continue;
        }
        all.extend(text.lines().enumerate().map(|(n, line)| (format!("{place}:{}", n + 1), line.to_owned())));
    }
    all
}

/// What is said of a line that holds a retired word.
fn findings(lines: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (stem, endings, instead) in RETIRED {
        // A name is several words.
        let word = Regex::new(&format!(r"(?i)(^|[^a-z]){stem}{endings}($|[^a-z])")).unwrap();
        // Few lines are worth the time of an expression.
        let holds = |line: &str| line.to_lowercase().contains(stem);
        for (place, line) in lines.iter().filter(|(_, line)| holds(line)) {
            if word.is_match(line) && !EXCEPTIONS.iter().any(|exception| line.contains(exception)) {
                found.push(format!("{place}: write {instead}: {}", line.trim()));
            }
        }
    }
    found
}

#[test]
fn things_have_the_names_that_the_field_gives_them() {
    let found = findings(&lines());
    assert!(found.is_empty(), "{} lines:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_retired_word_is_found_inside_a_name_and_not_inside_a_word() {
    let line = |text: &str| vec![("a.rs:1".to_owned(), text.to_owned())];
    assert_eq!(findings(&line("fn an_answer_that_lags()")).len(), 1);
    assert_eq!(findings(&line("// An Answer.")), ["a.rs:1: write response, respond, return: // An Answer."]);
    assert_eq!(findings(&line("self.tell_gone(gone)")).len(), 1);
    assert_eq!(findings(&line("amend, recommended, walkdir, storytelling")), Vec::<String>::new());
}

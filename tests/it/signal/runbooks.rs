//! Runbooks: a page an alert, with the same four sections, that names only what there is: metrics, commands, flags,
//! variables of the environment, endpoints.

use std::collections::BTreeSet;

use super::files::{Rule, alerts, captures, list, path, read};
use super::programs::{exporter, succeeds};
use super::promql::Known;

/// The commands of the contract with the flags of their own. `clients`, `channels` and `check --live` belong to it before
/// they exist.
const COMMANDS: &[(&str, &[&str])] = &[
    ("serve", &[]),
    ("demo", &["--clients", "--channels-per-client", "--seed", "--incidents", "--web.listen-address"]),
    ("simulate", &["--listen"]),
    ("check", &["--live"]),
    ("clients list", &["--output"]),
    ("clients update", &["--max-channels", "--partner-payload", "--output"]),
    ("channels list", &["--client", "--output"]),
];

/// The endpoints of the contract.
const ENDPOINTS: &[&str] =
    &["/metrics", "/-/healthy", "/-/ready", "/-/reload", "/config", "/healthz", "/livez", "/readyz"];

/// The flags and variables that the help of `serve` names.
fn settings() -> (BTreeSet<String>, BTreeSet<String>) {
    // One line each, however wide the help is: a wrapped line could part a name from its brackets.
    let help = succeeds(exporter().args(["serve", "--help"]));
    let flags = captures(r"(?m)^ +(?:-\w, )?(--[a-z][a-z.-]*)", &help).into_iter().collect();
    let mut variables: BTreeSet<_> = captures(r"\b(D360_[A-Z0-9_]+)\b", &help).into_iter().collect();
    variables.insert("D360_API_KEY".to_owned());
    (flags, variables)
}

fn pages() -> Vec<(Rule, String)> {
    let page = |alert: Rule| {
        let text = read(&format!("docs/runbooks/{}.md", alert.name()));
        (alert, text)
    };
    alerts().into_iter().map(page).collect()
}

/// The blocks of a language in a page.
fn blocks(language: &str, page: &str) -> Vec<String> {
    captures(&format!(r"(?s)```{language}\n(.*?)\n *```"), page)
}

#[test]
fn every_alert_has_a_page_and_every_page_an_alert() {
    let pages: Vec<_> = list("docs/runbooks", ".md").into_iter().filter(|page| !page.ends_with("README.md")).collect();
    let mut expected: Vec<_> = alerts().iter().map(|alert| format!("docs/runbooks/{}.md", alert.name())).collect();
    expected.sort();
    assert_eq!(pages, expected);
}

#[test]
fn a_page_opens_with_what_the_alert_says_and_has_the_four_sections() {
    for (alert, page) in pages() {
        let (severity, hold) = (&alert.labels["severity"], alert.hold.as_deref().unwrap());
        let opening = format!(r"^# {}\n\n[A-Z][^\n]+\. Severity {severity}, fires after {hold}\.\n", alert.name());
        let opens = regex_lite::Regex::new(&opening).unwrap().is_match(&page);
        assert!(opens, "expected {opening:?}, found {:?}", page.lines().take(3).collect::<Vec<_>>());
        let sections = captures(r"(?m)^##+ (.+)$", &page);
        assert_eq!(sections, ["Meaning", "Impact", "Diagnosis", "Mitigation"], "{}", alert.name());
        for section in page.split("\n## ").skip(1) {
            assert!(section.lines().filter(|line| !line.is_empty()).count() > 1, "{}: {section:?}", alert.name());
        }
    }
}

#[test]
fn the_list_of_pages_says_what_the_pages_say() {
    let listed = captures(r"(?m)^\| (\[D360.*) \|$", &read("docs/runbooks/README.md"));
    let mut expected = Vec::new();
    for (alert, page) in pages() {
        let (name, severity) = (alert.name(), &alert.labels["severity"]);
        let says = captures(r"(?m)^([A-Z].*\.) Severity ", &page).remove(0);
        expected.push(format!("[{name}]({name}.md) | {severity} | {says}"));
    }
    assert_eq!(listed, expected);
}

#[test]
fn queries_of_pages_read_only_what_exists() {
    let known = Known::new();
    let mut queries = 0;
    for (alert, page) in pages() {
        for query in blocks("promql", &page) {
            assert_eq!(known.judge(&query).1, [""; 0], "{}: {query}", alert.name());
            queries += 1;
        }
        let named = captures(r"\b((?:d360|process)_[a-z0-9_]+)\b", &page);
        for name in named.iter().filter(|name| *name != "d360_exporter") {
            assert!(known.has(name), "{} names {name}, and no family is called so", alert.name());
        }
        for name in captures(r"`(D360[A-Z][A-Za-z]+)`", &page) {
            assert!(path(&format!("docs/runbooks/{name}.md")).is_file(), "{} names {name}", alert.name());
        }
    }
    assert!(queries >= alerts().len(), "found only {queries} queries");
}

#[test]
fn commands_of_pages_exist_and_take_the_flags_given() {
    let (flags, variables) = settings();
    let mut commands = 0;
    for (alert, page) in pages() {
        let name = alert.name();
        for line in blocks("sh", &page).iter().flat_map(|block| block.lines()) {
            let Some(arguments) = line.trim().strip_prefix("d360_exporter ") else { continue };
            let found =
                COMMANDS.iter().find(|(command, _)| format!("{arguments} ").starts_with(&format!("{command} ")));
            let (_, own) = found.unwrap_or_else(|| panic!("{name}: expected a command of the contract, found {line}"));
            for flag in captures(r"(--[a-z.-]+)", arguments) {
                assert!(own.contains(&flag.as_str()) || flags.contains(&flag), "{name}: {flag} in {line}");
            }
            commands += 1;
        }
        // In running text a flag stands by itself; those of other programs stand in blocks.
        for flag in captures(r"`(--[a-z][a-z.-]*)[^`]*`", &page) {
            assert!(flags.contains(&flag), "{name} names {flag}, and the exporter has no such flag");
        }
        for variable in captures(r"\b(D360_[A-Z_]+)\b", &page) {
            assert!(variables.contains(&variable), "{name} names {variable}, and the exporter reads no such variable");
        }
        for endpoint in captures(r"(?:INSTANCE|:10360)(/[\w/-]+)", &page) {
            assert!(ENDPOINTS.contains(&endpoint.as_str()), "{name} names {endpoint}");
        }
    }
    assert!(commands > 0, "found no command");
}

#[test]
fn links_of_pages_lead_somewhere() {
    for page in list("docs/runbooks", ".md") {
        for link in captures(r"\]\(([^)#]+)[^)]*\)", &read(&page)).iter().filter(|link| !link.contains("://")) {
            assert!(path("docs/runbooks").join(link).exists(), "{page}: {link}");
        }
    }
}

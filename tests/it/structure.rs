//! Imports between the modules of the crate go along the arrows of the tour in
//! `src/lib.rs`, and only along them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex_lite::Regex;

use crate::harness::sources_in;

/// What each module may import. `cli` sees everything, and `lib.rs` holds what
/// all may use: constants and the TLS set-up.
const ALLOWED: &[(&str, &[&str])] = &[
    ("catalogue", &[]),
    ("clock", &["model"]),
    ("config", &["exposition", "model", "partner_api", "poller", "telemetry", "web", "yaml"]),
    ("exposition", &["catalogue", "fleet", "model"]),
    ("fleet", &["model"]),
    ("model", &[]),
    ("partner_api", &["clock", "model", "telemetry"]),
    ("poller", &["clock", "model", "partner_api"]),
    ("simulator", &[]),
    ("telemetry", &["catalogue", "model"]),
    ("web", &["clock", "exposition", "fleet", "model", "telemetry", "yaml"]),
    ("yaml", &[]),
];

/// Source files with the module that they belong to.
fn sources() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let module = |path: &Path| {
        let first = path.strip_prefix(&root).unwrap().components().next().unwrap();
        Path::new(first.as_os_str()).with_extension("").to_string_lossy().into_owned()
    };
    sources_in("src").into_iter().map(|path| (module(&path), path)).collect()
}

/// The code of a file: comments and tests may speak of anything.
fn code(path: &Path) -> String {
    if path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs") {
        return String::new();
    }
    let text = std::fs::read_to_string(path).unwrap();
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// The modules that code names as `crate::module`, alone or in braces.
fn imports(code: &str) -> BTreeSet<String> {
    let plain = Regex::new(r"\bcrate::([a-z_]+)\b").unwrap();
    let braces = Regex::new(r"\bcrate::\{([^;]*)\};").unwrap();
    let inside = Regex::new(r"[{}]").unwrap();
    let mut found: BTreeSet<String> = plain.captures_iter(code).map(|c| c[1].to_owned()).collect();
    for group in braces.captures_iter(code) {
        let mut depth = 0;
        let mut flat = String::new();
        for c in group[1].chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if depth == 0 && !inside.is_match(&c.to_string()) {
                flat.push(c);
            }
        }
        let names = flat.split(',').map(|item| item.trim().split("::").next().unwrap_or_default().to_owned());
        found.extend(names.filter(|name| !name.is_empty()));
    }
    found
}

#[test]
fn imports_are_found_however_they_are_written() {
    let code = "use crate::{a, b::{C, d}, e::F};\nuse crate::g::H;\nlet x = crate::i::j();\ncrate::K";
    let found: Vec<String> = imports(code).into_iter().collect();
    assert_eq!(found, ["a", "b", "e", "g", "i"]);
}

#[test]
fn modules_import_only_what_stands_before_them() {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let sources = sources();
    let modules: BTreeSet<&str> = sources.iter().map(|(module, _)| module.as_str()).collect();
    let known: BTreeSet<&str> = allowed.keys().copied().chain(["cli", "lib", "main"]).collect();
    assert_eq!(modules, known, "every module has its line in the table");
    let mut wrong = Vec::new();
    for (module, path) in &sources {
        let Some(allowed) = allowed.get(module.as_str()) else { continue };
        let others = imports(&code(path)).into_iter().filter(|name| modules.contains(name.as_str()) && name != module);
        wrong.extend(
            others
                .filter(|name| !allowed.contains(&name.as_str()))
                .map(|name| format!("{} imports {name}", path.display())),
        );
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_table_holds_nothing_that_is_not_used_and_has_no_circle() {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, path) in sources() {
        used.entry(module).or_default().extend(imports(&code(&path)));
    }
    for (module, allowed) in ALLOWED {
        for other in *allowed {
            assert!(used[*module].contains(*other), "{module} may import {other} and does not");
        }
    }
    // Without a circle, modules can be taken away one by one.
    let mut left: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    while let Some(free) = left.iter().find(|(_, needs)| needs.iter().all(|n| !left.contains_key(n))).map(|(m, _)| *m) {
        left.remove(free);
    }
    assert!(left.is_empty(), "a circle among {left:?}");
}

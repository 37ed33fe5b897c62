//! Imports between the rooms of the crate go along the arrows of the tour in
//! `src/lib.rs`, and inside a room no files import each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex_lite::Regex;

use crate::harness::sources_in;

/// What each module may import. `cli` sees everything, and `lib.rs` holds what
/// all may use: constants and the TLS set-up.
const ALLOWED: &[(&str, &[&str])] = &[
    ("catalogue", &["family", "fleet", "model", "telemetry"]),
    ("clock", &["model"]),
    ("config", &["exposition", "fleet", "model", "partner_api", "poller", "telemetry", "web", "yaml"]),
    ("exposition", &["catalogue", "fleet", "model"]),
    ("family", &[]),
    ("fleet", &["model"]),
    ("model", &[]),
    ("partner_api", &["clock", "model", "redaction", "telemetry"]),
    ("poller", &["clock", "model", "partner_api"]),
    ("redaction", &[]),
    ("runtime", &["clock", "config", "exposition", "fleet", "model", "partner_api", "poller", "telemetry", "web"]),
    ("simulator", &[]),
    ("telemetry", &["clock", "family", "model", "redaction"]),
    ("view", &["fleet", "model"]),
    ("web", &["clock", "exposition", "fleet", "model", "telemetry", "view", "yaml"]),
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

/// The modules of one room, by path below the crate: `web::protection::tls`.
fn module_path(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let relative = path.strip_prefix(&root).unwrap().with_extension("");
    relative.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("::")
}

/// Every path that a file imports, written out from the crate's root.
fn imported_paths(module: &str, code: &str) -> BTreeSet<String> {
    let uses =
        Regex::new(r"\b(?:use|pub use|pub\(super\) use|pub\(crate\) use)\s+((?:crate|super|self)::[^;]+);").unwrap();
    let inline = Regex::new(r"\b(?:crate|super)(?:::[a-z_]+)+").unwrap();
    let mut found = BTreeSet::new();
    let texts = uses.captures_iter(code).map(|c| c[1].to_owned()).collect::<Vec<_>>();
    for text in texts.iter().flat_map(|text| expand(text)).chain(inline.find_iter(code).map(|m| m.as_str().to_owned()))
    {
        found.insert(absolute(module, &text));
    }
    found
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expand(text: &str) -> Vec<String> {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(open) = text.find('{') else { return vec![text.split(" as ").next().unwrap_or_default().to_owned()] };
    let (prefix, inside) = (&text[..open], &text[open + 1..text.rfind('}').unwrap_or(text.len())]);
    let mut depth = 0;
    let mut items = vec![String::new()];
    for c in inside.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 { items.push(String::new()) } else { items.last_mut().unwrap().push(c) }
    }
    let items = items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty());
    items.flat_map(|item| expand(&format!("{prefix}{item}"))).collect()
}

/// A path from the crate's root for one that begins with `crate`, `self` or `super`.
fn absolute(module: &str, path: &str) -> String {
    let mut base: Vec<&str> = module.split("::").collect();
    let mut rest = Vec::new();
    for part in path.split("::") {
        match part {
            "crate" => base.clear(),
            "super" => drop(base.pop()),
            "self" => {}
            part => rest.push(part),
        }
    }
    base.into_iter().chain(rest).collect::<Vec<_>>().join("::")
}

/// The files of a tree with the files that they import. A file that declares
/// another as its module may name it: that is how a module shows its parts.
fn imports_between_files(files: &[(String, String)]) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeSet<&str> = files.iter().map(|(module, _)| module.as_str()).collect();
    let owner_of = |path: &str| {
        let mut path = path;
        loop {
            if names.contains(path) {
                return Some(path.to_owned());
            }
            path = path.rsplit_once("::")?.0;
        }
    };
    let edges = |(module, code): &(String, String)| {
        let targets = imported_paths(module, code).iter().filter_map(|path| owner_of(path)).collect::<BTreeSet<_>>();
        let others = targets.into_iter().filter(|to| to != module && !to.starts_with(&format!("{module}::")));
        (module.clone(), others.collect())
    };
    files.iter().map(edges).collect()
}

/// What is left when files that import nothing that is left are taken away one
/// by one: the circles, and what leads into them.
fn circles(mut imports: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let names: BTreeSet<String> = imports.keys().cloned().collect();
        imports.values_mut().for_each(|to| to.retain(|to| names.contains(to)));
        let before = imports.len();
        imports.retain(|_, to| !to.is_empty());
        if imports.len() == before {
            return imports;
        }
    }
}

#[test]
fn no_files_inside_a_room_import_each_other_in_a_circle() {
    let files = sources().into_iter().map(|(_, path)| (module_path(&path), code(&path)));
    let imports = imports_between_files(&files.collect::<Vec<_>>());
    // A room's own file shows its parts, and they may use what it defines for
    // all of them: only circles between siblings are forbidden.
    let siblings = imports.into_iter().map(|(from, to)| {
        let parents: Vec<String> = from.match_indices("::").map(|(at, _)| from[..at].to_owned()).collect();
        (from, to.into_iter().filter(|to| !parents.contains(to)).collect::<BTreeSet<_>>())
    });
    assert_eq!(circles(siblings.collect()), BTreeMap::new());
}

#[test]
fn a_circle_between_two_files_is_found_however_it_is_written() {
    let file = |name: &str, code: &str| (name.to_owned(), code.to_owned());
    let files = [
        file("a", "mod b; mod c;"),
        file("a::b", "use super::{c::{D, E}, f};"),
        file("a::c", "fn g() { crate::a::b::h() }"),
        file("a::d", "use super::b::I;"),
    ];
    let found = circles(imports_between_files(&files));
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), ["a::b", "a::c", "a::d"]);
}

/// A file that is longer than this has more than one thing in it.
const MOST_LINES: usize = 400;

#[test]
fn no_source_file_is_longer_than_400_lines() {
    let files = ["src", "tests", "benches", "fuzz/fuzz_targets"].into_iter().flat_map(sources_in);
    let lines = |path: &Path| std::fs::read_to_string(path).unwrap().lines().count();
    let long: Vec<_> = files.map(|path| (lines(&path), path)).filter(|(lines, _)| *lines > MOST_LINES).collect();
    assert!(long.is_empty(), "divide these by what they are about: {long:#?}");
}

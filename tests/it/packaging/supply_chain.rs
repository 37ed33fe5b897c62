//! What may be built in: the script behind `make deny`, on crates that break one rule each.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::repository;

/// The index of the registry that Cargo.lock names.
static INDEX: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    let lock = std::fs::read_to_string(repository("Cargo.lock")).unwrap();
    lock.split('"').find(|text| text.starts_with("registry+")).unwrap().to_owned()
});

/// What the script says of one crate, and its exit code.
fn judged(package: &Value) -> (Option<i32>, String) {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("metadata.json");
    std::fs::write(&file, json!({"packages": [package]}).to_string()).unwrap();
    let mut script = Command::new("python3");
    let output = script.arg("scripts/check-supply-chain.py").arg(file).current_dir(repository(".")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code(), String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
}

fn package(name: &str, license: &str, source: Option<&str>) -> Value {
    json!({"name": name, "version": "1.0.0", "license": license, "source": source})
}

#[test]
fn a_crate_of_the_allowed_registry_or_of_this_repository_passes() {
    for source in [Some(INDEX.as_str()), None] {
        let verdict = judged(&package("fine", "MIT OR GPL-3.0", source));
        assert_eq!(verdict, (Some(0), "1 packages keep to deny.toml".to_owned()));
    }
}

#[test]
fn a_crate_of_an_unknown_registry_is_refused() {
    for registry in
        ["registry+https://crates.example/index", "sparse+https://crates.example/", &format!("{}.example", *INDEX)]
    {
        let expected = format!("stray 1.0.0: expected a registry that deny.toml allows, found `{registry}`");
        assert_eq!(judged(&package("stray", "MIT", Some(registry))), (Some(1), expected));
    }
}

#[test]
fn a_crate_of_a_git_repository_is_refused() {
    let source = "git+https://git.example/stray?rev=1#1";
    let expected = format!("stray 1.0.0: expected a registry's crate, found `{source}`");
    assert_eq!(judged(&package("stray", "MIT", Some(source))), (Some(1), expected));
}

#[test]
fn a_licence_that_is_not_allowed_and_a_banned_crate_are_refused() {
    assert_eq!(
        judged(&package("closed", "MIT AND GPL-3.0", Some(INDEX.as_str()))),
        (Some(1), "closed 1.0.0: expected an allowed licence, found `MIT AND GPL-3.0`; see deny.toml".to_owned())
    );
    assert_eq!(
        judged(&package("openssl-sys", "MIT", Some(INDEX.as_str()))),
        (Some(1), "openssl-sys 1.0.0: expected no such crate, found it; see deny.toml".to_owned())
    );
}

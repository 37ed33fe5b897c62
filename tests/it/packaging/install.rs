//! `make install` and `make uninstall`, into a directory of the test.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::harness::{repository, run};

const EXPORTER: &str = env!("CARGO_BIN_EXE_d360_exporter");

/// Every file below a directory, with its mode.
fn files(below: &Path) -> BTreeSet<String> {
    let found = run(Command::new("find").arg(below).args(["-type", "f", "-printf", "%m /%P\n"]));
    found.lines().map(str::to_owned).collect()
}

/// A target of the Makefile, with the debug binary and documents of the test's own.
fn make(target: &str, dir: &TempDir) -> String {
    let mut make = Command::new("make");
    make.args(["--silent", target, "PREFIX=/opt/d360", "SYSCONFDIR=/etc"]).current_dir(repository("."));
    make.arg(format!("DESTDIR={}", dir.path().join("root").display()));
    make.arg(format!("DIST_DOCS={}", dir.path().join("docs").display())).arg(format!("EXPORTER={EXPORTER}"));
    run(&mut make)
}

#[test]
fn make_install_puts_everything_below_its_prefix_and_an_upgrade_keeps_changed_settings() {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("root");
    run(Command::new(repository("scripts/dist-docs.sh")).arg(EXPORTER).arg(dir.path().join("docs")));
    make("install", &dir);

    let installed = files(&root);
    let (pages, others): (BTreeSet<_>, BTreeSet<_>) =
        installed.iter().cloned().partition(|file| file.contains("/man1/"));
    assert!(pages.contains("644 /opt/d360/share/man/man1/d360_exporter.1"), "{pages:?}");
    assert!(pages.contains("644 /opt/d360/share/man/man1/d360_exporter-channels-list.1"), "{pages:?}");
    let expected = [
        "644 /etc/d360_exporter/d360_exporter.env",
        "644 /opt/d360/lib/systemd/system/d360_exporter.service",
        "644 /opt/d360/share/bash-completion/completions/d360_exporter",
        "644 /opt/d360/share/fish/vendor_completions.d/d360_exporter.fish",
        "644 /opt/d360/share/zsh/site-functions/_d360_exporter",
        "755 /opt/d360/bin/d360_exporter",
    ];
    assert_eq!(others, expected.map(str::to_owned).into());

    let unit = root.join("opt/d360/lib/systemd/system/d360_exporter.service");
    let shipped = std::fs::read_to_string(repository("deploy/systemd/d360_exporter.service")).unwrap();
    let moved = shipped.replace("ExecStart=/usr/bin/", "ExecStart=/opt/d360/bin/");
    assert_eq!(std::fs::read_to_string(unit).unwrap(), moved);

    let settings = root.join("etc/d360_exporter/d360_exporter.env");
    std::fs::write(&settings, "D360_PARTNER_ID=mine\n").unwrap();
    make("install", &dir);
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), "D360_PARTNER_ID=mine\n");
    assert_eq!(files(&root), installed);

    make("uninstall", &dir);
    assert_eq!(files(&root), BTreeSet::from(["644 /etc/d360_exporter/d360_exporter.env".to_owned()]));
}

#[test]
fn make_install_without_a_build_says_what_to_run_first() {
    let dir = TempDir::new().unwrap();
    let mut make = Command::new("make");
    make.args(["--silent", "install", "EXPORTER=nowhere/d360_exporter", "DIST_DOCS=nowhere"]);
    let output = make.arg(format!("DESTDIR={}", dir.path().display())).current_dir(repository(".")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let expected =
        "error: expected nowhere/d360_exporter and nowhere, found none; run make dist-docs first, as yourself\n";
    assert!(said.starts_with(expected), "{said}");
    assert!(!output.status.success());
    assert_eq!(files(dir.path()), BTreeSet::new());
}

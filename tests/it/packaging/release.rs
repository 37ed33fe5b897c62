//! The workflows, and the steps of a release that can be tried here.

use std::path::PathBuf;
use std::process::Command;

use regex_lite::Regex;
use tempfile::TempDir;

use crate::harness::{repository, run};

fn workflows() -> Vec<(String, String)> {
    ["ci.yml", "release.yml"]
        .map(|name| {
            (name.to_owned(), std::fs::read_to_string(repository(&format!(".github/workflows/{name}"))).unwrap())
        })
        .into()
}

/// actionlint where Go could build it (`make test-tools`); its absence leaves the checks below.
#[test]
fn actionlint_has_nothing_to_say_about_the_workflows() {
    let actionlint = repository("target/go-tools/actionlint");
    if !actionlint.exists() {
        return;
    }
    assert_eq!(run(Command::new(actionlint).arg("-no-color").current_dir(repository("."))), "");
}

#[test]
fn every_workflow_is_yaml_with_bounded_jobs_of_few_rights_and_pinned_actions() {
    for (name, text) in workflows() {
        let workflow: serde_json::Value = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(workflow["permissions"], serde_json::json!({"contents": "read"}), "{name}");
        for (job, definition) in workflow["jobs"].as_object().unwrap() {
            if definition["uses"].is_null() {
                assert!(definition["timeout-minutes"].is_u64(), "{name}: {job} has no timeout");
                assert!(definition["runs-on"].is_string(), "{name}: {job} has no runner");
            }
        }
        let uses = Regex::new(r"(?m)uses: (\S+)(.*)$").unwrap();
        let pinned = Regex::new(r"^actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$").unwrap();
        for action in uses.captures_iter(&text).filter(|found| !found[1].starts_with("./")) {
            let action = format!("{}{}", &action[1], &action[2]);
            assert!(pinned.is_match(&action), "{name}: {action}");
        }
    }
}

/// So that they agree with what people run, and can be tried without GitHub.
#[test]
fn every_script_and_recipe_that_a_workflow_calls_exists() {
    let makefile = std::fs::read_to_string(repository("Makefile")).unwrap();
    let (scripts, recipes) =
        (Regex::new(r"(scripts/[\w.-]+|\.ci/run)").unwrap(), Regex::new(r"make ([\w-]+)").unwrap());
    for (name, text) in workflows() {
        for script in scripts.find_iter(&text) {
            assert!(repository(script.as_str()).is_file(), "{name}: {}", script.as_str());
        }
        for recipe in recipes.captures_iter(&text) {
            assert!(makefile.contains(&format!("\n{}:", &recipe[1])), "{name}: {}", &recipe[1]);
        }
    }
    assert!(workflows()[0].1.contains("run: .ci/run\n"));
}

#[test]
fn a_release_is_refused_unless_tag_crate_chart_and_changelog_agree() {
    let release = |arguments: &[&str]| Command::new(repository("scripts/release.sh")).args(arguments).output().unwrap();
    let output = release(&["version", "v99.0.0"]);
    assert_eq!(output.status.code(), Some(1));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!("release.sh: expected the tag v{version}, which Cargo.toml names, found v99.0.0\n")
    );
    // Until the version has its section in the changelog, nothing can be released.
    let changelog = std::fs::read_to_string(repository("CHANGELOG.md")).unwrap();
    let output = release(&["version", &format!("v{version}")]);
    let described = changelog.contains(&format!("\n## {version}"));
    assert_eq!(output.status.success(), described, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_release_archive_is_laid_out_as_those_of_other_exporters_and_made_twice_is_the_same() {
    let dir = TempDir::new().unwrap();
    // A program that is quicker to pack than the real one.
    let exporter = dir.path().join("d360_exporter");
    let stand_in = "#!/bin/sh\n[ $1 != man ] || { mkdir $2; echo page > $2/d360_exporter.1; }\n";
    std::fs::write(&exporter, stand_in).unwrap();
    run(Command::new("chmod").arg("0755").arg(&exporter));
    let archive = |directory: &str| {
        let mut release = Command::new(repository("scripts/release.sh"));
        release.arg("archive").arg(&exporter).arg("amd64").arg(dir.path().join(directory));
        PathBuf::from(run(release.env("SOURCE_DATE_EPOCH", "1700000000")).trim())
    };
    let (one, two) = (archive("one"), archive("two"));
    assert!(std::fs::read(&one).unwrap() == std::fs::read(two).unwrap(), "the same input gave other bytes");

    let name = format!("d360_exporter-{}.linux-amd64", env!("CARGO_PKG_VERSION"));
    assert_eq!(one, dir.path().join(format!("one/{name}.tar.gz")));
    let listed = run(Command::new("tar").arg("-tzf").arg(&one));
    for file in
        ["d360_exporter", "LICENSE", "man/d360_exporter.1", "completions/_d360_exporter", "rules/d360.rules.yml"]
    {
        assert!(listed.lines().any(|line| line == format!("{name}/{file}")), "no {file} in\n{listed}");
    }
    assert!(listed.lines().all(|line| line.starts_with(&format!("{name}/"))), "{listed}");
}

//! Every option in good and bad files, and the verdicts of `check` and of
//! `promtool`.

use std::fs;
use std::path::Path;

use super::Directory;
use crate::harness::{Program, tool};

/// Options that are younger than the `promtool` of Debian 12.
const YOUNGER: [&str; 5] = ["cert", "key", "client_ca", "client_allowed_sans", "rate_limit"];

/// The files of a kind: name and text, in order, with certificates put in where
/// the text says so.
fn files(directory: &Directory, kind: &str) -> Vec<(String, String)> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/web_config/testdata");
    let mut names: Vec<String> = fs::read_dir(&testdata)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(&format!(".{kind}.yml")))
        .collect();
    names.sort();
    assert!(names.len() > 20, "expected the {kind} files in {}, found {names:?}", testdata.display());
    let text = |name: &String| {
        let mut text = fs::read_to_string(testdata.join(name)).unwrap();
        for file in ["server.crt", "server.key", "ca.crt"] {
            let pem = fs::read_to_string(directory.path().join(file)).unwrap();
            text = text.replace(&format!("@{file}@"), &pem.trim_end().replace('\n', "\n    "));
        }
        text
    };
    names.iter().map(|name| (name.clone(), text(name))).collect()
}

/// What `check` says of a web configuration.
async fn check(directory: &Directory, name: &str) -> (Option<i32>, String) {
    let key = directory.write("api.key", "canary-api-key");
    let key = format!("--partner.api-key-file={}", key.display());
    let file = format!("--web.config.file={}", directory.path().join(name).display());
    let (code, output) = Program::start(&["check", "--partner.id=examplePA", &key, &file], &[]).end().await;
    (code, directory.anonymous(&output))
}

#[tokio::test]
async fn every_good_file_is_accepted_and_promtool_agrees() {
    let directory = Directory::new();
    for (name, text) in files(&directory, "good") {
        directory.write(&name, &text);
        let (code, output) = check(&directory, &name).await;
        assert_eq!(code, Some(0), "{name}: {output}");
        promtool_agrees(&directory, &name).await;
    }
}

/// `promtool` accepts the file, but for options that it does not know yet.
async fn promtool_agrees(directory: &Directory, name: &str) {
    let mut command = tool("promtool", "prometheus");
    command.args(["check", "web-config"]).arg(directory.path().join(name));
    let (code, output) = Program::spawn(command).end().await;
    let complaints: Vec<_> = output
        .lines()
        .filter(|line| !line.ends_with("SUCCESS") && !line.contains("FAILED: yaml: unmarshal errors:"))
        .collect();
    let only_younger = complaints
        .iter()
        .all(|line| YOUNGER.iter().any(|option| line.contains(&format!("field {option} not found in"))));
    assert_eq!((code, only_younger), (Some(i32::from(!complaints.is_empty())), true), "{name}: {output}");
}

#[tokio::test]
async fn every_bad_file_is_refused_with_place_and_remedy() {
    let directory = Directory::new();
    let mut report = String::new();
    for (name, text) in files(&directory, "bad") {
        directory.write(&name, &text);
        let (code, output) = check(&directory, &name).await;
        assert_eq!(code, Some(2), "{name}: {output}");
        report.push_str(&format!("{}\n{output}\n", name.trim_end_matches(".bad.yml")));
    }
    assert!(!report.contains("canary"), "{report}");
    insta::assert_snapshot!(report);
}

#[tokio::test]
async fn errors_in_the_web_configuration_are_reported_with_the_others() {
    let directory = Directory::new();
    let file =
        format!("--web.config.file={}", directory.write("web.yml", "basic_auth_users: {alice: canary}\n").display());
    let (code, output) = Program::start(&["check", &file, "--poll.interval=never"], &[]).end().await;
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(directory.anonymous(&output));
}

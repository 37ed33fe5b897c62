//! Several partners in one configuration file.

use std::path::Path;

use d360_exporter::simulator::Options;
use tempfile::TempDir;

use super::{Ran, end, program};
use crate::harness::{Api, fleet};

/// Two partners, the second with this key.
async fn two(key: &str) -> (Api, Api, TempDir) {
    let first = Api::start(Options { partner_id: "firstPA".to_owned(), ..fleet(2, 1) }).await;
    let second = Api::start(Options { partner_id: "secondPA".to_owned(), seed: 8, ..fleet(2, 1) }).await;
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("first", "demo-key");
    write("second", key);
    let entry = |id: &str, key: &str, api: &Api| {
        let key = directory.path().join(key);
        format!("  - id: {id}\n    api_key_file: {}\n    base_url: {}\n", key.display(), api.base_url())
    };
    let partners = entry("firstPA", "first", &first) + &entry("secondPA", "second", &second);
    write("config.yml", &format!("partners:\n{partners}"));
    (first, second, directory)
}

async fn run(api: &Api, directory: &Path, args: &[&str]) -> Ran {
    let mut command = program(api);
    command.env_remove("D360_PARTNER_ID").env_remove("D360_API_KEY").env_remove("D360_API_BASE_URL");
    command.env("D360_CONFIG_FILE", directory.join("config.yml"));
    command.args(args);
    end(command).await
}

#[tokio::test]
async fn all_partners_are_listed_with_a_column_that_names_the_partner() {
    let (first, _second, directory) = two("demo-key").await;
    insta::assert_snapshot!(run(&first, directory.path(), &["clients", "list"]).await.shown(&first));
}

#[tokio::test]
async fn one_partner_is_chosen_by_its_id() {
    let (first, _second, directory) = two("demo-key").await;
    let listed = run(&first, directory.path(), &["channels", "list", "--partner.id", "secondPA", "-o", "json"]).await;
    assert_eq!(listed.column("partner_id"), ["secondPA", "secondPA"]);
}

#[tokio::test]
async fn a_partner_that_fails_does_not_keep_the_others_from_being_listed() {
    let (first, _second, directory) = two("wrong").await;
    let listed = run(&first, directory.path(), &["clients", "list", "-o", "csv"]).await;
    assert_eq!(listed.code, Some(1));
    let partners: Vec<&str> = listed.stdout.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(partners, ["firstPA", "firstPA"]);
    assert!(listed.stderr.starts_with("error: partner secondPA: cannot list the clients: "), "{}", listed.stderr);
}

#[tokio::test]
async fn an_update_has_to_name_the_partner() {
    let (first, second, directory) = two("demo-key").await;
    let client = second.ids().await.swap_remove(0).0;
    let update = ["clients", "update", "--yes", &client, "--max-channels", "9"];
    let refused = run(&first, directory.path(), &update).await;
    assert_eq!(
        (refused.code, refused.stderr.as_str()),
        (
            Some(2),
            "error: --partner.id: expected the partner whose client is meant, one of `firstPA`, `secondPA`, found none\n"
        )
    );
    let done = run(&first, directory.path(), &[&update[..], &["--partner.id", "secondPA"]].concat()).await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(second.truth().await["clients"][0]["max_channels"], 9);
}

#[tokio::test]
async fn a_partner_that_the_file_does_not_list_is_a_bad_flag() {
    let (first, _second, directory) = two("demo-key").await;
    let listed = run(&first, directory.path(), &["clients", "list", "--partner.id", "thirdPA"]).await;
    let expected =
        "error: --partner.id: expected one of the partners in --config.file, `firstPA`, `secondPA`, found `thirdPA`\n";
    assert_eq!((listed.code, listed.stderr.as_str()), (Some(2), expected));
}

#[tokio::test]
async fn a_live_check_says_of_each_partner_how_it_stands() {
    let (first, _second, directory) = two("wrong").await;
    let checked = run(&first, directory.path(), &["check", "--live"]).await;
    let keys: Vec<&str> = checked.stdout.lines().filter(|line| line.trim_start().starts_with("key ")).collect();
    assert_eq!(keys, ["  key               works", "  key               refused"]);
    assert_eq!(checked.code, Some(1));
}

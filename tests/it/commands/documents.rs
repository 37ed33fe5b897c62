//! What packages install beside the binary: completions and manual pages.

use super::{Ran, end, run, with_environment};
use crate::harness::{Api, fleet, tool};

#[tokio::test]
async fn bash_completes_commands_flags_and_values() {
    let api = Api::start(fleet(1, 0)).await;
    for (words, offered) in [
        ("d360_exporter chan", "channels"),
        ("d360_exporter channels list --rati", "--rating"),
        ("d360_exporter channels list --rating ", "high medium low na unknown"),
        ("d360_exporter clients list --output ", "table json csv"),
    ] {
        assert_eq!(complete(&api, words).await.stdout, format!("{offered}\n"), "{words:?}");
    }
}

/// What bash offers after these words.
async fn complete(api: &Api, words: &str) -> Ran {
    let mut bash = with_environment(tool("bash", "bash"), api);
    bash.env("D360", env!("CARGO_BIN_EXE_d360_exporter")).env("WORDS", words);
    let line = r#"source <("$D360" completions bash)
        read -ra COMP_WORDS <<<"$WORDS"
        [[ $WORDS == *' ' ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _d360_exporter d360_exporter "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        echo "${COMPREPLY[@]}""#;
    bash.args(["--norc", "-c", line]);
    end(bash).await
}

#[tokio::test]
async fn every_command_for_people_has_a_manual_page_that_renders_without_a_warning() {
    let api = Api::start(fleet(1, 0)).await;
    let directory = tempfile::tempdir().unwrap();
    let made = run(&api, &["man", directory.path().to_str().unwrap()]).await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let mut pages: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    assert_eq!(
        pages,
        [
            "d360_exporter-channels-list.1",
            "d360_exporter-channels.1",
            "d360_exporter-check.1",
            "d360_exporter-clients-list.1",
            "d360_exporter-clients-update.1",
            "d360_exporter-clients.1",
            "d360_exporter-demo.1",
            "d360_exporter-serve.1",
            "d360_exporter-simulate.1",
            "d360_exporter.1",
        ]
    );
    for page in pages {
        let mut groff = with_environment(tool("groff", "groff-base"), &api);
        groff.args(["-man", "-ww", "-Tutf8", "-K", "utf8", "-P-cbou"]).arg(directory.path().join(&page));
        let rendered = end(groff).await;
        assert_eq!((rendered.code, rendered.stderr.as_str()), (Some(0), ""), "{page}");
        for section in ["SYNOPSIS", "ENVIRONMENT", "EXIT STATUS", "SEE ALSO"] {
            assert!(rendered.stdout.contains(section), "{page} has no {section}: {}", rendered.stdout);
        }
        let group = ["d360_exporter.1", "d360_exporter-channels.1", "d360_exporter-clients.1"].contains(&page.as_str());
        assert!(group || rendered.stdout.contains("EXAMPLES"), "{page} has no examples: {}", rendered.stdout);
    }
}

#[tokio::test]
async fn the_version_names_the_revision_of_a_checkout() {
    let api = Api::start(fleet(1, 0)).await;
    let version = run(&api, &["--version"]).await.stdout;
    let revision = version.trim_end().rsplit_once("(revision ").unwrap().1.trim_end_matches(')').to_owned();
    assert_eq!(version, format!("d360_exporter {} (revision {revision})\n", d360_exporter::VERSION));
    let checkout = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".git").exists();
    assert_eq!(revision == "unknown", !checkout && std::env::var_os("D360_REVISION").is_none());
}

//! Commands in documents: each is run here, is what another test runs, or says
//! before its block what it needs that tests do not have.

use std::collections::BTreeSet;
use std::process::Command;

use super::markdown::{documents, root};
use crate::harness::{Exporter, Program, sources_in, tool};

/// What a mark before a block can say that the block needs.
const MARKS: &[&str] = &["real-api", "docker", "kubernetes", "root", "monitoring", "internet", "interactive"];

/// Directories whose blocks have a test of their own, and need the real API.
const JUDGED_ELSEWHERE: &[&str] = &["docs/runbooks/"];

/// How a block is known to work.
enum Proof {
    /// It runs in this directory of a copy of the repository.
    Runs(&'static str),
    /// It runs against the demo, for whose address it says `localhost:10360`.
    RunsOnDemo,
    /// This test runs what stands in it.
    Test(&'static str),
    /// `make` has it, and runs it for every submission or when asked.
    Make,
}

/// Blocks by document and first line.
const PROOFS: &[(&str, &str, Proof)] = &[
    ("README.md", "cargo run --release -- demo", Proof::Test("the_demo_of_the_readme_starts_and_its_request_works")),
    ("CONTRIBUTING.md", "make lint", Proof::Make),
    (
        "CONTRIBUTING.md",
        "UPDATE_DOCS=1 cargo test --test it catalogue",
        Proof::Test("the_metrics_document_matches_the_catalogue"),
    ),
    (
        "CONTRIBUTING.md",
        "UPDATE_DOCS=1 INSTA_UPDATE=always cargo test --test it -- catalogue",
        Proof::Test("the_metrics_document_matches_the_catalogue"),
    ),
    ("CONTRIBUTING.md", "make faults", Proof::Make),
    ("CONTRIBUTING.md", "make pictures", Proof::Make),
    (
        "docs/zero-to-alert.md",
        "make demo-stack",
        Proof::Test("the_printed_request_drops_a_rating_and_within_a_minute_the_alert_is_in_alertmanager"),
    ),
    (
        "docs/simulator.md",
        "d360_exporter simulate --clients=500",
        Proof::Test("the_simulator_runs_with_the_flags_of_its_page"),
    ),
    (
        "docs/simulator.md",
        "curl -X PATCH http://127.0.0.1:10361",
        Proof::Test("the_demo_of_the_readme_starts_and_its_request_works"),
    ),
    ("docs/sizing.md", "UPDATE_DOCS=1 cargo test --test it sizing", Proof::Test("the_figures_on_sizing_are_measured")),
    ("docs/sizing.md", "make bench-rules", Proof::Make),
    ("docs/sizing.md", "scripts/memory.sh target", Proof::Test("the_script_measures_the_memory_of_a_fleet")),
    ("docs/recipes/scrape-guards.md", "curl --silent 'http://localhost:10360", Proof::RunsOnDemo),
    ("dashboards/README.md", "make dashboards", Proof::Make),
    ("dashboards/README.md", "sed -i 's|https://d360-exporter.example/runbooks/", Proof::Runs("dashboards")),
    ("rules/README.md", "sed -i -e 's#https://d360-exporter.example/runbooks#", Proof::Runs("rules")),
    (
        "rules/README.md",
        "promtool check rules --lint=all --lint-fatal d360.rules.yml\npromtool test",
        Proof::Test("every_file_of_unit_tests_is_run"),
    ),
    ("rules/README.md", "sed -E", Proof::Runs("rules")),
    ("deploy/README.md", "deploy/kubernetes/prometheusrule.sh ", Proof::Runs(".")),
    (
        "deploy/README.md",
        "deploy/helm/render.sh ",
        Proof::Test("the_chart_is_linted_rendered_as_checked_in_and_every_rendering_fits_its_schemas"),
    ),
    (
        "deploy/README.md",
        "deploy/check.sh ",
        Proof::Test("manifests_fit_their_schemas_are_hardened_and_hold_the_rules_as_shipped"),
    ),
];

fn proof(document: &str, block: &str) -> Option<usize> {
    PROOFS.iter().position(|(path, start, _)| *path == document && block.starts_with(start))
}

/// The sources of all tests.
fn test_sources() -> String {
    sources_in("tests/it").iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn every_block_of_commands_is_run_or_says_what_it_needs() {
    let (tests, makefile) = (test_sources(), std::fs::read_to_string(root().join("Makefile")).unwrap());
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for document in documents() {
        if JUDGED_ELSEWHERE.iter().any(|directory| document.path.starts_with(directory)) {
            continue;
        }
        for block in document.shell_blocks() {
            let known = proof(&document.path, &block.text);
            used.extend(known);
            let first = block.text.lines().next().unwrap_or_default();
            let place = format!("{}: {first}", document.path);
            match (known.map(|at| &PROOFS[at].2), block.mark.as_deref()) {
                (None, Some(mark)) if MARKS.contains(&mark) => {}
                (None, mark) => wrong.push(format!("{place}: neither run nor marked (found {mark:?})")),
                (Some(_), Some(mark)) => wrong.push(format!("{place}: run, and marked {mark}")),
                (Some(Proof::Test(name)), None) if !tests.contains(&format!("fn {name}(")) => {
                    wrong.push(format!("{place}: no test is called {name}"));
                }
                (Some(_), None) => {}
            }
            for line in block.text.lines() {
                let Some(target) = line.strip_prefix("make ").and_then(|rest| rest.split(' ').next()) else { continue };
                if !makefile.contains(&format!("\n{target}:")) {
                    wrong.push(format!("{place}: the Makefile has no {target}"));
                }
            }
        }
    }
    for (at, (path, start, _)) in PROOFS.iter().enumerate() {
        if !used.contains(&at) {
            wrong.push(format!("{path} holds no block that begins with {start:?}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// A copy of the directories that blocks work in.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let mut command = Command::new("cp");
    command.arg("-r").args(["dashboards", "deploy", "rules"].map(|directory| root().join(directory))).arg(copy.path());
    assert!(command.status().unwrap().success());
    copy
}

#[test]
fn blocks_that_need_nothing_but_the_repository_run() {
    let mut ran = 0;
    for document in documents() {
        for block in document.shell_blocks() {
            let Some(at) = proof(&document.path, &block.text) else { continue };
            let Proof::Runs(directory) = PROOFS[at].2 else { continue };
            let copy = copy();
            let mut shell = Command::new("sh");
            shell.args(["-euc", &block.text]).current_dir(copy.path().join(directory));
            let output = shell.output().unwrap();
            let said =
                [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
            assert!(output.status.success(), "{}: {}\n{said}", document.path, block.text);
            ran += 1;
        }
    }
    assert_eq!(ran, PROOFS.iter().filter(|(.., proof)| matches!(proof, Proof::Runs(_))).count());
}

#[tokio::test]
async fn commands_for_a_running_exporter_succeed() {
    tool("curl", "curl");
    let program = Program::start(&["demo", "--web.listen-address=127.0.0.1:0"], &[]);
    let exporter = Exporter::of(program).await;
    exporter.ready().await;
    for document in documents() {
        for block in document.shell_blocks() {
            let Some(at) = proof(&document.path, &block.text) else { continue };
            let Proof::RunsOnDemo = PROOFS[at].2 else { continue };
            let commands = block.text.replace("localhost:10360", exporter.address());
            let mut shell = tokio::process::Command::new("sh");
            let output = shell.args(["-euc", &commands]).output().await.unwrap();
            assert!(output.status.success(), "{commands}");
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(said.lines().count() >= 2 && said.starts_with("d360_exporter_series "), "{commands}\n{said}");
        }
    }
    exporter.stop().await;
}

#[tokio::test]
async fn the_demo_of_the_readme_starts_and_its_request_works() {
    tool("curl", "curl");
    // The binary is there; what is left of the line are its arguments.
    let readme = documents().into_iter().find(|document| document.path == "README.md").unwrap();
    let line = readme.shell_blocks().flat_map(|block| block.text.lines()).find(|line| line.starts_with("cargo run"));
    let arguments = line.unwrap().strip_prefix("cargo run --release -- ").unwrap().split('#').next().unwrap();
    let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
    arguments.extend(["--web.listen-address=127.0.0.1:0", "--incidents=0"]);

    let program = Program::start(&arguments, &[]);
    let request = program.line_with("Drop a rating: ").await.replacen("Drop a rating: ", "", 1);
    let channel = request.split("channels/").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let exporter = Exporter::of(program).await;
    exporter.ready().await;
    assert!(exporter.text("/").await.contains("Needs attention"));
    let mut shell = tokio::process::Command::new("sh");
    assert!(
        shell.args(["-c", &format!("{request} --silent --fail --output /dev/null")]).status().await.unwrap().success()
    );
    let labels = [("channel_id", channel.as_str()), ("rating", "low")];
    exporter.until("the dropped rating", |e| e.value("d360_channel_quality_rating", &labels) == Some(1.0)).await;
    exporter.stop().await;
}

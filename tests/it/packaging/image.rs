//! The Dockerfile as it stands; `make image-test` builds and runs it.

use regex_lite::Regex;

use crate::harness::repository;

/// A tag can be moved to other bytes, a digest cannot.
#[test]
fn every_base_image_is_pinned_by_a_digest_that_an_argument_can_replace() {
    let dockerfile = std::fs::read_to_string(repository("Dockerfile")).unwrap();
    let argument = Regex::new(r"(?m)^ARG (\w+)=\S+:\S+@sha256:[0-9a-f]{64}$").unwrap();
    let pinned: Vec<String> = argument.captures_iter(&dockerfile).map(|found| format!("${{{}}}", &found[1])).collect();
    let stages = Regex::new(r"(?m)^FROM (\S+)").unwrap();
    let bases: Vec<_> = stages.captures_iter(&dockerfile).map(|found| found[1].to_owned()).collect();
    assert_eq!(bases, ["${RUST_IMAGE}", "scratch"]);
    assert_eq!(pinned, ["${RUST_IMAGE}"]);
}

/// Else what CI passes is not what the image is built from.
#[test]
fn the_workflows_run_in_the_image_that_the_dockerfile_builds_in() {
    let digest = Regex::new(r"rust:\S+@sha256:[0-9a-f]{64}").unwrap();
    let in_file = |file: &str| {
        let text = std::fs::read_to_string(repository(file)).unwrap();
        digest.find_iter(&text).map(|found| found.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(in_file("Dockerfile").len(), 1);
    assert_eq!(in_file(".github/workflows/ci.yml"), in_file("Dockerfile"));
}

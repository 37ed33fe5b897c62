//! The fuzz targets on their seeds: what fuzzing found once stays found.

use std::path::Path;

#[path = "../../fuzz/targets.rs"]
#[allow(dead_code, reason = "the parser is whole, the targets need a part of it")]
mod targets;

/// A target's name and the target.
type Target = (&'static str, fn(&[u8]));

const TARGETS: &[Target] = &[
    ("accept", targets::accept),
    ("channels", targets::channels),
    ("client", targets::client),
    ("clients", targets::clients),
    ("exposition", targets::exposition),
    ("pager", targets::pager),
    ("state_file", targets::state_file),
    ("web_config", targets::web_config),
];

fn entries(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(directory)
        .unwrap_or_else(|e| panic!("expected the directory {}, found {e}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}

#[test]
fn every_seed_keeps_the_promises_of_its_target() {
    d360_exporter::install_crypto_provider();
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, target) in TARGETS {
        let of_target = entries(&seeds.join(name));
        assert!(!of_target.is_empty(), "{name} has no seeds");
        for seed in of_target {
            let data = std::fs::read(&seed).unwrap();
            let kept = std::panic::catch_unwind(|| target(&data));
            assert!(kept.is_ok(), "{} breaks a promise of {name}", seed.display());
        }
    }
}

#[test]
fn every_target_is_fuzzed_and_every_fuzzed_target_is_replayed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let stem = |path: std::path::PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    let replayed: Vec<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(entries(&fuzz.join("fuzz_targets")).into_iter().map(stem).collect::<Vec<_>>(), replayed);
    assert_eq!(entries(&fuzz.join("seeds")).into_iter().map(stem).collect::<Vec<_>>(), replayed);
}

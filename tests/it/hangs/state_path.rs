//! `--state.file` names something that is not ours: it is refused, and stays as it
//! is.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::file;
use crate::harness::{Api, Exporter, Program, fleet};

/// Everything about a directory that must not change.
fn listing(directory: &Path) -> Vec<(String, u32, u64, Option<Vec<u8>>)> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries
        .map(|path| {
            let metadata = path.symlink_metadata().unwrap();
            let content = metadata.is_file().then(|| std::fs::read(&path).unwrap());
            (path.display().to_string(), metadata.mode(), metadata.ino(), content)
        })
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn a_state_file_that_is_not_ours_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let key = file(directory.path(), "key", "demo-key");
    let yaml = file(directory.path(), "config.yml", "partners: []\n");
    let ours = file(directory.path(), "ours", "d360_exporter-state 1 0 00000000\n");
    std::fs::create_dir(at("directory")).unwrap();
    symlink(&ours, at("link")).unwrap();
    mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let before = listing(directory.path());
    for path in [at("directory"), "/dev/null".to_owned(), at("link"), key.clone(), yaml, at("pipe")] {
        for command in ["serve", "check"] {
            let (key, state) = (format!("--partner.api-key-file={key}"), format!("--state.file={path}"));
            let args = [command, "--partner.id=examplePA", &key, &state, "--web.listen-address=127.0.0.1:0"];
            let (code, output) = Program::start(&args, &[]).end().await;
            assert_eq!(code, Some(2), "{command} {path}: {output}");
            assert!(output.contains("--state.file: expected a file that d360_exporter wrote"), "{output}");
        }
        assert_eq!(listing(directory.path()), before, "{path}");
    }
}

#[tokio::test]
async fn a_new_state_file_is_for_its_owner_alone_and_follows_no_link_beside_it() {
    let (api, directory) = (Api::start(fleet(2, 2)).await, tempfile::tempdir().unwrap());
    let path = directory.path().join("state");
    let victim = file(directory.path(), "victim", "my thesis");
    symlink(&victim, directory.path().join("state.tmp")).unwrap();
    // What an earlier version of the file allowed does not matter.
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let exporter = Exporter::start(&api, &[&format!("--state.file={}", path.display())]).await;
    exporter.ready().await;
    exporter.stop().await;
    let metadata = std::fs::symlink_metadata(&path).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read(&path).unwrap().starts_with(b"d360_exporter-state "));
    assert_eq!(std::fs::read(&victim).unwrap(), b"my thesis");
}

//! The example of the configuration file is one that the program accepts.

use super::markdown::documents;
use crate::harness::Program;

#[tokio::test]
async fn the_example_of_the_configuration_file_is_valid() {
    let page = documents().into_iter().find(|document| document.path == "docs/configuration-file.md").unwrap();
    let example = &page.blocks.iter().find(|block| block.language == "yaml").unwrap().text;
    let directory = tempfile::tempdir().unwrap();
    let here = format!("{}/", directory.path().display());
    for key in ["north.key", "south.key"] {
        std::fs::write(directory.path().join(key), "a-secret-key").unwrap();
    }
    let file = directory.path().join("config.yml");
    std::fs::write(&file, example.replace("/etc/d360_exporter/", &here)).unwrap();
    let (code, output) = Program::start(&["check", "--config.file", file.to_str().unwrap()], &[]).end().await;
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("partner northPA: ") && output.contains("partner southPA: "), "{output}");
}

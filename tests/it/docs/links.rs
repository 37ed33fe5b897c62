//! Links between files of the repository.

use super::markdown::{documents, root};

#[test]
fn every_relative_link_and_anchor_leads_somewhere() {
    let documents = documents();
    let mut broken = Vec::new();
    let mut seen = 0;
    for document in &documents {
        for link in document.links.iter().filter(|link| !link.contains(':')) {
            seen += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { root().join(&document.path) } else { document.directory().join(path) };
            let Ok(target) = target.canonicalize() else {
                broken.push(format!("{}: {link}: no such file", document.path));
                continue;
            };
            let inside = target.strip_prefix(root().canonicalize().unwrap()).map(|path| path.to_string_lossy());
            let Ok(inside) = inside else {
                broken.push(format!("{}: {link}: outside of the repository", document.path));
                continue;
            };
            let anchors = documents.iter().find(|other| other.path == *inside).map(|other| &other.anchors);
            let there = anchor.is_empty() || anchors.is_some_and(|anchors| anchors.iter().any(|a| a == anchor));
            if !there {
                broken.push(format!("{}: {link}: no heading for it among {anchors:?}", document.path));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
    assert!(seen > 100, "found only {seen} links");
}

#[test]
fn every_document_is_led_to_from_the_readme() {
    let documents = documents();
    let mut reached = vec!["README.md".to_owned()];
    let mut next = 0;
    while let Some(path) = reached.get(next).cloned() {
        next += 1;
        let Some(document) = documents.iter().find(|document| document.path == path) else { continue };
        for link in document.links.iter().filter(|link| !link.contains(':')) {
            let target = document.directory().join(link.split('#').next().unwrap_or_default());
            let Ok(target) = target.canonicalize() else { continue };
            let Ok(inside) = target.strip_prefix(root().canonicalize().unwrap()) else { continue };
            let inside = inside.to_string_lossy().into_owned();
            if !reached.contains(&inside) {
                reached.push(inside);
            }
        }
    }
    let lost: Vec<_> = documents.iter().map(|document| &document.path).filter(|path| !reached.contains(path)).collect();
    assert_eq!(lost, [""; 0]);
}

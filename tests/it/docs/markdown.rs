//! The repository's Markdown files, as far as the tests of documents look at them.

use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};
use regex_lite::Regex;

/// The repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    /// Its path in the repository.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
    /// Where its links and pictures lead.
    pub(super) links: Vec<String>,
    /// Where links can lead in it.
    pub(super) anchors: Vec<String>,
    /// Its fenced blocks.
    pub(super) blocks: Vec<Block>,
}

/// A fenced block.
#[derive(Debug)]
pub(super) struct Block {
    /// What its fence says.
    pub(super) language: String,
    pub(super) text: String,
    /// The comment right before it.
    pub(super) mark: Option<String>,
}

/// Every document of the repository, in order of paths. Directories that hold what
/// tools make are left out.
pub(super) fn documents() -> Vec<Document> {
    let mut found = Vec::new();
    let mut directories = vec![root().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let made = name == "target" || name.starts_with('.');
            if path.is_symlink() {
                // The chart links to directories that are found where they are.
            } else if path.is_dir() && !made {
                directories.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 30, "expected the documents, found {found:?}");
    found.iter().map(|path| Document::read(path)).collect()
}

impl Document {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let mut document = Self { path, text: String::new(), links: vec![], anchors: vec![], blocks: vec![] };
        let addresses = Regex::new("(?:src|srcset|href)=\"([^\"]+)\"").unwrap();
        let mut mark = None;
        let mut heading: Option<String> = None;
        let mut block: Option<Block> = None;
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    document.links.extend(addresses.captures_iter(&html).map(|found| found[1].to_owned()));
                    let comment = html.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"));
                    mark = comment.map(|comment| comment.trim().to_owned());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => document.anchors.extend(heading.take().map(|text| anchor(&text))),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    block = Some(Block { language: language.into_string(), text: String::new(), mark: mark.take() });
                }
                Event::End(TagEnd::CodeBlock) => document.blocks.extend(block.take()),
                Event::Text(text) | Event::Code(text) => add(&mut heading, &mut block, &text),
                Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
                _ => mark = None,
            }
        }
        document.text = text;
        document
    }

    /// The directory that relative links start from.
    pub(super) fn directory(&self) -> PathBuf {
        root().join(&self.path).parent().unwrap().to_owned()
    }

    /// The blocks with commands for a shell.
    pub(super) fn shell_blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| ["sh", "bash", "shell", "console"].contains(&block.language.as_str()))
    }
}

fn add(heading: &mut Option<String>, block: &mut Option<Block>, text: &CowStr<'_>) {
    if let Some(heading) = heading {
        heading.push_str(text);
    }
    if let Some(block) = block {
        block.text.push_str(text);
    }
}

/// A heading as an anchor, as the code hosts of the field make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

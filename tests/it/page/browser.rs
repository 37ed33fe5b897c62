//! The page in Chromium: names that would be markup, both colour schemes, three
//! widths, axe-core's rules of accessibility, and the pictures of the README.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::well;
use crate::harness::{Api, Exporter, fleet, tool};

/// Names that a careless page would obey.
const HOSTILE: &[&str] = &[
    "<script>document.title = 'taken'; console.error('ran')</script>",
    "\"><img src=x onerror=console.error('ran')>",
    "</bdi></a></th></table><iframe src=//other.example>",
    "' onmouseover='console.error(1)' x='",
    "{{ 7 * 7 }} {% include \"x\" %} &lt;b&gt; &amp;amp;",
    "ABSENDERNAMEOHNEJEDESLEERZEICHENDASBREITERALSJEDESFENSTERISTUNDTROTZDEMUMBROCHENWERDENMUSS",
];

/// How long a browser may take for all views of a page.
const PATIENCE: Duration = Duration::from_secs(300);

/// The directory with `node_modules`.
fn tools() -> PathBuf {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("browser");
    assert!(
        tools.join("node_modules/puppeteer-core").is_dir(),
        "expected puppeteer-core and axe-core in {}, found none; `make test-tools` installs them",
        tools.display()
    );
    tools
}

/// What `look.mjs` writes. A browser on a busy machine takes longer than anything
/// else here.
async fn look(url: &str, directory: Option<&Path>) -> String {
    tool("chromium", "chromium");
    let mut node = tool("node", "nodejs");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/look.mjs"))
        .arg(tools())
        .arg(url)
        .args(directory);
    let ended = tokio::time::timeout(PATIENCE, node.kill_on_drop(true).output()).await;
    let output = ended.unwrap_or_else(|_| panic!("expected {node:?} to end within {PATIENCE:?}")).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn judged(exporter: &Exporter, path: &str) -> Value {
    let output = look(&format!("http://{}{path}", exporter.address()), None).await;
    serde_json::from_str(&output).unwrap_or_else(|e| panic!("{e} in {output}"))
}

/// Nothing is wider than the window, axe-core objects to nothing, and the dark
/// scheme is dark.
fn assert_views_are_good(judged: &Value) {
    let view = |scheme: &str, width: u32| {
        let background = if scheme == "light" { "rgb(255, 255, 255)" } else { "rgb(13, 17, 23)" };
        json!({"scheme": scheme, "width": width, "too_wide": [], "background": background, "objections": []})
    };
    let good: Vec<_> =
        ["light", "dark"].iter().flat_map(|scheme| [360, 768, 1400].map(|width| view(scheme, width))).collect();
    assert_eq!(judged["views"], json!(good));
}

#[tokio::test]
async fn hostile_names_are_text_and_neither_console_nor_axe_object() {
    let (api, exporter) = well(&[]).await;
    let ids = api.ids().await;
    let channels: Vec<_> = ids.iter().flat_map(|(_, channels)| channels).collect();
    for (channel, name) in channels.iter().zip(HOSTILE) {
        let fields = json!({"setup_info": {"phone_name": name}, "current_quality_rating": "Low"});
        api.patch_channel(channel, fields).await;
    }
    for ((client, _), name) in ids.iter().zip(HOSTILE) {
        api.patch_client(client, json!({ "name": name })).await;
    }
    exporter.cycles(2).await;
    let page = judged(&exporter, "/").await;
    let text = page["text"].as_str().unwrap();
    for name in HOSTILE {
        assert!(text.contains(name), "expected {name:?} as text, found:\n{text}");
    }
    assert_views_are_good(&page);
    // What was searched for stands on the page, too.
    let query: String = url::form_urlencoded::byte_serialize(HOSTILE[1].as_bytes()).collect();
    let page = judged(&exporter, &format!("/?q={query}")).await;
    let elements: Vec<_> = page["elements"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for element in ["script", "img", "iframe", "b"] {
        assert!(!elements.contains(&element), "found <{element}> among {elements:?}");
    }
    assert_eq!(page["said"], json!([]), "what the console said");
    let own = |path: &str| format!("http://{}{path}", exporter.address());
    assert_eq!(page["requests"], json!([own(&format!("/?q={query}")), own("/style.css")]));
    assert_views_are_good(&page);
    exporter.stop().await;
}

#[tokio::test]
async fn a_page_in_trouble_is_readable_before_and_after_the_first_cycle() {
    let api = Api::start(fleet(40, 3)).await;
    api.faults(json!([{"kind": "server_error", "operation": "clients", "status": 500}])).await;
    let exporter = Exporter::start(&api, &["--poll.interval=2s"]).await;
    exporter.until("a failure", |e| e.sum("d360_api_request_failures_total", &[]) > 0.0).await;
    assert_views_are_good(&judged(&exporter, "/").await);
    api.heal().await;
    exporter.ready().await;
    assert_views_are_good(&judged(&exporter, "/").await);
    exporter.stop().await;
}

/// `make pictures` asks for new ones; without that, the test holds them to what
/// a README can bear.
#[tokio::test]
async fn the_pictures_of_the_readme_are_there_and_small() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::create_dir_all(&directory).unwrap();
        let api = Api::start(fleet(40, 3)).await;
        let exporter = Exporter::start(&api, &[]).await;
        exporter.ready().await;
        look(&format!("http://{}/", exporter.address()), Some(&directory)).await;
        exporter.stop().await;
    }
    for name in ["light", "dark", "narrow"] {
        let picture = std::fs::read(directory.join(format!("status-{name}.png"))).unwrap();
        assert_eq!(&picture[..4], b"\x89PNG", "{name}");
        assert!(picture.len() < 150_000, "{name} has {} bytes", picture.len());
    }
}

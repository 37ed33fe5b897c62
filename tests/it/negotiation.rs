//! Formats and encodings, judged by programs that are not ours: the system's
//! gzip, and the OpenMetrics parser of Prometheus's Python client.

use std::path::Path;
use std::process::Stdio;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::harness::{Api, Exporter, Exposition, fleet, tool};
use crate::web_config::{Directory, TLS, client};

/// Accept headers with the type that responses them.
const FORMATS: &[(&str, &str)] = &[
    ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
    ("text/plain;version=1.0.0", "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"),
    ("application/openmetrics-text;version=0.0.1", "application/openmetrics-text; version=0.0.1; charset=utf-8"),
    (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
    ),
];

/// An exporter with awkward names and every family, which reads nothing any more:
/// two scrapes differ only in what is measured at the scrape.
async fn still() -> Exporter {
    let api = Api::start(fleet(60, 3)).await;
    let flags = ["--poll.interval=1h", "--poll.max-staleness=2h", "--metrics.exclude=process_.*|d360_exporter_http.*"];
    let exporter = Exporter::start(&api, &flags).await;
    exporter.ready().await;
    exporter
}

async fn body(exporter: &Exporter, headers: &[(&str, &str)]) -> Bytes {
    let response = exporter.get("/metrics", headers).await;
    assert_eq!(response.status(), 200, "{headers:?}");
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let body = response.bytes().await.unwrap();
    assert_eq!(body.len(), length, "{headers:?}");
    body
}

/// What a program makes of its standard input.
async fn through(mut command: Command, input: &[u8]) -> (bool, Vec<u8>, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = tokio::spawn(async move { stdin.write_all(&input).await });
    let output = child.wait_with_output().await.unwrap();
    writer.await.unwrap().unwrap();
    (output.status.success(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn samples(body: &[u8]) -> Vec<&str> {
    std::str::from_utf8(body).unwrap().lines().filter(|line| !line.starts_with('#')).collect()
}

#[tokio::test]
async fn all_formats_hold_the_same_sample_lines() {
    let exporter = still().await;
    let mut bodies = Vec::new();
    for (accept, content_type) in FORMATS {
        let response = exporter.get("/metrics", &[("accept", accept)]).await;
        assert_eq!(response.headers()["content-type"], *content_type);
        let vary = response.headers()["vary"].to_str().unwrap().to_lowercase();
        assert!(vary.contains("accept") && vary.contains("accept-encoding"), "{vary}");
        bodies.push(response.bytes().await.unwrap());
    }
    let first = samples(&bodies[0]);
    assert!(first.len() > 60 * 3 * 15, "{}", first.len());
    for body in &bodies[1..] {
        assert_eq!(samples(body), first);
    }
    assert_eq!(bodies[0], bodies[1], "the text formats are one text");
    assert_eq!(bodies[2], bodies[3], "and so are those of OpenMetrics");
    assert!(bodies[2].ends_with(b"\n# EOF\n") && !bodies[0].windows(5).any(|w| w == b"# EOF"));
    exporter.stop().await;
}

/// Reads a body strictly and prints what it holds, a sample a line.
const PARSE_OPENMETRICS: &str = r#"
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
text = sys.stdin.buffer.read().decode("utf-8")
for family in text_string_to_metric_families(text):
    for sample in family.samples:
        labels = "|".join(f"{name}={value!r}" for name, value in sample.labels.items())
        print(family.type, sample.name, labels, float(sample.value))
"#;

/// The packages that `make test` installs into the build directory.
fn python() -> Command {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let packages = target.join("python");
    assert!(
        packages.join("prometheus_client").exists(),
        "expected the Python package prometheus-client in {}, found none; run `make test-tools`",
        packages.display()
    );
    let mut command = tool("python3", "python3");
    command.env("PYTHONPATH", packages).env("PYTHONIOENCODING", "utf-8");
    command
}

#[tokio::test]
async fn the_openmetrics_parser_of_the_python_client_reads_every_sample() {
    let exporter = still().await;
    for (accept, _) in &FORMATS[2..] {
        let body = body(&exporter, &[("accept", accept)]).await;
        let mut command = python();
        command.args(["-c", PARSE_OPENMETRICS]);
        let (good, read, errors) = through(command, &body).await;
        assert!(good, "{errors}");
        let read = String::from_utf8(read).unwrap();
        assert_eq!(read.lines().count(), samples(&body).len());
        let counters = read.lines().filter(|line| line.starts_with("counter ")).count();
        let totals =
            samples(&body).iter().filter(|line| line.split(['{', ' ']).next().unwrap().ends_with("_total")).count();
        assert_eq!(counters, totals, "every total is of a counter");
        assert!(!read.contains("unknown "), "every family has its type");
    }
    exporter.stop().await;
}

#[tokio::test]
async fn a_gzip_response_inflates_to_the_identical_bytes() {
    let exporter = still().await;
    for (accept, _) in FORMATS {
        let plain = body(&exporter, &[("accept", accept)]).await;
        for encoding in ["gzip", "deflate, gzip;q=0.5, br", "*"] {
            let headers = [("accept", *accept), ("accept-encoding", encoding)];
            let response = exporter.get("/metrics", &headers).await;
            assert_eq!(response.headers()["content-encoding"], "gzip");
            let packed = body(&exporter, &headers).await;
            assert!(packed.len() * 4 < plain.len(), "{} of {}", packed.len(), plain.len());
            let mut command = tool("gzip", "gzip");
            command.arg("-dc");
            let (good, inflated, errors) = through(command, &packed).await;
            assert!(good && errors.is_empty(), "{errors}");
            assert!(inflated == plain, "{accept} {encoding}");
        }
        for encoding in ["identity", "gzip;q=0", "br", ""] {
            let response = exporter.get("/metrics", &[("accept", *accept), ("accept-encoding", encoding)]).await;
            assert_eq!(response.headers().get("content-encoding"), None, "{encoding:?}");
            assert!(response.bytes().await.unwrap() == plain);
        }
    }
    exporter.stop().await;
}

#[tokio::test]
async fn names_in_the_query_select_families_in_every_format() {
    let exporter = still().await;
    let whole = exporter.scrape().await;
    let names = ["d360_channel_quality_rating", "d360_api_requests_total"];
    let query = format!("/metrics?name%5B%5D={}&name[]={}&name[]=nobody_knows&other=1", names[0], names[1]);
    let mut expected = whole.clone();
    expected.families.retain(|name, _| names.contains(&name.as_str()));
    expected.order.retain(|name| names.contains(&name.as_str()));
    assert_eq!(expected.order.len(), 2);
    assert_eq!(Exposition::parse(&exporter.text(&query).await), expected);
    let plain = exporter.text(&query).await;
    let packed = exporter.get(&query, &[("accept-encoding", "gzip")]).await.bytes().await.unwrap();
    let mut command = tool("gzip", "gzip");
    command.arg("-dc");
    assert_eq!(String::from_utf8(through(command, &packed).await.1).unwrap(), plain);
    assert_eq!(exporter.text("/metrics?name[]=nobody_knows").await, "");
    let openmetrics = exporter.get("/metrics?name[]=nobody_knows", &[("accept", FORMATS[2].0)]).await;
    assert_eq!(openmetrics.text().await.unwrap(), "# EOF\n");
    exporter.stop().await;
}

#[tokio::test]
async fn excluded_families_are_not_there_and_the_others_are() {
    let api = Api::start(fleet(3, 2)).await;
    let all = Exporter::start(&api, &[]).await;
    let some = Exporter::start(&api, &["--metrics.exclude=d360_channel_quality_.*|d360_client|process_.*"]).await;
    all.ready().await;
    some.ready().await;
    let mut expected = all.scrape().await.order;
    expected.retain(|name| !name.starts_with("d360_channel_quality_") && !name.starts_with("process_"));
    assert!(expected.iter().any(|name| name.starts_with("d360_client")), "anchored at both ends");
    assert_eq!(some.scrape().await.order, expected);
    let asked = some.text("/metrics?name[]=d360_channel_quality_score").await;
    assert_eq!(asked, "", "not even by name");
    all.stop().await;
    some.stop().await;
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let exporter = still().await;
    for headers in [vec![], vec![("accept-encoding", "gzip")], vec![("accept", FORMATS[3].0)]] {
        let get = exporter.get("/metrics", &headers).await;
        let head = exporter.request("HEAD", "/metrics", &headers).await;
        assert_eq!(head.status(), 200);
        for name in ["content-type", "content-length", "content-encoding", "vary"] {
            assert_eq!(head.headers().get(name), get.headers().get(name), "{name} {headers:?}");
        }
        assert_eq!(head.bytes().await.unwrap().len(), 0);
    }
    assert_eq!(exporter.request("POST", "/metrics", &[]).await.status(), 405);
    exporter.stop().await;
}

#[tokio::test]
async fn hostile_headers_get_the_format_that_everybody_reads() {
    let exporter = still().await;
    let long = "text/html,".repeat(500);
    let nested = "application/openmetrics-text;".repeat(300);
    for accept in [
        "",
        ",,,;;;===",
        "text/plain;version=9.9.9",
        "application/openmetrics-text;version=1.0.0;q=0",
        "application/openmetrics-text;q=NaN",
        "application/openmetrics-text;q=1e999",
        "application/openmetrics-text;q=-1",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily",
        "\u{fc}\u{df}",
        &long,
    ] {
        let response = exporter.get("/metrics", &[("accept", accept)]).await;
        assert_eq!(response.status(), 200, "{accept:?}");
        assert_eq!(response.headers()["content-type"], FORMATS[0].1, "{accept:?}");
        Exposition::parse(&response.text().await.unwrap());
    }
    for encoding in ["gzip;q=banana", ";;;", "gzip;q=2"] {
        let response = exporter.get("/metrics", &[("accept-encoding", encoding)]).await;
        assert_eq!(
            (response.status().as_u16(), response.headers().get("content-encoding")),
            (200, None),
            "{encoding:?}"
        );
    }
    assert_eq!(exporter.get("/metrics", &[("accept", &nested)]).await.status(), 200);
    exporter.stop().await;
}

#[tokio::test]
async fn headers_of_any_length_harm_nobody() {
    let exporter = still().await;
    // The headers of a request may have 32 KiB in all.
    let commas = ",".repeat(12 * 1024);
    let response = exporter.get("/metrics", &[("accept", &commas), ("accept-encoding", &commas)]).await;
    assert_eq!((response.status().as_u16(), response.headers().get("content-encoding")), (200, None));
    assert_eq!(response.headers()["content-type"], FORMATS[0].1);
    Exposition::parse(&response.text().await.unwrap());

    // More than the server is willing to read: it says so, or hangs up in the
    // middle of it.
    let mut stream = TcpStream::connect(exporter.address()).await.unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: {}\r\n\r\n", ",".repeat(4 * 1024 * 1024));
    let _ = stream.write_all(request.as_bytes()).await;
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response).await;
    let response = String::from_utf8(response).unwrap();
    assert!(response.is_empty() || response.starts_with("HTTP/1.1 431 "), "{response}");
    assert_eq!(exporter.get("/metrics", &[]).await.status(), 200);
    exporter.stop().await;
}

#[tokio::test]
async fn headers_that_are_too_long_for_http_2_end_their_own_connection_at_most() {
    let directory = Directory::new();
    let exporter = directory.serve(TLS).await;
    let client = client(directory.authority.pem(), None);
    let ask = async |commas: usize| {
        let request = client.get(format!("https://{}/metrics", exporter.address()));
        let response = request.header("accept", ",".repeat(commas)).send().await.ok()?;
        assert_eq!(response.version(), reqwest::Version::HTTP_2);
        Some(response.status().as_u16())
    };
    assert_eq!([ask(8 * 1024).await, ask(24 * 1024).await], [Some(200), Some(200)]);
    let too_long = ask(64 * 1024).await;
    assert!(matches!(too_long, None | Some(431)), "{too_long:?}");
    assert_eq!(ask(0).await, Some(200));
    exporter.stop().await;
}

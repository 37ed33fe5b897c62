//! A real Prometheus scrapes with everything on.

use serde_json::Value;

use super::{Directory, HASH, TLS};
use crate::harness::{Api, Program, fleet, http_client, listening_on, tool, wait_until};

#[tokio::test]
async fn prometheus_scrapes_over_mutual_tls_with_a_password() {
    let directory = Directory::new();
    let api = Api::start(fleet(2, 3)).await;
    let web_config = format!(
        "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n  client_allowed_sans: [scraper.example]\n\
         basic_auth_users:\n  alice: {HASH}\nrate_limit:\n  interval: 10ms\n  burst: 100\n"
    );
    let exporter = directory.serve_with(&api, &web_config, &[]).await;
    let pair = directory.authority.issue(&["scraper.example"]);
    directory.write("scraper.crt", &pair.certificate);
    directory.write("scraper.key", &pair.key);

    let config = format!(
        "global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: d360\n  scheme: https\n  \
         basic_auth: {{username: alice, password: Secret1}}\n  \
         tls_config: {{ca_file: ca.crt, cert_file: scraper.crt, key_file: scraper.key}}\n  \
         static_configs: [{{targets: ['{}']}}]\n",
        exporter.address()
    );
    let mut command = tool("prometheus", "prometheus");
    command
        .arg(format!("--config.file={}", directory.write("prometheus.yml", &config).display()))
        .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
        .arg("--web.listen-address=127.0.0.1:0");
    let prometheus = Program::spawn(command);
    let address = listening_on(&prometheus).await;

    let client = http_client();
    let query = async |query: &str| -> Option<Value> {
        let url = format!("http://{address}/api/v1/query?query={query}");
        let response: Value = serde_json::from_str(&client.get(url).send().await.ok()?.text().await.ok()?).ok()?;
        Some(response["data"]["result"].clone())
    };
    let channels = wait_until("all channels in Prometheus", async || {
        query("count(d360_channel_info)").await.filter(|found| found[0]["value"][1] == "6")
    })
    .await;
    assert_eq!(channels.as_array().map(Vec::len), Some(1));
    let up = query("up").await.unwrap();
    assert_eq!(up[0]["value"][1], "1", "{up}");
    let refused = query("d360_exporter_http_requests_total{code!=\"200\"}>0").await.unwrap();
    assert_eq!(refused, serde_json::json!([]), "every request was let in");
    prometheus.stop().await;
    exporter.stop().await;
}

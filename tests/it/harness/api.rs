//! The simulator over real HTTP, in the process of the test.

use d360_exporter::simulator::{API_PREFIX, Options, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::http_client;

/// A simulated Partner API on a free port. It ends with the test's runtime.
#[derive(Debug)]
pub struct Api {
    address: String,
    client: reqwest::Client,
}

/// A small, still fleet with every awkward name that fits into it.
pub fn fleet(clients: usize, channels_per_client: usize) -> Options {
    Options { clients, channels_per_client, seed: 7, ..Options::default() }
}

impl Api {
    /// Starts a simulator.
    pub async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(Simulator::new(options).serve(listener, std::future::pending::<()>()));
        Self { address, client: http_client() }
    }

    /// One that runs elsewhere.
    pub fn at(address: &str) -> Self {
        Self { address: address.to_owned(), client: http_client() }
    }

    /// The base URL for the exporter.
    pub fn base_url(&self) -> String {
        format!("http://{}{API_PREFIX}", self.address)
    }

    /// The address, host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("http://{}/_simulator/{path}", self.address);
        let request = self.client.request(method.parse().unwrap(), url);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    /// Puts these faults in the place of those in force.
    pub async fn faults(&self, faults: Value) {
        self.control("PUT", "faults", &json!({ "faults": faults })).await;
    }

    /// Ends all faults.
    pub async fn heal(&self) {
        self.faults(json!([])).await;
    }

    /// Every client with its channels.
    pub async fn truth(&self) -> Value {
        self.control("GET", "truth", &Value::Null).await
    }

    /// Responses so far of an operation, whatever their status.
    pub async fn responses(&self, operation: &str) -> u64 {
        let all = self.control("GET", "requests", &Value::Null).await;
        all[operation].as_object().map_or(0, |by_status| by_status.values().filter_map(Value::as_u64).sum())
    }

    /// Changes fields of a channel.
    pub async fn patch_channel(&self, id: &str, fields: Value) {
        self.control("PATCH", &format!("channels/{id}"), &fields).await;
    }

    /// Makes a channel.
    pub async fn put_channel(&self, id: &str, fields: Value) {
        self.control("PUT", &format!("channels/{id}"), &fields).await;
    }

    /// Changes fields of a client.
    pub async fn patch_client(&self, id: &str, fields: Value) {
        self.control("PATCH", &format!("clients/{id}"), &fields).await;
    }

    /// Changes fields of a WhatsApp Business account, which all channels of its client share.
    pub async fn patch_waba_account(&self, id: &str, fields: Value) {
        self.control("PATCH", &format!("waba_accounts/{id}"), &fields).await;
    }

    /// Sets the body of the partner's balance.
    pub async fn put_partner_balance(&self, body: Value) {
        self.control("PUT", "balance", &body).await;
    }

    /// Sets the body of a client's balance.
    pub async fn put_client_balance(&self, client: &str, body: Value) {
        self.control("PUT", &format!("clients/{client}/balance"), &body).await;
    }

    /// From here on requests above this rate get 429, with `Retry-After` or without.
    pub async fn limit(&self, requests: u32, window_seconds: u32, retry_after: bool) {
        let limit = json!({"requests": requests, "window_seconds": window_seconds, "retry_after": retry_after});
        self.control("PUT", "rate_limit", &limit).await;
    }

    /// From here on no rate limit applies.
    pub async fn unlimited(&self) {
        self.control("DELETE", "rate_limit", &Value::Null).await;
    }

    /// Takes a channel away.
    pub async fn delete_channel(&self, id: &str) {
        self.control("DELETE", &format!("channels/{id}"), &Value::Null).await;
    }

    /// Takes a client away, with its channels.
    pub async fn delete_client(&self, id: &str) {
        self.control("DELETE", &format!("clients/{id}"), &Value::Null).await;
    }

    /// Ids of the clients, each with those of its channels.
    pub async fn ids(&self) -> Vec<(String, Vec<String>)> {
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let truth = self.truth().await;
        let clients = truth["clients"].as_array().unwrap();
        clients
            .iter()
            .map(|client| (id(client), client["channels"].as_array().unwrap().iter().map(id).collect()))
            .collect()
    }
}

//! Prepaid balances, read only if asked for.

use serde_json::json;

use crate::harness::{Api, Exporter, Exposition, fleet};

const PARTNER: &str = "d360_partner_balance";
const CLIENT: &str = "d360_client_balance";
const READ: &str = "d360_partner_balance_last_refresh_timestamp_seconds";

fn of_partner(shown: &Exposition) -> Vec<(String, f64)> {
    let series = shown.matching(PARTNER, &[]);
    series.into_iter().map(|((_, labels), value)| (labels[1].1.clone(), value)).collect()
}

#[tokio::test]
async fn balances_are_not_read_unless_asked_for() {
    let api = Api::start(fleet(2, 1)).await;
    let exporter = Exporter::start(&api, &[]).await;
    exporter.ready().await;
    let shown = exporter.cycles(2).await;
    assert_eq!([PARTNER, CLIENT, READ].map(|family| shown.matching(family, &[]).len()), [0, 0, 0]);
    assert_eq!([api.responses("partner_balance").await, api.responses("client_balance").await], [0, 0]);
    exporter.stop().await;
}

#[tokio::test]
async fn the_partners_balances_in_seven_currencies_are_read_once_an_hour() {
    let api = Api::start(fleet(2, 1)).await;
    let currencies = ["aud", "brl", "chf", "eur", "gbp", "inr", "usd"];
    let amounts = [json!(0), json!(-2.5), json!("12.25"), json!(1e15), json!(1), json!(2), json!(3)];
    let sent: Vec<_> = currencies
        .iter()
        .zip(&amounts)
        .map(|(currency, total)| json!({"currency": currency, "total": total}))
        .collect();
    api.put_partner_balance(json!(sent)).await;
    let exporter = Exporter::start(&api, &["--collect.balance=partner"]).await;
    exporter.until("balances", |e| e.matching(PARTNER, &[]).len() == 7).await;
    let shown = exporter.cycles(3).await;
    let values = [0.0, -2.5, 12.25, 1e15, 1.0, 2.0, 3.0];
    let expected: Vec<_> = currencies.iter().zip(values).map(|(c, value)| ((*c).to_owned(), value)).collect();
    assert_eq!(of_partner(&shown), expected);
    assert_eq!(shown.matching(READ, &[]).len(), 1);
    assert_eq!([api.responses("partner_balance").await, api.responses("client_balance").await], [1, 0]);
    exporter.stop().await;
}

#[tokio::test]
async fn a_clients_balance_is_shown_beside_the_partners() {
    let api = Api::start(fleet(1, 2)).await;
    let (client, _) = api.ids().await.remove(0);
    api.put_client_balance(&client, json!({"balance": "-1.5", "currency": "EUR"})).await;
    let exporter = Exporter::start(&api, &["--collect.balance=clients"]).await;
    let labels = [("client_id", client.as_str()), ("currency", "eur")];
    let shown = exporter
        .until("both balances", |e| e.value(CLIENT, &labels) == Some(-1.5) && !e.matching(PARTNER, &[]).is_empty());
    shown.await;
    assert_eq!(api.responses("client_balance").await, 1);
    exporter.stop().await;
}

#[tokio::test]
async fn a_balance_without_an_amount_or_that_is_no_number_is_absent() {
    for (body, failures) in [(json!({"currency": "eur"}), 0.0), (json!({"balance": "NaN", "currency": "eur"}), 1.0)] {
        let api = Api::start(fleet(1, 1)).await;
        let (client, _) = api.ids().await.remove(0);
        api.put_client_balance(&client, body).await;
        let exporter = Exporter::start(&api, &["--collect.balance=clients"]).await;
        let endpoint = [("endpoint", "client_balance")];
        let shown = exporter.until("the read", |e| e.sum("d360_api_requests_total", &endpoint) == 1.0).await;
        assert_eq!(shown.matching(CLIENT, &[]).len(), 0);
        let shown = exporter.cycles(1).await;
        assert_eq!(shown.matching(CLIENT, &[]).len(), 0);
        assert_eq!(shown.sum("d360_api_request_failures_total", &endpoint), failures);
        exporter.stop().await;
    }
}

#[tokio::test]
async fn a_key_that_may_not_read_balances_costs_one_request_and_one_line_per_collector_and_no_channel() {
    for kind in ["forbidden", "not_found", "unauthorized"] {
        let api = Api::start(fleet(3, 1)).await;
        api.faults(json!([
            {"kind": kind, "operation": "partner_balance"},
            {"kind": kind, "operation": "client_balance"},
        ]))
        .await;
        let exporter = Exporter::start(&api, &["--collect.balance=clients"]).await;
        let endpoint = [("endpoint", "client_balance")];
        exporter.until("a refusal", |e| e.sum("d360_api_request_failures_total", &endpoint) == 1.0).await;
        let shown = exporter.cycles(3).await;
        assert_eq!(shown.value("d360_partner_up", &[]), Some(1.0), "{kind}");
        assert_eq!(shown.matching("d360_channel_info", &[]).len(), 3, "{kind}");
        assert_eq!([api.responses("partner_balance").await, api.responses("client_balance").await], [1, 1], "{kind}");
        let output = exporter.stop().await;
        let lines = output.lines().filter(|line| line.contains("may not read balances"));
        assert_eq!(lines.count(), 2, "{kind}:\n{output}");
    }
}

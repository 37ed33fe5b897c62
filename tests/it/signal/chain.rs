//! From a change of the fleet to a notification: which ones arrive, with which labels, and that no other does.

use reqwest::Method;
use serde_json::json;

use super::stack::{Client, Stack};

/// A notification about a channel of a client.
fn about_channel(state: &str, alert: &str, client: &Client, channel: &str) -> String {
    format!("{state} {alert} channel_id={channel} client_id={} partner_id=examplePA severity=critical", client.id)
}

/// A notification about the partner.
fn about_partner(state: &str, alert: &str) -> String {
    format!("{state} {alert} partner_id=examplePA severity=critical")
}

#[tokio::test]
async fn each_incident_wakes_somebody_once_with_exact_labels_and_nothing_else_does() {
    let mut stack = Stack::start(6, 4).await;
    let clients = stack.clients.clone();
    let [rated, failing, leaving, losing, ..] = clients.as_slice() else { panic!("{clients:?}") };
    let [low, failed, lost] = [rated, failing, losing].map(|client| client.channels[0].as_str());

    // A rating drops by two grades. That it dropped is inhibited: that it is low says enough.
    stack.patch_channel(low, &json!({"current_quality_rating": "Low"})).await;
    stack.notified(vec![about_channel("firing", "D360ChannelQualityLow", rated, low)]).await;

    // A channel fails.
    stack.patch_channel(failed, &json!({"availability_status": "error", "status": "error"})).await;
    stack.notified(vec![about_channel("firing", "D360ChannelError", failing, failed)]).await;

    // A restart is no event: what fires goes on firing, and nobody is told twice. The wait is longer than any `for` that
    // a gap could set off.
    let earlier = stack.scalar("process_start_time_seconds").await;
    stack.stop_exporter().await;
    stack.start_exporter();
    stack.until_it_holds(&format!("process_start_time_seconds > {earlier} < time() - 12")).await;
    stack.silent();

    // The API is cut, and comes back. Neither clients nor age speak beside the partner.
    stack.control(Method::PUT, "faults", Some(&json!({"faults": [{"kind": "server_error", "status": 503}]}))).await;
    stack.notified(vec![about_partner("firing", "D360PartnerUnreachable")]).await;
    stack.control(Method::PUT, "faults", Some(&json!({"faults": []}))).await;
    stack.notified(vec![about_partner("resolved", "D360PartnerUnreachable")]).await;

    // A client is removed, with its channels: that is one event. Another client loses a channel.
    stack.control(Method::DELETE, &format!("clients/{}", leaving.id), None).await;
    stack.control(Method::DELETE, &format!("channels/{lost}"), None).await;
    stack
        .notified(vec![
            format!("firing D360ClientDisappeared client_id={} partner_id=examplePA severity=warning", leaving.id),
            about_channel("firing", "D360ChannelDisappeared", losing, lost),
        ])
        .await;

    // Meta flags half of the fleet, and rates it low: one incident upstream, one notification.
    let remaining = clients.iter().filter(|client| client.id != leaving.id).flat_map(|client| &client.channels[1..]);
    let flagged: Vec<_> = remaining.take(10).cloned().collect();
    for channel in &flagged {
        let fields = json!({"current_quality_rating": "Low", "current_quality_update_event": "flagged"});
        stack.patch_channel(channel, &fields).await;
    }
    stack.notified(vec![about_partner("firing", "D360FleetQualityDrop")]).await;
    let low = flagged.len() + 1;
    stack
        .until_it_holds(&format!(r#"count(ALERTS{{alertname="D360ChannelQualityLow", alertstate="firing"}}) == {low}"#))
        .await;

    // The exporter stays away. Its alerts speak for all that nobody watches now.
    stack.stop_exporter().await;
    let instance = stack.instance();
    stack.notified(vec![format!("firing D360ExporterDown instance={instance} job=whatsapp severity=critical")]).await;
    stack.until_it_holds(r#"ALERTS{alertname="D360ExporterAbsent", alertstate="firing"}"#).await;

    // What fired and was inhibited is as exact as what was notified.
    let mut expected = vec![
        "D360ExporterDown".to_owned(),
        "D360ExporterAbsent".to_owned(),
        "D360PartnerUnreachable".to_owned(),
        "D360FleetQualityDrop".to_owned(),
        format!("D360ClientDisappeared {}", leaving.id),
        format!("D360ChannelDisappeared {} {lost}", losing.id),
        format!("D360ChannelError {} {failed}", failing.id),
    ];
    for client in &clients {
        for channel in &client.channels {
            let is_flagged = flagged.contains(channel);
            if is_flagged || (client.id == rated.id && channel == &rated.channels[0]) {
                expected.push(format!("D360ChannelQualityLow {} {channel}", client.id));
                expected.push(format!("D360ChannelQualityDropped {} {channel}", client.id));
            }
            if is_flagged {
                expected.push(format!("D360ChannelFlagged {} {channel}", client.id));
            }
        }
    }
    expected.sort();
    assert_eq!(stack.fired().await, expected);
    stack.silent();
}

//! From a change of the fleet to a notification: which ones arrive, with which labels, and that no other does.

use reqwest::Method;
use serde_json::json;

use super::stack::{Client, Stack};

/// A notification about a channel of a client.
fn about_channel(state: &str, alert: &str, client: &Client, channel: &str) -> String {
    format!("{state} {alert} channel_id={channel} client_id={} partner_id=examplePA severity=critical", client.id)
}

/// A notification about a client.
fn about_client(state: &str, alert: &str, client: &Client) -> String {
    format!("{state} {alert} client_id={} partner_id=examplePA severity=critical", client.id)
}

/// A notification about the partner.
fn about_partner(state: &str, alert: &str) -> String {
    format!("{state} {alert} partner_id=examplePA severity=critical")
}

/// A notification about the exporter.
fn about_exporter(state: &str, stack: &Stack) -> String {
    let instance = stack.instance();
    format!("{state} D360ExporterDown instance={instance} job=whatsapp partner_id=examplePA severity=critical")
}

/// Sets the faults of the simulator.
async fn faults(stack: &Stack, faults: serde_json::Value) {
    stack.control(Method::PUT, "faults", Some(&json!({"faults": faults}))).await;
}

#[tokio::test]
async fn an_alert_holds_through_outages_and_a_restart_and_resolves_once_when_the_channel_is_repaired() {
    let mut stack = Stack::start(6, 4).await;
    let clients = stack.clients.clone();
    let [rated, failing, ..] = clients.as_slice() else { panic!("{clients:?}") };
    let [low, failed] = [rated, failing].map(|client| client.channels[0].as_str());
    stack.beats().await;

    // A rating drops by two grades. That it dropped is inhibited: that it is low says enough.
    stack.patch_channel(low, &json!({"current_quality_rating": "Low"})).await;
    stack.notified(vec![about_channel("firing", "D360ChannelQualityLow", rated, low)]).await;

    // A channel fails.
    stack.patch_channel(failed, &json!({"availability_status": "error", "status": "error"})).await;
    stack.notified(vec![about_channel("firing", "D360ChannelError", failing, failed)]).await;

    // A cold restart is no event: what fires goes on firing, and nobody is notified twice. The wait is longer than any `for`
    // that a gap could set off.
    let earlier = stack.scalar("process_start_time_seconds").await;
    stack.stop_exporter().await;
    stack.start_exporter();
    stack.until_it_holds(&format!("process_start_time_seconds > {earlier} < time() - 12")).await;
    stack.silent();

    // The API is cut, and comes back. Neither clients nor age speak beside the partner, and the channels stay as they were.
    faults(&stack, json!([{"kind": "server_error", "status": 503}])).await;
    stack.notified(vec![about_partner("firing", "D360PartnerUnreachable")]).await;
    faults(&stack, json!([])).await;
    stack.notified(vec![about_partner("resolved", "D360PartnerUnreachable")]).await;

    // The exporter stays away, and meanwhile one channel is repaired. Nobody hears anything about the channels until it
    // is back and has read them: then one is resolved, and the other goes on.
    stack.stop_exporter().await;
    stack.notified(vec![about_exporter("firing", &stack)]).await;
    stack.patch_channel(failed, &json!({"availability_status": "ready", "status": "ready"})).await;
    stack.until_it_holds(r#"ALERTS{alertname="D360ChannelError", alertstate="firing"}"#).await;
    stack.silent();
    stack.start_exporter();
    stack
        .notified(vec![
            about_exporter("resolved", &stack),
            about_channel("resolved", "D360ChannelError", failing, failed),
        ])
        .await;
    stack.until_it_holds(r#"ALERTS{alertname="D360ChannelQualityLow", alertstate="firing"}"#).await;
    stack.beats().await;

    // What fired and was inhibited is as exact as what was notified.
    let mut expected = vec![
        "D360ExporterDown".to_owned(),
        "D360PartnerUnreachable".to_owned(),
        format!("D360ChannelError {} {failed}", failing.id),
        format!("D360ChannelQualityLow {} {low}", rated.id),
        format!("D360ChannelQualityDropped {} {low}", rated.id),
    ];
    expected.sort();
    // On a slow machine the outage lasts long enough for what it inhibits.
    let mut fired = stack.fired().await;
    fired.retain(|alert| !["D360DataTooOld", "D360FleetUnreadable"].contains(&alert.as_str()));
    assert_eq!(fired, expected);
    stack.silent();
}

#[tokio::test]
async fn losses_and_an_incident_of_the_fleet_are_each_notified_once() {
    let mut stack = Stack::start(6, 4).await;
    let clients = stack.clients.clone();
    let [leaving, losing, ..] = clients.as_slice() else { panic!("{clients:?}") };
    let lost = losing.channels[0].as_str();

    // A client is removed, with its channels: that is one event. Another client loses a channel.
    stack.control(Method::DELETE, &format!("clients/{}", leaving.id), None).await;
    stack.control(Method::DELETE, &format!("channels/{lost}"), None).await;
    stack
        .notified(vec![
            about_client("firing", "D360ClientDisappeared", leaving),
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
    let low = flagged.len();
    for alert in ["D360ChannelQualityLow", "D360ChannelQualityDropped", "D360ChannelFlagged"] {
        let all_fire = format!(r#"count(ALERTS{{alertname="{alert}", alertstate="firing"}}) == {low}"#);
        stack.until_it_holds(&all_fire).await;
    }

    let mut expected = vec![
        "D360FleetQualityDrop".to_owned(),
        format!("D360ClientDisappeared {}", leaving.id),
        format!("D360ChannelDisappeared {} {lost}", losing.id),
    ];
    for client in &clients {
        for channel in client.channels.iter().filter(|channel| flagged.contains(channel)) {
            for alert in ["D360ChannelQualityLow", "D360ChannelQualityDropped", "D360ChannelFlagged"] {
                expected.push(format!("{alert} {} {channel}", client.id));
            }
        }
    }
    expected.sort();
    assert_eq!(stack.fired().await, expected);
    stack.silent();
}

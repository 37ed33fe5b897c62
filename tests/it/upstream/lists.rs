//! Lists that shrink, repeat, overlap, never end or lie about their length.

use d360_exporter::simulator::{ChannelsEnvelope, Options};
use serde_json::{Value, json};

use super::{Rig, failures};
use crate::harness::{Api, Exporter, Exposition, expected, fleet, metrics_of};

#[tokio::test]
async fn a_client_that_a_complete_list_lacks_leaves() {
    let rig = Rig::start(4, &[]).await;
    rig.api.delete_client(rig.client(1)).await;
    let truth = rig.truth().await;
    rig.exporter.until("the client to leave", |e| metrics_of(e) == truth).await;
    rig.exporter.stop().await;
}

#[tokio::test]
async fn a_channel_missing_from_a_complete_response_leaves() {
    for strategy in ["--poll.strategy=per-client", "--poll.strategy=bulk"] {
        let rig = Rig::start(4, &[strategy]).await;
        rig.api.delete_channel(rig.channel(2)).await;
        let truth = rig.truth().await;
        rig.exporter.until("the channel to leave", |e| metrics_of(e) == truth).await;
        rig.exporter.stop().await;
    }
}

#[tokio::test]
async fn a_list_that_loses_more_than_five_clients_takes_them_away_when_a_later_cycle_confirms_it() {
    let rig = Rig::start(14, &["--poll.interval=4s"]).await;
    let truth = rig.truth().await;
    rig.exporter.cycles(1).await;
    rig.api.faults(json!([{"kind": "short_list", "keep": 2, "operation": "clients"}])).await;
    let began = tokio::time::Instant::now();
    rig.exporter.program.line_with("waiting for another read to confirm it").await;
    let shown = rig.exporter.cycles(2).await;
    assert_eq!(metrics_of(&shown), truth, "a loss that is not confirmed takes nobody away");

    let two = |e: &Exposition| e.matching("d360_client_info", &[]).len() == 2;
    let shown = rig.exporter.until("the list to be believed", two).await;
    assert!(began.elapsed() >= std::time::Duration::from_secs(30), "{:?}", began.elapsed());
    let left: Vec<_> = truth.into_iter().filter(|(s, _)| (0..2).any(|n| s.1[1].1 == rig.client(n))).collect();
    assert_eq!(metrics_of(&shown).into_iter().collect::<Vec<_>>(), left);
    rig.exporter.stop().await;
}

/// Starts with pages of four items and a fault from the first request on; ends
/// when all of the truth is shown.
async fn shows_all_in_spite_of(fault: Value) {
    for (operation, strategy) in [("clients", "per-client"), ("partner_channels", "bulk")] {
        let api = Api::start(fleet(9, 2)).await;
        let mut fault = fault.clone();
        fault["operation"] = json!(operation);
        api.faults(json!([fault])).await;
        let strategy = format!("--poll.strategy={strategy}");
        let exporter = Exporter::start(&api, &["--api.page-size=4", &strategy]).await;
        let truth = expected(&api.truth().await);
        let shown = exporter.until(&format!("everything in spite of {fault}"), |e| metrics_of(e) == truth).await;
        assert_eq!(shown.value("d360_partner_up", &[]), Some(1.0));
        exporter.stop().await;
    }
}

#[tokio::test]
async fn a_list_with_clamped_pages_is_read_to_its_end() {
    shows_all_in_spite_of(json!({"kind": "clamped_pages", "limit": 3})).await;
}

#[tokio::test]
async fn a_total_that_is_too_small_shortens_nothing() {
    shows_all_in_spite_of(json!({"kind": "wrong_total", "total": 2})).await;
}

#[tokio::test]
async fn a_total_that_is_too_large_or_no_number_shortens_nothing() {
    shows_all_in_spite_of(json!({"kind": "wrong_total", "total": 9000})).await;
    shows_all_in_spite_of(json!({"kind": "wrong_total", "total": "many"})).await;
}

#[tokio::test]
async fn a_wrong_count_shortens_nothing() {
    shows_all_in_spite_of(json!({"kind": "wrong_count"})).await;
}

/// After a good start the pages of a list go wrong: whatever comes of it, no
/// series leaves, and an incomplete list is a failure.
async fn loses_nothing_to(fault: Value) {
    for (operation, strategy) in [("clients", "per-client"), ("partner_channels", "bulk")] {
        let strategy = format!("--poll.strategy={strategy}");
        let rig = Rig::start(14, &["--api.page-size=4", &strategy]).await;
        let truth = rig.truth().await;
        let mut fault = fault.clone();
        fault["operation"] = json!(operation);
        rig.api.faults(json!([fault])).await;
        let failed = |e: &Exposition| failures(e, operation, "paging") >= 2.0;
        let shown = rig.exporter.until(&format!("two failures of paging in spite of {fault}"), failed).await;
        assert_eq!(metrics_of(&shown), truth, "{fault}");
        rig.exporter.stop().await;
    }
}

#[tokio::test]
async fn shuffled_pages_are_never_a_shorter_truth() {
    loses_nothing_to(json!({"kind": "shuffled_pages"})).await;
}

#[tokio::test]
async fn a_page_that_comes_again_and_again_is_never_a_shorter_truth() {
    loses_nothing_to(json!({"kind": "repeated_page"})).await;
}

/// Half of every page came before: read by items received, the reader skips what
/// the overlap pushes behind its offset, and has to notice.
#[tokio::test]
async fn overlapping_pages_are_never_a_shorter_truth() {
    let rig = Rig::start(14, &["--api.page-size=4"]).await;
    let truth = rig.truth().await;
    rig.api.faults(json!([{"kind": "overlapping_pages", "operation": "clients"}])).await;
    let responses = rig.api.responses("clients").await;
    let asked = async || (rig.api.responses("clients").await > responses + 20).then_some(());
    crate::harness::wait_until("overlapping pages to be read", asked).await;
    assert_eq!(metrics_of(&rig.exporter.scrape().await), truth);
    rig.exporter.stop().await;
}

#[tokio::test]
async fn pagination_follows_a_clients_envelope_that_announces_more() {
    let options = Options { channels_envelope: ChannelsEnvelope::Object, max_page: 2, ..fleet(3, 7) };
    let api = Api::start(options).await;
    let exporter = Exporter::start(&api, &["--poll.strategy=per-client"]).await;
    let truth = expected(&api.truth().await);
    exporter.until("every channel of every page", |e| metrics_of(e) == truth).await;
    exporter.stop().await;
}

#[tokio::test]
async fn duplicates_are_counted_and_the_first_one_wins() {
    for (operation, strategy) in
        [("clients", "per-client"), ("client_channels", "per-client"), ("partner_channels", "bulk")]
    {
        let api = Api::start(fleet(5, 2)).await;
        api.faults(json!([{"kind": "duplicates", "operation": operation}])).await;
        let strategy = format!("--poll.strategy={strategy}");
        let exporter = Exporter::start(&api, &[&strategy]).await;
        let truth = expected(&api.truth().await);
        let shown = exporter.until("the fleet under its first names", |e| metrics_of(e) == truth).await;
        assert!(shown.sum("d360_api_rejected_items_total", &[("endpoint", operation)]) > 0.0, "{operation}");
        exporter.stop().await;
    }
}

/// An empty list whose `meta` says that the request failed.
#[tokio::test]
async fn a_list_that_says_that_it_failed_is_a_failure_and_removes_nobody() {
    let rig = Rig::start(8, &["--poll.strategy=per-client"]).await;
    let truth = rig.truth().await;
    rig.api.faults(json!([{"kind": "unsuccessful"}])).await;
    let failed =
        |e: &Exposition| failures(e, "clients", "other") >= 3.0 && e.value("d360_partner_up", &[]) == Some(0.0);
    let shown = rig.exporter.until("failures of the client list", failed).await;
    assert_eq!(metrics_of(&shown), truth);
    rig.exporter.stop().await;
}

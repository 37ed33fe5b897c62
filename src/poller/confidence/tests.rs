//! The table of the rules, row by row, and properties over all of them.

mod bulk;
mod properties;
mod single;

use super::*;
use crate::model::{Availability, QualityRating};
use crate::partner_api::wire::OwnedChannel;

/// A second of the clock of these tests.
fn at(second: u64) -> Instant {
    thread_local!(static START: Instant = Instant::now());
    START.with(|start| *start) + Duration::from_secs(second)
}

const SHORT: Coverage = Coverage { adds_up: false, ..Coverage::WHOLE };
const MOVED: Coverage = Coverage { shrank: true, ..Coverage::WHOLE };
const ENDLESS: Coverage = Coverage { adds_up: false, endless: true, ..Coverage::WHOLE };

fn unreadable(items: usize) -> Coverage {
    Coverage { unreadable: items, ..Coverage::WHOLE }
}

fn good(id: &str) -> Channel {
    Channel { availability: Availability::Ready, quality: QualityRating::High, ..Channel::new(id) }
}

fn low(id: &str) -> Channel {
    Channel { quality: QualityRating::Low, ..good(id) }
}

/// What is known of clients with channels, as from an earlier run, in cycle 1.
fn knowing(clients: &[(&str, &[&str])]) -> Confidence {
    let known = clients.iter().map(|(id, channels)| KnownClient {
        id: (*id).into(),
        channels: channels.iter().map(|&id| id.into()).collect(),
    });
    let mut confidence = Confidence::new(known.collect());
    confidence.begin_cycle(1);
    confidence
}

/// Judges a list: who counts, who is gone, whether it is whole, whether again.
fn list(
    confidence: &mut Confidence,
    ids: &[&str],
    coverage: Coverage,
    second: u64,
) -> (Vec<String>, Vec<String>, bool, bool) {
    let clients = ids.iter().map(|&id| Client::new(id)).collect();
    let verdict = confidence.list(clients, ids.len() + coverage.unreadable, coverage, at(second));
    let names = |ids: Vec<ClientId>| ids.into_iter().map(|id| id.to_string()).collect();
    (
        names(verdict.clients.into_iter().map(|client| client.id).collect()),
        names(verdict.gone),
        verdict.whole,
        verdict.again,
    )
}

fn ids(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("c{i:02}")).collect()
}

fn clients_knowing(n: usize) -> Confidence {
    let known = ids(n).into_iter().map(|id| KnownClient { id: id.into(), channels: Vec::new() });
    let mut confidence = Confidence::new(known.collect());
    confidence.begin_cycle(1);
    confidence
}

fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

fn nobody() -> Vec<String> {
    Vec::new()
}

#[test]
fn a_complete_list_brings_the_new_and_up_to_five_losses_leave_at_once() {
    let mut confidence = clients_knowing(12);
    let kept = &ids(12)[5..];
    let verdict = list(&mut confidence, &[&refs(kept)[..], &["new"]].concat(), Coverage::WHOLE, 0);
    assert_eq!(verdict, ([kept, &["new".to_owned()]].concat(), ids(5), true, false));
    assert_eq!(confidence.unconfirmed(), (0, 0));
}

#[test]
fn more_than_five_lost_clients_or_an_empty_list_need_a_later_cycle_and_thirty_seconds() {
    for (before, after) in [(12, 6), (3, 0), (1, 0), (40, 0)] {
        let (all, mut confidence) = (ids(before), clients_knowing(before));
        let kept = &all[before - after..];
        let lost = all[..before - after].to_vec();
        let mut read = |cycle: u64, second: u64| {
            confidence.begin_cycle(cycle);
            let (_, gone, whole, again) = list(&mut confidence, &refs(kept), Coverage::WHOLE, second);
            assert!(whole && !again);
            (gone, confidence.unconfirmed().0)
        };
        assert_eq!(read(1, 0), (nobody(), lost.len()));
        // The same cycle confirms nothing, nor does one that is too near.
        assert_eq!(read(1, 60), (nobody(), lost.len()));
        assert_eq!(read(2, 29), (nobody(), lost.len()));
        assert_eq!(read(2, 61), (lost, 0));
    }
}

#[test]
fn a_client_that_is_listed_again_was_never_gone_and_needs_two_reads_again() {
    let mut confidence = clients_knowing(12);
    list(&mut confidence, &[], Coverage::WHOLE, 0);
    confidence.begin_cycle(2);
    list(&mut confidence, &refs(&ids(12)), Coverage::WHOLE, 100);
    assert_eq!(confidence.unconfirmed(), (0, 0));
    confidence.begin_cycle(3);
    assert_eq!(list(&mut confidence, &[], Coverage::WHOLE, 200).1, nobody());
}

#[test]
fn nobody_leaves_by_a_list_that_does_not_add_up_and_it_is_whole_only_with_all_who_are_known() {
    let mut confidence = clients_knowing(2);
    assert_eq!(list(&mut confidence, &["c00"], SHORT, 0), (vec!["c00".into()], nobody(), false, true));
    assert_eq!(list(&mut confidence, &["c00", "c01"], SHORT, 1), (ids(2), nobody(), true, true));
    assert_eq!((confidence.unconfirmed(), confidence.client_ids().len()), ((0, 0), 2));
}

#[test]
fn who_is_new_in_a_list_that_does_not_add_up_counts_once_a_second_one_shows_it() {
    let mut confidence = clients_knowing(1);
    assert_eq!(list(&mut confidence, &["c00", "new"], SHORT, 0).0, ["c00"]);
    assert_eq!(list(&mut confidence, &["c00", "other"], SHORT, 1).0, ["c00"]);
    assert_eq!(list(&mut confidence, &["c00", "other"], SHORT, 2).0, ["c00", "other"]);
}

#[test]
fn where_nobody_is_known_a_list_that_does_not_add_up_is_believed_at_once() {
    let mut confidence = Confidence::new(Vec::new());
    assert_eq!(list(&mut confidence, &["a", "b"], SHORT, 0), (vec!["a".into(), "b".into()], nobody(), true, true));
}

#[test]
fn nothing_invented_counts_of_a_list_without_end_or_one_that_grew_beyond_belief() {
    let mut nothing_known = Confidence::new(Vec::new());
    assert_eq!(list(&mut nothing_known, &["x", "y"], ENDLESS, 0), (nobody(), nobody(), false, true));
    let mut confidence = clients_knowing(2);
    let invented: Vec<String> = (0..200).map(|i| format!("invented{i}")).collect();
    let with_known = [&["c00", "c01"], &refs(&invented)[..]].concat();
    assert_eq!(list(&mut confidence, &refs(&invented), ENDLESS, 0), (nobody(), nobody(), false, true));
    assert_eq!(list(&mut confidence, &with_known[..104], Coverage::WHOLE, 1).0.len(), 104, "twice two and a hundred");
    let mut confidence = clients_knowing(2);
    assert_eq!(list(&mut confidence, &with_known[..105], Coverage::WHOLE, 1), (ids(2), nobody(), true, true));
    // What comes twice was not invented.
    assert_eq!(list(&mut confidence, &with_known[..105], Coverage::WHOLE, 2).0.len(), 105);
}

#[test]
fn a_total_that_shrank_keeps_removals_from_being_believed() {
    let mut confidence = clients_knowing(3);
    assert_eq!(
        list(&mut confidence, &["c00", "c02"], MOVED, 0),
        (vec!["c00".into(), "c02".into()], nobody(), false, true)
    );
    assert_eq!(list(&mut confidence, &["c00", "c02"], Coverage::WHOLE, 1).1, ["c01"]);
}

#[test]
fn one_more_unreadable_item_may_be_the_one_that_is_missing_and_all_other_removals_are_believed() {
    let mut confidence = clients_knowing(6);
    assert_eq!(list(&mut confidence, &refs(&ids(6)), unreadable(2), 0).1, nobody());
    // As many as before are nobody new's.
    assert_eq!(list(&mut confidence, &refs(&ids(6)[1..]), unreadable(2), 1).1, ["c00"]);
    // One more: one of the two that are missing stays, for as long as it stays.
    assert_eq!(list(&mut confidence, &refs(&ids(6)[3..]), unreadable(3), 2).1, ["c02"]);
    confidence.begin_cycle(2);
    assert_eq!(list(&mut confidence, &refs(&ids(6)[3..]), unreadable(3), 100).1, nobody());
    assert_eq!(confidence.unconfirmed(), (1, 0));
    assert_eq!(list(&mut confidence, &refs(&ids(6)[4..]), unreadable(3), 200).1, ["c03"]);
    assert_eq!(list(&mut confidence, &refs(&ids(6)[4..]), unreadable(2), 300).1, ["c01"]);
    assert_eq!(confidence.unconfirmed(), (0, 0));
}

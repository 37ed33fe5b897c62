//! Reads of one client's channels.

use super::*;

/// Judges a read: what counts, what is gone, whether it is whole, whether again.
fn read(
    confidence: &mut Confidence,
    client: &str,
    channels: &[&str],
    coverage: Coverage,
    second: u64,
) -> (Vec<String>, Vec<String>, bool, bool) {
    let channels = channels.iter().map(|id| good(id)).collect();
    let verdict = confidence.client_read(&client.into(), channels, coverage, at(second)).unwrap();
    let counted = verdict.channels.into_iter().map(|channel| channel.id.to_string()).collect();
    (counted, verdict.gone.into_iter().map(|id| id.to_string()).collect(), verdict.whole, verdict.again)
}

fn gone(confidence: &mut Confidence, client: &str, channels: &[&str], second: u64) -> Vec<String> {
    let (_, gone, whole, again) = read(confidence, client, channels, Coverage::WHOLE, second);
    assert!(whole && !again);
    gone
}

#[test]
fn some_of_a_clients_channels_and_its_only_one_leave_at_once() {
    let mut confidence = knowing(&[("a", &["x", "y", "z"]), ("b", &["w"])]);
    assert_eq!(gone(&mut confidence, "a", &["y"], 0), ["x", "z"]);
    assert_eq!(gone(&mut confidence, "b", &[], 0), ["w"]);
    assert_eq!(confidence.unconfirmed(), (0, 0));
}

#[test]
fn all_of_a_clients_several_channels_need_a_later_cycle_and_thirty_seconds() {
    let mut confidence = knowing(&[("a", &["x", "y"])]);
    assert_eq!(gone(&mut confidence, "a", &[], 0), nobody());
    assert_eq!(confidence.unconfirmed(), (0, 2));
    assert_eq!(gone(&mut confidence, "a", &[], 50), nobody());
    confidence.begin_cycle(2);
    assert_eq!(gone(&mut confidence, "a", &[], 60), ["x", "y"]);
    assert_eq!(confidence.unconfirmed(), (0, 0));
}

#[test]
fn from_the_sixth_lost_channel_of_a_cycle_on_losses_wait_for_its_end_and_are_judged_together() {
    // Of 40 channels eight are lost: exactly a fifth; of 39 that is more.
    for (fleet, believed) in [(40, true), (39, false)] {
        let names: Vec<(String, String)> = (0..fleet).map(|i| (format!("c{i:02}"), format!("x{i:02}"))).collect();
        let known = names.iter().map(|(client, channel)| KnownClient {
            id: client.as_str().into(),
            channels: vec![channel.as_str().into()],
        });
        let mut confidence = Confidence::new(known.collect());
        confidence.begin_cycle(1);
        let at_once: Vec<usize> =
            names[..8].iter().map(|(client, _)| gone(&mut confidence, client, &[], 0).len()).collect();
        assert_eq!(at_once, [1, 1, 1, 1, 1, 0, 0, 0]);
        assert_eq!(confidence.unconfirmed(), (0, 3));
        let at_the_end: Vec<String> = confidence.end_cycle().into_iter().map(|(_, id)| id.to_string()).collect();
        if believed {
            assert_eq!(at_the_end, ["x05", "x06", "x07"]);
            assert_eq!(confidence.unconfirmed(), (0, 0));
        } else {
            assert_eq!((at_the_end, confidence.unconfirmed()), (nobody(), (0, 3)));
            confidence.begin_cycle(2);
            assert_eq!(gone(&mut confidence, "c05", &[], 100), ["x05"]);
        }
    }
}

#[test]
fn a_read_that_does_not_add_up_is_whole_only_if_it_saw_all_that_were_known_and_nobody_leaves() {
    let mut confidence = knowing(&[("a", &["x", "y"])]);
    let seen = vec!["x".to_owned(), "new".to_owned()];
    assert_eq!(read(&mut confidence, "a", &["x", "new"], SHORT, 0), (seen, nobody(), false, true));
    assert!(read(&mut confidence, "a", &["x", "y", "new"], SHORT, 1).2);
    assert_eq!(read(&mut confidence, "a", &["x"], MOVED, 2), (vec!["x".to_owned()], nobody(), false, true));
    assert_eq!(confidence.unconfirmed(), (0, 0));
}

#[test]
fn nothing_invented_counts_of_a_read_without_end_or_one_that_grew_beyond_belief() {
    let mut confidence = knowing(&[("a", &["x"]), ("b", &[])]);
    let only_known = (vec!["x".to_owned()], nobody(), true, true);
    assert_eq!(read(&mut confidence, "a", &["x", "i1", "i2"], ENDLESS, 0), only_known);
    let invented: Vec<String> = (0..102).map(|i| format!("i{i}")).collect();
    let many = [&["x"], &refs(&invented)[..]].concat();
    assert_eq!(read(&mut confidence, "a", &many, Coverage::WHOLE, 1).0, ["x"]);
    // A client of which nothing is known may have any number.
    assert_eq!(read(&mut confidence, "b", &many, Coverage::WHOLE, 1).0.len(), 103);
}

#[test]
fn one_more_unreadable_channel_may_be_the_one_that_is_missing() {
    let mut confidence = knowing(&[("a", &["v", "w", "x", "y"]), ("b", &["z", "zz"])]);
    assert_eq!(read(&mut confidence, "a", &["w", "x", "y"], unreadable(1), 0).1, nobody());
    // Of other clients, and of others of the same client, removals are believed.
    assert_eq!(gone(&mut confidence, "b", &["z"], 1), ["zz"]);
    confidence.begin_cycle(2);
    assert_eq!(read(&mut confidence, "a", &["x", "y"], unreadable(1), 100).1, ["w"]);
    assert_eq!(read(&mut confidence, "a", &["x", "y"], unreadable(0), 200).1, ["v"]);
}

#[test]
fn of_two_reads_of_a_client_the_one_that_started_later_wins_whatever_order_they_end_in() {
    let mut confidence = knowing(&[("a", &["x"])]);
    read(&mut confidence, "a", &["x", "new"], Coverage::WHOLE, 10);
    assert_eq!(confidence.client_read(&"a".into(), vec![good("x")], Coverage::WHOLE, at(5)), None);
}

#[test]
fn a_read_of_a_client_that_has_left_the_list_proves_nothing() {
    let mut confidence = knowing(&[]);
    assert_eq!(confidence.client_read(&"a".into(), vec![good("x")], Coverage::WHOLE, at(0)), None);
}

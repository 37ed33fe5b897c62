//! Bulk reads, and what they prove against single reads.

use super::*;

/// What a bulk read proved.
#[derive(Debug, PartialEq, Eq)]
struct Proved {
    counted: String,
    whole: String,
    incomplete: String,
    gone: String,
    contradicted: String,
    again: bool,
}

fn names<T: ToString>(ids: impl IntoIterator<Item = T>) -> String {
    ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
}

fn owned((client, channel): (&str, Channel)) -> OwnedChannel {
    OwnedChannel { client: (!client.is_empty()).then(|| client.into()), channel }
}

fn bulk(confidence: &mut Confidence, items: &[(&str, Channel)], coverage: Coverage, second: u64) -> Option<Proved> {
    confidence.bulk_started(at(second));
    let page = items.iter().cloned().map(owned).collect();
    let mut counted = confidence.bulk_page(page, at(second), |_| true).channels;
    let verdict = confidence.bulk_ended(coverage, at(second))?;
    counted.extend(verdict.channels);
    Some(Proved {
        counted: names(counted.iter().map(|(client, channel)| format!("{client}/{}", channel.id))),
        whole: names(verdict.whole),
        incomplete: names(verdict.incomplete),
        gone: names(verdict.gone.iter().map(|(client, channel)| format!("{client}/{channel}"))),
        contradicted: names(verdict.contradicted),
        again: verdict.again,
    })
}

fn proved(counted: &str, whole: &str) -> Proved {
    let nothing = String::new;
    Proved {
        counted: counted.to_owned(),
        whole: whole.to_owned(),
        incomplete: nothing(),
        gone: nothing(),
        contradicted: nothing(),
        again: false,
    }
}

fn world() -> Confidence {
    knowing(&[("a", &["x", "y"]), ("b", &["z"])])
}

fn all() -> Vec<(&'static str, Channel)> {
    vec![("a", good("x")), ("a", good("y")), ("b", good("z"))]
}

#[test]
fn a_complete_bulk_read_is_the_read_of_every_client_and_small_losses_leave() {
    let mut confidence = world();
    assert_eq!(bulk(&mut confidence, &all(), Coverage::WHOLE, 0), Some(proved("a/x a/y b/z", "a b")));
    let lost = Proved { gone: "a/y".into(), ..proved("a/x b/z", "a b") };
    assert_eq!(bulk(&mut confidence, &[("a", good("x")), ("b", good("z"))], Coverage::WHOLE, 100), Some(lost));
}

#[test]
fn a_bulk_read_that_does_not_add_up_is_a_read_of_those_it_saw_all_of() {
    for coverage in [SHORT, MOVED] {
        let seen = [("a", good("x")), ("b", good("z"))];
        let expected = Proved { incomplete: "a".into(), again: true, ..proved("a/x b/z", "b") };
        assert_eq!(bulk(&mut world(), &seen, coverage, 0), Some(expected));
    }
    // A channel that came in front of the offset: everything older was seen.
    let expected = Proved { again: true, ..proved("a/x a/y b/z", "a b") };
    assert_eq!(bulk(&mut world(), &all(), SHORT, 0), Some(expected));
}

#[test]
fn all_channels_of_a_client_need_a_second_bulk_read_of_a_later_cycle() {
    let mut confidence = world();
    assert_eq!(bulk(&mut confidence, &[("b", good("z"))], Coverage::WHOLE, 0), Some(proved("b/z", "a b")));
    assert_eq!(confidence.unconfirmed(), (0, 2));
    confidence.begin_cycle(2);
    let lost = Proved { gone: "a/x a/y".into(), ..proved("b/z", "a b") };
    assert_eq!(bulk(&mut confidence, &[("b", good("z"))], Coverage::WHOLE, 100), Some(lost));
}

#[test]
fn an_empty_bulk_read_takes_nobody_away() {
    let known = (0..20).map(|i| KnownClient {
        id: format!("c{i:02}").as_str().into(),
        channels: vec![format!("x{i:02}").as_str().into()],
    });
    let mut confidence = Confidence::new(known.collect());
    confidence.begin_cycle(1);
    assert_eq!(bulk(&mut confidence, &[], Coverage::WHOLE, 0).unwrap().gone, "");
    assert_eq!(confidence.unconfirmed(), (0, 20));
}

#[test]
fn new_channels_count_at_the_end_of_a_bulk_read_unless_it_is_taken_for_invented() {
    let mut grown = all();
    grown.push(("b", good("new")));
    assert_eq!(bulk(&mut world(), &grown, SHORT, 0).unwrap().counted, "a/x a/y b/z b/new");
    assert_eq!(bulk(&mut world(), &grown, ENDLESS, 0).unwrap().counted, "a/x a/y b/z");
    let mut confidence = world();
    let invented = |round: usize| {
        let mut items = all();
        items.extend((0..200).map(|i| ("b", good(&format!("i{round}-{i}")))));
        items
    };
    assert_eq!(bulk(&mut confidence, &invented(1), Coverage::WHOLE, 0).unwrap().counted, "a/x a/y b/z");
    assert_eq!(bulk(&mut confidence, &invented(2), Coverage::WHOLE, 1).unwrap().counted, "a/x a/y b/z");
    // What a second read shows was not invented.
    let counted = bulk(&mut confidence, &invented(2), Coverage::WHOLE, 2).unwrap().counted;
    assert_eq!(counted.split(' ').count(), 203);
}

#[test]
fn an_item_without_an_owner_is_its_last_owners_or_makes_the_read_incomplete() {
    let mut confidence = world();
    let mut items = all();
    items[0].0 = "";
    assert_eq!(bulk(&mut confidence, &items, Coverage::WHOLE, 0), Some(proved("a/x a/y b/z", "a b")));
    items.push(("", good("nobodys")));
    let expected = Proved { again: true, ..proved("a/x a/y b/z", "a b") };
    assert_eq!(bulk(&mut confidence, &items, Coverage::WHOLE, 1), Some(expected));
}

#[test]
fn a_list_of_which_most_items_have_no_owner_is_no_read_of_anybody() {
    let mut confidence = knowing(&[("a", &[]), ("b", &[])]);
    let items = [("", good("x")), ("", good("y")), ("a", good("z"))];
    assert_eq!(bulk(&mut confidence, &items, Coverage::WHOLE, 0), None);
}

#[test]
fn a_bulk_read_that_contradicts_a_single_read_of_the_last_ten_minutes_does_not_overwrite_it() {
    let mut confidence = world();
    bulk(&mut confidence, &all(), Coverage::WHOLE, 0);
    for cycle in 1..3 {
        let changed = vec![low("x"), good("y")];
        confidence.client_read(&"a".into(), changed, Coverage::WHOLE, at(cycle * 100)).unwrap();
        // It lags: the single read counts, and the client is read alone again.
        let lagging = Proved { contradicted: "a".into(), ..proved("a/y b/z", "b") };
        assert_eq!(bulk(&mut confidence, &all(), Coverage::WHOLE, cycle * 100 + 50), Some(lagging));
    }
    let mut caught_up = all();
    caught_up[0].1 = low("x");
    assert_eq!(bulk(&mut confidence, &caught_up, Coverage::WHOLE, 300), Some(proved("a/x a/y b/z", "a b")));
}

#[test]
fn what_two_bulk_reads_in_a_row_say_counts_and_so_does_one_after_ten_minutes() {
    let mut confidence = world();
    confidence.client_read(&"a".into(), vec![low("x"), good("y")], Coverage::WHOLE, at(0)).unwrap();
    assert_eq!(bulk(&mut confidence, &all(), Coverage::WHOLE, 100).unwrap().contradicted, "a");
    assert_eq!(bulk(&mut confidence, &all(), Coverage::WHOLE, 200), Some(proved("a/x a/y b/z", "a b")));
    let mut confidence = world();
    confidence.client_read(&"a".into(), vec![low("x"), good("y")], Coverage::WHOLE, at(0)).unwrap();
    assert_eq!(bulk(&mut confidence, &all(), Coverage::WHOLE, 600), Some(proved("a/x a/y b/z", "a b")));
}

#[test]
fn a_channel_that_only_the_lagging_list_holds_or_lacks_is_a_contradiction_too() {
    // A single read saw a new one, and one leave.
    let mut confidence = world();
    confidence.client_read(&"a".into(), vec![good("y"), good("new")], Coverage::WHOLE, at(0)).unwrap();
    let lagging = Proved { contradicted: "a".into(), ..proved("a/y b/z", "b") };
    assert_eq!(bulk(&mut confidence, &all(), Coverage::WHOLE, 100), Some(lagging));
}

#[test]
fn a_single_read_that_started_during_a_bulk_read_has_the_word() {
    let mut confidence = world();
    bulk(&mut confidence, &all(), Coverage::WHOLE, 0);
    confidence.bulk_started(at(100));
    confidence.client_read(&"a".into(), vec![low("x")], Coverage::WHOLE, at(101)).unwrap();
    let page = all().into_iter().map(owned).collect();
    let counted = confidence.bulk_page(page, at(102), |_| true).channels;
    assert_eq!(names(counted.iter().map(|(_, channel)| &channel.id)), "z");
    let verdict = confidence.bulk_ended(Coverage::WHOLE, at(102)).unwrap();
    assert_eq!((names(verdict.whole), names(verdict.contradicted)), ("b".to_owned(), String::new()));
}

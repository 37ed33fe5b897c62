//! Changes of watched fields.

use super::*;

fn transition(field: WatchedField, from: &'static str, to: &'static str, direction: Direction) -> Transition {
    Transition { client: "a".into(), channel: "x".into(), field, from: from.into(), to: to.into(), direction }
}

/// The counts that are not 0.
fn counted(fleet: &Fleet) -> Vec<String> {
    let counts = fleet.partner_state().transitions.iter().filter(|(.., count)| *count > 0);
    counts.map(|(field, from, to, count)| format!("{} {from} -> {to}: {count}", field.as_str())).collect()
}

#[test]
fn every_watched_field_that_changed_is_a_transition_and_is_counted() {
    let mut fleet = known();
    let changed = Channel {
        availability: Availability::Error,
        quality: QualityRating::Unknown,
        limit: None,
        status: LifecycleStatus::Removed,
        ..good("x")
    };
    assert_eq!(
        fleet.apply(read_as(60, "a", vec![changed, good("y")])),
        [
            transition(WatchedField::AvailabilityStatus, "ready", "error", Direction::Worse),
            transition(WatchedField::QualityRating, "high", "unknown", Direction::Other),
            transition(WatchedField::MessagingLimit, "1000", "none", Direction::Other),
            transition(WatchedField::Status, "ready", "removed", Direction::Worse),
        ]
    );
    assert_eq!(
        counted(&fleet),
        [
            "availability_status ready -> error: 1",
            "quality_rating high -> unknown: 1",
            "messaging_limit 1000 -> none: 1",
            "status ready -> removed: 1",
        ]
    );
    assert_eq!(fleet.take_changes(), changes(true, &[("a", Change::Data)]));
}

#[test]
fn limits_are_numbers_infinity_or_none() {
    let mut fleet = known();
    let mut seen = Vec::new();
    let limits = [Some(MessagingLimit::Unlimited), None, Some(MessagingLimit::Recipients(250))];
    for (second, limit) in (60..).zip(limits) {
        let read = read_as(second, "a", vec![Channel { limit, ..good("x") }, good("y")]);
        seen.extend(fleet.apply(read).into_iter().map(|t| format!("{} -> {}", t.from, t.to)));
    }
    assert_eq!(seen, ["1000 -> +Inf", "+Inf -> none", "none -> 250"]);
}

#[test]
fn what_is_not_watched_is_no_transition() {
    let mut fleet = known();
    let changed = Channel { phone_number: Some("491".into()), cancelled_at: Some(at(1)), ..good("x") };
    assert_eq!(fleet.apply(read_as(60, "a", vec![changed, good("y")])), []);
    assert_eq!(counted(&fleet), [""; 0]);
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
}

#[test]
fn a_channel_that_is_new_or_gone_is_no_transition() {
    let mut fleet = known();
    let low = |id| Channel { quality: QualityRating::Low, ..good(id) };
    assert_eq!(fleet.apply(read_as(60, "a", vec![low("w"), low("z")])), []);
    assert_eq!(counted(&fleet), [""; 0]);
}

#[test]
fn a_channel_that_is_missing_for_a_while_is_compared_with_what_it_was() {
    let mut fleet = known();
    fleet.apply(read_in_part(60, "a", &["y"]));
    let low = Channel { quality: QualityRating::Low, ..good("x") };
    assert_eq!(
        fleet.apply(read_as(120, "a", vec![low, good("y")])),
        [transition(WatchedField::QualityRating, "high", "low", Direction::Worse)]
    );
}

#[test]
fn transitions_add_up_and_come_in_the_order_of_the_response() {
    let mut fleet = known();
    let with = |quality| ["y", "x"].map(|id| Channel { quality, ..good(id) }).to_vec();
    let channels = |transitions: Vec<Transition>| -> Vec<String> {
        transitions.into_iter().map(|t| t.channel.to_string()).collect()
    };
    assert_eq!(channels(fleet.apply(read_as(1, "a", with(QualityRating::Low)))), ["y", "x"]);
    assert_eq!(channels(fleet.apply(read_as(2, "a", with(QualityRating::High)))), ["y", "x"]);
    assert_eq!(channels(fleet.apply(read_as(3, "a", with(QualityRating::Low)))), ["y", "x"]);
    assert_eq!(counted(&fleet), ["quality_rating high -> low: 4", "quality_rating low -> high: 2"]);
}

#[test]
fn pairs_of_the_short_closed_fields_start_at_zero() {
    let fleet = fleet();
    let pairs: Vec<String> = fleet
        .partner_state()
        .transitions
        .iter()
        .map(|(field, from, to, count)| {
            assert_eq!(count, 0);
            assert_ne!(from, to);
            field.as_str().to_owned()
        })
        .collect();
    let count = |name: &str| pairs.iter().filter(|field| *field == name).count();
    assert_eq!((count("availability_status"), count("quality_rating"), pairs.len()), (4 * 3, 5 * 4, 12 + 20));
}

#[test]
fn a_channel_remembers_since_when_it_is_in_its_condition() {
    let mut fleet = known();
    let mut low = Channel { quality: QualityRating::Low, ..good("x") };
    let mut remembered = Vec::new();
    let mut read = |second, channel: &Channel, fleet: &mut Fleet| {
        fleet.apply(read_as(second, "a", vec![channel.clone(), good("y")]));
        let channels = &fleet.client(&"a".into()).unwrap().channels;
        remembered.push(channels.iter().map(|c| c.changed_at.map(Timestamp::as_second)).collect::<Vec<_>>());
    };
    read(60, &good("x"), &mut fleet);
    read(120, &low, &mut fleet);
    // The limit is no part of the trouble.
    low.limit = None;
    read(180, &low, &mut fleet);
    low.cancelled_at = Some(at(200));
    read(240, &low, &mut fleet);
    assert_eq!(remembered, [[None, None], [Some(120), None], [Some(120), None], [Some(240), None]]);
}

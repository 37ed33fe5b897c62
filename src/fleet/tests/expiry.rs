//! The bound on age.

use super::*;

fn expired(fleet: &Fleet) -> Vec<&str> {
    fleet.clients(..).filter(|state| state.expired).map(|state| state.client.id.as_str()).collect()
}

/// As [`known`], and an attempt to read the client again failed.
fn failed() -> Fleet {
    let mut fleet = known();
    fleet.apply(unreadable("a"));
    fleet.take_changes();
    fleet
}

#[test]
fn data_that_could_not_be_refreshed_expires_at_the_bound_and_not_a_second_before() {
    let mut fleet = failed();
    fleet.expire(at(0));
    fleet.expire(at(BOUND - 1));
    assert_eq!((expired(&fleet), fleet.has_changes()), (vec![], false));
    fleet.expire(at(BOUND));
    assert_eq!(expired(&fleet), ["a"]);
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
    fleet.expire(at(BOUND + 1));
    fleet.expire(at(3 * BOUND));
    assert!(!fleet.has_changes());
}

#[test]
fn data_whose_turn_did_not_come_stays_three_times_as_long() {
    let mut fleet = known();
    fleet.expire(at(0));
    fleet.expire(at(3 * BOUND - 1));
    assert_eq!(expired(&fleet), [""; 0]);
    fleet.expire(at(3 * BOUND));
    assert_eq!(expired(&fleet), ["a"]);
}

#[test]
fn an_attempt_that_fails_late_takes_effect_at_once() {
    for failure in [
        unreadable("a"),
        Observation::BulkReadFailed { failure: Reason::Timeout.into() },
        read_in_part(2 * BOUND, "a", &["x"]),
        Observation::PartnerUnreadable { failure: Reason::Unauthorized.into() },
    ] {
        let mut fleet = known();
        fleet.expire(at(2 * BOUND));
        assert_eq!(expired(&fleet), [""; 0]);
        fleet.apply(failure);
        fleet.expire(at(2 * BOUND));
        assert_eq!(expired(&fleet), ["a"]);
    }
}

#[test]
fn what_expired_is_hidden_and_not_forgotten() {
    let mut fleet = failed();
    let before = fleet.client(&"a".into()).unwrap().clone();
    fleet.expire(at(BOUND));
    assert_eq!(fleet.client(&"a".into()), Some(&ClientState { expired: true, ..before }));
}

#[test]
fn the_age_counts_from_the_last_good_read() {
    let mut fleet = known();
    fleet.expire(at(0));
    fleet.apply(read(1_000, "a", &["x", "y"]));
    fleet.apply(unreadable("a"));
    fleet.expire(at(BOUND));
    fleet.expire(at(BOUND + 999));
    assert_eq!(expired(&fleet), [""; 0]);
    fleet.expire(at(BOUND + 1_000));
    assert_eq!(expired(&fleet), ["a"]);
}

#[test]
fn the_age_of_a_client_that_was_never_read_counts_from_its_first_listing() {
    let mut fleet = fleet();
    fleet.apply(listed(100, &["a"]));
    fleet.apply(unreadable("a"));
    fleet.apply(listed(1_000, &["a"]));
    fleet.expire(at(BOUND + 99));
    assert_eq!(expired(&fleet), [""; 0]);
    fleet.expire(at(BOUND + 100));
    assert_eq!(expired(&fleet), ["a"]);
}

#[test]
fn every_client_expires_at_its_own_time() {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a", "b", "c"]));
    for (second, client) in [(30, "a"), (10, "b"), (20, "c")] {
        fleet.apply(read(second, client, &["x"]));
        fleet.apply(unreadable(client));
    }
    let mut seen = Vec::new();
    for second in [0, 9, 10, 19, 20, 29, 30] {
        fleet.expire(at(BOUND + second));
        seen.push(expired(&fleet).join(""));
    }
    assert_eq!(seen, ["", "", "b", "b", "bc", "bc", "abc"]);
}

#[test]
fn a_step_of_the_wall_clock_makes_nothing_old_or_young() {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a"]));
    // The time of day jumps by ten years, and back.
    for (wall, steady) in [(10, 10), (315_360_000, 20), (30, 30)] {
        let mut read = read(0, "a", &["x"]);
        if let Observation::ChannelsRead { at: moment, .. } = &mut read {
            *moment = Moment { wall: at(wall), steady: at(steady) };
        }
        fleet.apply(read);
        fleet.expire(at(steady));
        assert_eq!(fleet.client(&"a".into()).unwrap().last_refresh, Some(at(wall)));
        assert_eq!(expired(&fleet), [""; 0]);
    }
    fleet.apply(unreadable("a"));
    fleet.expire(at(BOUND + 30));
    assert_eq!(expired(&fleet), ["a"]);
}

#[test]
fn a_client_that_can_be_read_again_is_shown_again() {
    let mut fleet = failed();
    fleet.expire(at(BOUND));
    fleet.take_changes();
    assert_eq!(fleet.apply(read(2 * BOUND, "a", &["x", "y"])), []);
    assert_eq!(expired(&fleet), [""; 0]);
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
}

#[test]
fn a_drop_while_nobody_could_look_is_still_a_transition() {
    let mut fleet = failed();
    fleet.expire(at(BOUND));
    let dropped = Channel { quality: QualityRating::Low, ..good("x") };
    let transition = Transition {
        client: "a".into(),
        channel: "x".into(),
        field: WatchedField::QualityRating,
        from: "high".into(),
        to: "low".into(),
        direction: Direction::Worse,
    };
    assert_eq!(fleet.apply(read_as(2 * BOUND, "a", vec![dropped, good("y")])), [transition]);
}

#[test]
fn a_balance_that_could_not_be_read_again_leaves_after_three_hours_whatever_the_bound() {
    for bound in [60, 1_000_000] {
        let mut fleet = Fleet::new("examplePA".into(), Duration::from_secs(bound));
        fleet.apply(listed(0, &["a"]));
        fleet.expire(at(0));
        let balances = vec![Balance { currency: "eur".into(), amount: 1.0 }];
        fleet.apply(Observation::ClientBalance { client: "a".into(), balances: balances.clone(), at: at(100).into() });
        fleet.expire(at(100 + 3 * 3_600 - 1));
        assert_eq!(*fleet.client(&"a".into()).unwrap().balances, *balances);
        fleet.expire(at(100 + 3 * 3_600));
        assert_eq!(*fleet.client(&"a".into()).unwrap().balances, []);
    }
}

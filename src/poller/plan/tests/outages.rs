//! When nothing succeeds, and clients that fail or hang.

use super::*;

#[test]
fn in_an_outage_the_client_list_is_tried_before_any_client() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(110);
    drive.pace.outage = true;
    drive.list = Err(Reason::ServerError);
    drive.failing = ["a", "b", "c", "d"].map(|id| (id.to_owned(), Reason::ServerError)).into();
    assert_eq!(drive.until(130), ["110 list", "125 read b"]);
    // The list is the first thing that is tried; afterwards the clients are, too.
    assert_eq!(drive.until(160), ["140 list", "150 read c"]);
}

#[test]
fn no_client_is_read_in_an_outage_until_the_list_was_tried() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    let at = |seconds| drive.start + Duration::from_secs(seconds);
    drive.plan.next(at(100), drive.pace);
    drive.plan.listed(at(100), ids(["a", "b", "c", "d"]), true, false, drive.pace);
    let outage = Pace { outage: true, ..drive.pace };
    assert_eq!(drive.plan.next(at(101), outage), Next::List);
    assert!(matches!(drive.plan.next(at(160), outage), Next::Wait(_)));
    drive.plan.list_failed(at(161), Reason::Timeout, outage);
    assert_eq!(drive.plan.next(at(161), outage), Next::Read("a".into()));
}

#[test]
fn nothing_but_the_list_is_started_while_the_pace_is_paused() {
    let mut drive = Drive::new(Strategy::PerClient);
    let at = |seconds| drive.start + Duration::from_secs(seconds);
    let paused = Pace { paused_until: Some(at(30)), ..drive.pace };
    assert_eq!(drive.plan.next(at(0), paused), Next::List);
    drive.plan.listed(at(0), ids(["a"]), true, false, paused);
    assert_eq!(drive.plan.next(at(0), paused), Next::Wait(at(30)));
    assert_eq!(drive.plan.next(at(30), paused), Next::Read("a".into()));
}

#[test]
fn clients_that_hang_are_read_once_and_hold_at_most_half_of_the_places() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.plan = Plan::new(Duration::from_secs(100), Strategy::PerClient, 4, Vec::new(), drive.start);
    drive.list = Ok(many(8));
    drive.failing = many(5).into_iter().map(|id| (id, Reason::Timeout)).collect();
    drive.until(99);
    let at = |seconds| drive.start + Duration::from_secs(seconds);
    drive.plan.next(at(100), drive.pace);
    drive.plan.listed(at(100), many(8).into_iter().map(ClientId::from).collect(), true, false, drive.pace);
    // Those that were never read come first, but leave two places to the others.
    let mut asked = Vec::new();
    loop {
        match drive.plan.next(at(199), drive.pace) {
            Next::Wait(_) => break,
            next => asked.push(next),
        }
    }
    assert_eq!(
        asked,
        [
            Next::ReadOnce("c00".into()),
            Next::ReadOnce("c01".into()),
            Next::Read("c05".into()),
            Next::Read("c06".into()),
            Next::Read("c07".into()),
        ]
    );
    drive.plan.read_failed(at(199), &"c00".into(), Reason::Timeout);
    assert_eq!(drive.plan.next(at(199), drive.pace), Next::ReadOnce("c02".into()));
}

#[test]
fn a_read_that_saw_too_little_is_repeated_at_once_and_only_once() {
    let mut drive = Drive::new(Strategy::PerClient);
    let at = |seconds| drive.start + Duration::from_secs(seconds);
    let (plan, pace) = (&mut drive.plan, drive.pace);
    plan.next(at(0), pace);
    plan.listed(at(0), ids(["a", "b"]), true, false, pace);
    for second in [0, 1] {
        assert_eq!(plan.next(at(second), pace), Next::Read("a".into()));
        plan.read(at(second), &"a".into(), FINE, false, true);
    }
    assert_eq!(plan.next(at(2), pace), Next::Read("b".into()));
}

#[test]
fn a_client_whose_read_timed_out_gets_a_second_turn_in_its_cycle_that_no_other_read_waits_for() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    drive.failing.insert("b".to_owned(), Reason::Timeout);
    let cycle =
        ["100 list", "100 read a", "125 read b", "150 read c", "155 read b once", "175 read d", "175 cycle of 75"];
    assert_eq!(drive.until(199), cycle);
    // A failure that came fast had its retries.
    drive.failing.insert("b".to_owned(), Reason::ServerError);
    assert_eq!(
        drive.until(299),
        ["200 list", "200 read a", "225 read b once", "250 read c", "275 read d", "275 cycle of 75"]
    );
}

#[test]
fn no_second_turn_is_given_where_the_budget_has_no_request_for_it_or_nothing_succeeds() {
    for (outage, requests_per_second) in [(false, 0.02), (true, 1.0)] {
        let mut drive = Drive::new(Strategy::PerClient);
        drive.until(99);
        drive.failing.insert("b".to_owned(), Reason::Timeout);
        drive.until(149);
        drive.pace = Pace { outage, requests_per_second, ..drive.pace };
        let asked = drive.until(199);
        assert!(!asked.iter().any(|line| line.contains("read b")), "{asked:?}");
    }
}

#[test]
fn new_clients_that_hang_leave_half_of_the_places_to_the_others() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.plan = Plan::new(Duration::from_secs(100), Strategy::PerClient, 4, Vec::new(), drive.start);
    drive.until(99);
    let at = |seconds| drive.start + Duration::from_secs(seconds);
    let clients = || ids(["a", "b", "c", "d", "n1", "n2", "n3", "n4"]);
    assert_eq!(drive.plan.next(at(100), drive.pace), Next::List);
    drive.plan.listed(at(100), clients(), true, false, drive.pace);
    let asked = [100, 100, 100, 100].map(|second| drive.plan.next(at(second), drive.pace));
    let read = |id: &str| Next::Read(id.into());
    assert_eq!(asked[..3], [read("n1"), read("n2"), read("a")]);
    assert!(matches!(asked[3], Next::Wait(_)), "{asked:?}");
}

//! One request per client.

use super::*;

#[test]
fn the_first_cycle_is_done_at_once_and_later_ones_are_spread_evenly() {
    let mut drive = Drive::new(Strategy::PerClient);
    assert_eq!(drive.until(99), ["0 list", "0 read a", "0 read b", "0 read c", "0 read d", "0 cycle of 0"]);
    assert_eq!(
        drive.until(299),
        [
            "100 list",
            "100 read a",
            "125 read b",
            "150 read c",
            "175 read d",
            "175 cycle of 75",
            "200 list",
            "200 read a",
            "225 read b",
            "250 read c",
            "275 read d",
            "275 cycle of 75",
        ]
    );
}

#[test]
fn clients_known_from_an_earlier_run_are_read_at_once_too() {
    let mut drive = Drive::with(Strategy::PerClient, Duration::from_secs(100), &["a", "b", "c", "d"]);
    assert_eq!(drive.until(99), ["0 list", "0 read a", "0 read b", "0 read c", "0 read d", "0 cycle of 0"]);
}

#[test]
fn a_new_client_is_read_first_and_one_that_is_gone_no_more() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    drive.list = Ok(["a", "c", "z"].map(str::to_owned).to_vec());
    assert_eq!(drive.until(199), ["100 list", "100 read z", "100 read a", "150 read c", "150 cycle of 50"]);
    assert_eq!(drive.plan.clients(), ["a", "c", "z"].map(ClientId::from));
}

#[test]
fn a_partner_without_clients_has_full_cycles() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.list = Ok(Vec::new());
    assert_eq!(drive.until(100), ["0 list", "0 cycle of 0", "100 list", "100 cycle of 0"]);
}

#[test]
fn a_client_that_cannot_be_read_concerns_itself_alone() {
    for reason in [Reason::Forbidden, Reason::NotFound, Reason::ServerError, Reason::Decode, Reason::RateLimited] {
        let mut drive = Drive::new(Strategy::PerClient);
        drive.failing.insert("b".to_owned(), reason);
        assert_eq!(drive.until(99), ["0 list", "0 read a", "0 read b", "0 read c", "0 read d", "0 cycle of 0"]);
        // Never read, so that it is tried first.
        assert_eq!(
            drive.until(199),
            ["100 list", "100 read b", "100 read a", "133 read c", "166 read d", "166 cycle of 66"]
                .map(|line| line.to_owned())
        );
    }
}

#[test]
fn a_cycle_of_which_every_read_failed_is_none() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.failing = ["a", "b", "c", "d"].map(|id| (id.to_owned(), Reason::ServerError)).into();
    assert_eq!(drive.until(99), ["0 list", "0 read a", "0 read b", "0 read c", "0 read d"]);
    drive.failing.remove("c");
    assert_eq!(
        drive.until(199),
        ["100 list", "100 read a", "100 read b", "100 read c", "100 read d", "100 cycle of 0"]
    );
}

#[test]
fn a_cycle_that_takes_longer_than_the_interval_is_followed_by_the_next_at_once() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.list = Ok(vec!["a".to_owned()]);
    let start = drive.start;
    let at = |seconds| start + Duration::from_secs(seconds);
    let plan = &mut drive.plan;
    assert_eq!(plan.next(at(0), drive.pace), Next::List);
    plan.listed(at(1), ids(["a"]), true, false, drive.pace);
    assert_eq!(plan.next(at(1), drive.pace), Next::Read("a".into()));
    assert!(matches!(plan.next(at(120), drive.pace), Next::Wait(until) if until > at(120)));
    plan.read(at(130), &"a".into(), FINE, true, false);
    assert_eq!(plan.ended(at(130)), Some(Ended { took: Duration::from_secs(130) }));
    assert_eq!(plan.ended(at(130)), None);
    assert_eq!(plan.next(at(130), drive.pace), Next::List);
    plan.listed(at(131), ids(["a"]), true, false, drive.pace);
    assert_eq!(plan.next(at(131), drive.pace), Next::Read("a".into()));
    plan.read(at(132), &"a".into(), FINE, true, false);
    assert_eq!(plan.ended(at(132)), Some(Ended { took: Duration::from_secs(2) }));
    assert_eq!(plan.next(at(132), drive.pace), Next::Wait(at(230)));
}

#[test]
fn a_client_is_not_read_twice_at_a_time() {
    let mut drive = Drive::new(Strategy::PerClient);
    let now = drive.start;
    assert_eq!(drive.plan.next(now, drive.pace), Next::List);
    drive.plan.listed(now, ids(["a", "b"]), true, false, drive.pace);
    let asked = [drive.plan.next(now, drive.pace), drive.plan.next(now, drive.pace), drive.plan.next(now, drive.pace)];
    assert_eq!(asked, [Next::Read("a".into()), Next::Read("b".into()), Next::Wait(now + Duration::from_secs(100))]);
    let later = now + Duration::from_secs(500);
    assert_eq!(drive.plan.next(later, drive.pace), Next::Wait(later + Duration::from_secs(100)));
}

#[test]
fn a_client_whose_read_takes_longer_than_the_interval_does_not_hold_up_the_others() {
    let mut drive = Drive::new(Strategy::PerClient);
    let start = drive.start;
    let at = |seconds| start + Duration::from_secs(seconds);
    let (plan, pace) = (&mut drive.plan, drive.pace);
    let clients = || ids(["a", "b", "c"]);
    assert_eq!(plan.next(at(0), pace), Next::List);
    plan.listed(at(0), clients(), true, false, pace);
    assert_eq!(
        [plan.next(at(0), pace), plan.next(at(0), pace), plan.next(at(0), pace)],
        ["a", "b", "c"].map(|id| Next::Read(id.into()))
    );
    plan.read(at(1), &"a".into(), FINE, true, false);
    plan.read(at(1), &"c".into(), FINE, true, false);
    assert_eq!((plan.next(at(1), pace), plan.ended(at(1))), (Next::Wait(at(100)), None));
    // b goes on being read through the whole of the next cycle, which is one without it.
    assert_eq!(plan.next(at(100), pace), Next::List);
    assert_eq!(plan.ended(at(100)), Some(Ended { took: Duration::from_secs(100) }));
    plan.listed(at(100), clients(), true, false, pace);
    assert_eq!(plan.next(at(100), pace), Next::Read("a".into()));
    plan.read(at(101), &"a".into(), FINE, true, false);
    assert_eq!((plan.next(at(101), pace), plan.ended(at(101))), (Next::Wait(at(150)), None));
    assert_eq!(plan.next(at(150), pace), Next::Read("c".into()));
    plan.read(at(151), &"c".into(), FINE, true, false);
    assert_eq!(plan.ended(at(151)), Some(Ended { took: Duration::from_secs(51) }));
    plan.read_failed(at(160), &"b".into(), Reason::Paging);
    // In the one after that it is read again, with the others.
    assert_eq!(plan.next(at(200), pace), Next::List);
    plan.listed(at(200), clients(), true, false, pace);
    assert_eq!(plan.next(at(200), pace), Next::Read("b".into()));
}

#[test]
fn reads_that_wait_for_the_pace_are_waited_for() {
    let mut drive = Drive::with(Strategy::PerClient, Duration::from_secs(1), &["a", "b"]);
    let start = drive.start;
    let at = |seconds| start + Duration::from_secs(seconds);
    let (plan, pace) = (&mut drive.plan, drive.pace);
    assert_eq!(plan.next(at(0), pace), Next::List);
    plan.listed(at(0), ids(["a", "b"]), true, false, pace);
    assert_eq!([plan.next(at(0), pace), plan.next(at(0), pace)], ["a", "b"].map(|id| Next::Read(id.into())));
    plan.read(at(5), &"a".into(), FINE, true, false);
    assert_eq!((plan.next(at(5), pace), plan.ended(at(5))), (Next::Wait(at(60)), None));
    plan.read(at(10), &"b".into(), FINE, true, false);
    assert_eq!(plan.ended(at(10)), Some(Ended { took: Duration::from_secs(10) }));
    assert_eq!(plan.next(at(10), pace), Next::List);
}

//! A refused key.

use super::*;

#[test]
fn a_list_that_refuses_the_key_stops_all_but_a_probe_every_30_seconds() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    drive.list = Err(Reason::Unauthorized);
    assert_eq!(drive.until(200), ["100 list", "130 list", "160 list", "190 list"]);
}

#[test]
fn a_probe_that_fails_for_another_reason_is_still_a_probe() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.list = Err(Reason::Unauthorized);
    drive.until(1);
    drive.list = Err(Reason::ServerError);
    assert_eq!(drive.until(95), ["30 list", "60 list", "90 list"]);
}

#[test]
fn a_probe_that_succeeds_starts_a_cycle() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    drive.list = Err(Reason::Unauthorized);
    drive.until(135);
    drive.list = Ok(["a", "b", "c", "d"].map(str::to_owned).to_vec());
    assert_eq!(
        drive.until(260),
        [
            "160 list",
            "160 read a",
            "185 read b",
            "210 read c",
            "235 read d",
            "235 cycle of 75",
            "260 list",
            "260 read a"
        ]
    );
}

#[test]
fn a_changed_key_is_tried_at_once_and_no_other_change_does_anything() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(50);
    drive.plan.key_changed(drive.instant());
    assert_eq!(drive.until(99), [""; 0]);
    drive.list = Err(Reason::Unauthorized);
    assert_eq!(drive.until(110), ["100 list"]);
    drive.plan.key_changed(drive.instant());
    assert_eq!(drive.until(150), ["110 list", "140 list"]);
}

#[test]
fn a_probe_under_way_is_not_doubled_by_a_changed_key() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.list = Err(Reason::Unauthorized);
    drive.until(10);
    let at = |seconds| drive.start + Duration::from_secs(seconds);
    assert_eq!(drive.plan.next(at(30), drive.pace), Next::List);
    drive.plan.key_changed(at(31));
    assert!(matches!(drive.plan.next(at(31), drive.pace), Next::Wait(_)));
}

#[test]
fn reads_under_way_end_before_the_probe() {
    let mut drive = Drive::new(Strategy::PerClient);
    let start = drive.start;
    let at = |seconds| start + Duration::from_secs(seconds);
    let plan = &mut drive.plan;
    plan.next(at(0), drive.pace);
    plan.listed(at(0), ["a", "b"].map(ClientId::from).into_iter(), true, drive.pace);
    assert_eq!(
        [plan.next(at(0), drive.pace), plan.next(at(0), drive.pace)],
        [Next::Read("a".into()), Next::Read("b".into())]
    );
    plan.read_failed(at(1), &"a".into(), Reason::Unauthorized);
    assert!(matches!(plan.next(at(40), drive.pace), Next::Wait(_)));
    plan.read_failed(at(41), &"b".into(), Reason::Unauthorized);
    assert_eq!(plan.next(at(41), drive.pace), Next::Wait(at(71)));
    assert_eq!(plan.next(at(71), drive.pace), Next::List);
}

#[test]
fn a_sweep_that_refuses_the_key_leaves_all_unread() {
    let mut drive = Drive::new(Strategy::Bulk);
    drive.sweep = Err(Reason::Unauthorized);
    drive.until(0);
    drive.list = Err(Reason::Unauthorized);
    assert_eq!(drive.until(65), ["30 list", "60 list"]);
}

#[test]
fn a_read_that_refuses_the_key_stops_all_but_a_probe_every_30_seconds_over_all_cycles() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    drive.list = Err(Reason::Unauthorized);
    drive.failing.insert("b".to_owned(), Reason::Unauthorized);
    // As if the key was revoked between the list and the second read.
    let ids = ["a", "b", "c", "d"].map(ClientId::from);
    let now = drive.start + Duration::from_secs(100);
    assert_eq!(drive.plan.next(now, drive.pace), Next::List);
    drive.plan.listed(now, ids.into_iter(), true, drive.pace);
    assert_eq!(drive.until(250), ["100 read a", "125 read b", "155 list", "185 list", "215 list", "245 list"]);
}

#[test]
fn a_sweep_that_ends_after_the_key_was_refused_waits_for_the_probe_like_all_else() {
    let mut drive = Drive::new(Strategy::Bulk);
    drive.looks = ["a", "b", "c", "d"].map(|id| (id.to_owned(), Look { channels: 10, ..FINE })).into();
    drive.until(99);
    drive.now = Duration::from_secs(100);
    let now = drive.instant();
    assert_eq!(drive.plan.next(now, drive.pace), Next::List);
    drive.plan.list_failed(now, Reason::ServerError, drive.pace);
    assert_eq!(drive.plan.next(now, drive.pace), Next::BulkRead);
    let probe = now + Duration::from_secs(30);
    assert_eq!(drive.plan.next(probe, drive.pace), Next::List);
    drive.plan.list_failed(probe, Reason::Unauthorized, drive.pace);
    // The sweep lost so much that it would be read again.
    assert!(!drive.plan.sweep_is_believed(1, true));
    (drive.now, drive.list) = (Duration::from_secs(130), Err(Reason::Unauthorized));
    assert_eq!(drive.until(200), ["160 list", "190 list"]);
}

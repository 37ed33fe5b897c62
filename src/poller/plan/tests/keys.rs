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
fn a_path_that_refuses_the_key_is_that_paths_matter_while_the_list_takes_it() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    drive.failing.insert("b".to_owned(), Reason::Unauthorized);
    assert_eq!(
        drive.until(199),
        ["100 list", "100 read a", "125 read b", "125 list", "150 read c", "175 read d", "175 cycle of 75"]
    );
    // That it is refused again says nothing new.
    let log = ["200 list", "200 read a", "225 read b", "250 read c", "275 read d", "275 cycle of 75"];
    assert_eq!(drive.until(299), log);
}

#[test]
fn while_a_path_refuses_the_key_nothing_is_read_until_the_list_has_been_read() {
    let mut drive = Drive::new(Strategy::PerClient);
    let start = drive.start;
    let at = |seconds| start + Duration::from_secs(seconds);
    let plan = &mut drive.plan;
    plan.next(at(0), drive.pace);
    plan.listed(at(0), ids(["a", "b", "c"]), true, false, drive.pace);
    assert_eq!(
        [plan.next(at(0), drive.pace), plan.next(at(0), drive.pace)],
        [Next::Read("a".into()), Next::Read("b".into())]
    );
    plan.read_failed(at(1), &"a".into(), Reason::Unauthorized);
    assert_eq!(plan.next(at(1), drive.pace), Next::List);
    assert!(matches!(plan.next(at(2), drive.pace), Next::Wait(_)));
    plan.list_failed(at(3), Reason::Unauthorized, drive.pace);
    // The read that is under way ends before the probe.
    assert!(matches!(plan.next(at(40), drive.pace), Next::Wait(_)));
    plan.read_failed(at(41), &"b".into(), Reason::Unauthorized);
    assert_eq!(plan.next(at(41), drive.pace), Next::List);
}

#[test]
fn a_bulk_read_that_refuses_the_key_asks_the_list_what_that_means() {
    let mut drive = Drive::new(Strategy::Bulk);
    drive.bulk = Err(Reason::Unauthorized);
    assert_eq!(drive.until(65), ["0 list", "0 bulk", "0 all unread", "0 list"]);
    drive.list = Err(Reason::Unauthorized);
    assert_eq!(drive.until(165), ["100 list", "130 list", "160 list"]);
}

#[test]
fn auto_reads_per_client_where_the_bulk_path_alone_refuses_the_key() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.bulk = Err(Reason::Unauthorized);
    assert_eq!(
        drive.until(99),
        ["0 list", "0 bulk", "0 list", "0 read a", "0 read b", "0 read c", "0 read d", "0 cycle of 0"]
    );
    assert_eq!(drive.until(100), ["100 list", "100 read a"]);
}

#[test]
fn a_read_that_finds_the_key_refused_stops_all_but_a_probe_every_30_seconds_over_all_cycles() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    // As if the key was revoked between the list and the second read.
    let now = drive.start + Duration::from_secs(100);
    assert_eq!(drive.plan.next(now, drive.pace), Next::List);
    drive.plan.listed(now, ids(["a", "b", "c", "d"]), true, false, drive.pace);
    drive.list = Err(Reason::Unauthorized);
    drive.failing.insert("b".to_owned(), Reason::Unauthorized);
    assert_eq!(
        drive.until(250),
        ["100 read a", "125 read b", "125 list", "155 list", "185 list", "215 list", "245 list"]
    );
}

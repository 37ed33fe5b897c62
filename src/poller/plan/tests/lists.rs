//! Lists that can't be read, and lists that can't be believed.

use super::*;

#[test]
fn while_the_list_fails_the_known_clients_go_on_being_read_every_interval() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    drive.list = Err(Reason::ServerError);
    assert_eq!(
        drive.until(299),
        [
            "100 list",
            "100 read a",
            "125 read b",
            "130 list",
            "150 read c",
            "160 list",
            "175 read d",
            "190 list",
            "200 list",
            "200 read a",
            "225 read b",
            "230 list",
            "250 read c",
            "260 list",
            "275 read d",
            "290 list",
        ]
    );
}

#[test]
fn a_list_that_can_be_read_again_completes_the_cycle_and_brings_the_new_clients() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    drive.list = Err(Reason::Timeout);
    drive.until(129);
    drive.list = Ok(["a", "b", "c", "d", "z"].map(str::to_owned).to_vec());
    assert_eq!(
        drive.until(200),
        ["130 list", "130 read z", "150 read c", "175 read d", "175 cycle of 75", "200 list", "200 read a"]
    );
}

#[test]
fn where_nobody_is_known_a_failing_list_is_all_that_is_tried() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.list = Err(Reason::Connect);
    assert_eq!(drive.until(130), ["0 list", "30 list", "60 list", "90 list", "120 list"]);
}

#[test]
fn clients_of_an_earlier_run_are_read_though_the_list_fails() {
    let mut drive = Drive::with(Strategy::PerClient, Duration::from_secs(100), &["a", "b"]);
    drive.list = Err(Reason::Connect);
    assert_eq!(drive.until(31), ["0 list", "0 read a", "0 read b", "30 list"]);
}

#[test]
fn with_a_short_interval_a_failing_list_is_tried_once_an_interval() {
    let mut drive = Drive::with(Strategy::PerClient, Duration::from_secs(10), &["a"]);
    drive.list = Err(Reason::Connect);
    assert_eq!(drive.until(20), ["0 list", "0 read a", "10 list", "10 read a", "20 list", "20 read a"]);
}

#[test]
fn a_list_that_does_not_add_up_is_read_again_at_once_and_only_once() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    drive.again = true;
    assert_eq!(drive.until(110), ["100 list", "100 list", "100 read a"]);
}

#[test]
fn a_list_that_lacks_somebody_who_is_known_makes_no_full_cycle() {
    let mut drive = Drive::new(Strategy::PerClient);
    drive.until(99);
    drive.whole = false;
    let log = ["100 list", "100 read a", "125 read b", "150 read c", "175 read d", "200 list", "200 read a"];
    assert_eq!(drive.until(200), log);
}

#[test]
fn while_a_list_does_not_end_the_known_clients_go_on_being_read_every_interval() {
    let mut drive = Drive::new(Strategy::PerClient);
    let start = drive.start;
    drive.until(99);
    let at = |seconds| start + Duration::from_secs(seconds);
    let (plan, pace) = (&mut drive.plan, drive.pace);
    assert_eq!(plan.next(at(100), pace), Next::List);
    assert_eq!(plan.next(at(100), pace), Next::Wait(at(200)));
    for began in [200, 300] {
        for (client, due) in [("a", 0), ("b", 25), ("c", 50), ("d", 75)] {
            let now = at(began + due);
            assert_eq!(plan.next(now, pace), Next::Read(client.into()));
            plan.read(now, &client.into(), FINE, true, false);
            assert_eq!(plan.ended(now), None, "a full cycle has a list");
        }
    }
    // The list ends after all: it is that of the cycle under way.
    plan.listed(at(380), ids(["a", "b", "c", "d", "z"]), true, false, pace);
    assert_eq!(plan.next(at(380), pace), Next::Read("z".into()));
    plan.read(at(381), &"z".into(), FINE, true, false);
    assert_eq!(plan.ended(at(381)), Some(Ended { took: Duration::from_secs(81) }));
    assert_eq!(plan.next(at(381), pace), Next::Wait(at(400)));
    assert_eq!(plan.next(at(400), pace), Next::List);
}

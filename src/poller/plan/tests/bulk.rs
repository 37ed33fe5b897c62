//! Bulk reads of the partner's channel list, and the choice between the two ways.

use super::*;

fn contains(drive: &mut Drive, end: u64, word: &str) -> Vec<String> {
    drive.until(end).into_iter().filter(|line| line.contains(word)).collect()
}

#[test]
fn in_bulk_a_cycle_is_a_list_and_a_bulk_read() {
    let mut drive = Drive::new(Strategy::Bulk);
    drive.looks.insert("b".to_owned(), TROUBLED);
    assert_eq!(drive.until(100), ["0 list", "0 bulk", "0 cycle of 0", "100 list", "100 bulk", "100 cycle of 0"]);
}

#[test]
fn a_failed_bulk_read_leaves_all_unread_and_is_tried_once_more_in_its_cycle() {
    for reason in [Reason::Paging, Reason::ServerError, Reason::Timeout] {
        let mut drive = Drive::new(Strategy::Bulk);
        drive.bulk = Err(reason);
        assert_eq!(
            drive.until(100),
            ["0 list", "0 bulk", "0 all unread", "30 bulk", "30 all unread", "100 list", "100 bulk", "100 all unread"],
            "{reason}"
        );
    }
}

#[test]
fn a_refused_bulk_read_is_tried_again_in_the_next_cycle_if_nothing_else_is_asked_for() {
    for reason in [Reason::Forbidden, Reason::NotFound, Reason::Decode] {
        let mut drive = Drive::new(Strategy::Bulk);
        drive.bulk = Err(reason);
        let log = ["0 list", "0 bulk", "0 all unread", "100 list", "100 bulk", "100 all unread"];
        assert_eq!(drive.until(100), log, "{reason}");
    }
}

#[test]
fn a_bulk_read_that_does_not_add_up_is_read_again_at_once_and_only_once() {
    let mut drive = Drive::new(Strategy::Bulk);
    drive.until(99);
    drive.again = true;
    assert_eq!(drive.until(199), ["100 list", "100 list", "100 bulk", "100 bulk", "100 cycle of 0"]);
}

#[test]
fn bulk_reads_go_on_while_the_list_fails() {
    let mut drive = Drive::new(Strategy::Bulk);
    drive.until(99);
    drive.list = Err(Reason::ServerError);
    assert_eq!(drive.until(200), ["100 list", "100 bulk", "130 list", "160 list", "190 list", "200 list", "200 bulk"]);
}

#[test]
fn auto_begins_in_bulk_and_reads_per_client_while_a_cycle_fits_into_the_interval() {
    // Four clients on pages of two: three pages with the last, empty one, and
    // four reads.
    for (requests_per_second, second) in [(0.07, "100 read a"), (0.069, "100 bulk")] {
        let mut drive = Drive::new(Strategy::Auto);
        drive.pace.requests_per_second = requests_per_second;
        assert_eq!(drive.until(99)[..2], ["0 list", "0 bulk"]);
        assert_eq!(drive.until(100)[..2], ["100 list", second]);
    }
}

#[test]
fn auto_changes_with_the_pace() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.until(199);
    drive.pace.requests_per_second = 0.01;
    assert_eq!(drive.until(299), ["200 list", "200 bulk", "200 cycle of 0"]);
    assert_eq!(drive.plan.reads(), Some(Reads::Bulk));
    drive.pace.requests_per_second = 1.0;
    assert_eq!(drive.until(300), ["300 list", "300 read a"]);
    assert_eq!(drive.plan.reads(), Some(Reads::PerClient));
}

#[test]
fn a_cycle_that_can_no_longer_end_in_time_is_finished_in_bulk() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.list = Ok(many(50));
    drive.pace = Pace::of(1.0, 1000);
    drive.until(99);
    assert_eq!(drive.until(120).len(), 12, "a list, and a read every two seconds");
    drive.pace.requests_per_second = 0.1;
    assert_eq!(drive.until(199), ["120 bulk", "120 cycle of 20"]);
    drive.pace.requests_per_second = 1.0;
    assert_eq!(contains(&mut drive, 299, "bulk"), [""; 0]);
}

#[test]
fn after_a_bulk_read_auto_reads_the_clients_in_trouble_spread_over_the_rest_of_the_interval() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.pace.requests_per_second = 0.05;
    drive.looks = ["b", "d"].map(|id| (id.to_owned(), TROUBLED)).into();
    assert_eq!(
        drive.until(100),
        [
            "0 list",
            "0 bulk",
            "0 cycle of 0",
            "0 read b",
            "50 read d",
            "100 list",
            "100 bulk",
            "100 cycle of 0",
            "100 read b"
        ]
    );
}

#[test]
fn clients_of_which_a_bulk_read_contradicts_a_single_read_are_read_alone_at_once() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.pace.requests_per_second = 0.05;
    drive.looks.insert("a".to_owned(), TROUBLED);
    drive.until(99);
    drive.contradicted = ids(["c", "d"]);
    assert_eq!(drive.until(199), ["100 list", "100 bulk", "100 cycle of 0", "100 read c", "100 read d", "100 read a"]);
}

#[test]
fn a_client_that_changed_is_watched_for_three_cycles() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.pace.requests_per_second = 0.05;
    drive.until(99);
    drive.looks.insert("c".to_owned(), Look { fingerprint: 1, ..FINE });
    assert_eq!(contains(&mut drive, 599, "read"), ["100 read c", "200 read c", "300 read c"]);
}

#[test]
fn the_budget_that_is_left_bounds_how_many_are_watched() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.pace.requests_per_second = 0.02;
    drive.looks = ["b", "c", "d"].map(|id| (id.to_owned(), TROUBLED)).into();
    assert_eq!(drive.until(99), ["0 list", "0 bulk", "0 cycle of 0", "0 read b", "50 read c"]);
    // Who was not read alone yet comes first, then who was longest ago.
    assert_eq!(contains(&mut drive, 199, "read"), ["100 read d", "150 read b"]);
}

#[test]
fn a_bulk_read_that_fails_while_single_reads_succeed_is_no_cycle() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.pace.requests_per_second = 0.02;
    drive.looks.insert("b".to_owned(), TROUBLED);
    drive.until(99);
    drive.bulk = Err(Reason::ServerError);
    assert_eq!(
        drive.until(199),
        ["100 list", "100 bulk", "100 all unread", "130 bulk", "130 all unread", "130 read b"]
    );
}

#[test]
fn an_auto_bulk_read_that_is_refused_turns_into_reads_per_client_for_an_hour() {
    for reason in [Reason::Forbidden, Reason::NotFound, Reason::Decode] {
        let mut drive = Drive::new(Strategy::Auto);
        drive.pace.requests_per_second = 0.01;
        drive.bulk = Err(reason);
        assert_eq!(
            drive.until(99),
            ["0 list", "0 bulk", "0 read a", "0 read b", "0 read c", "0 read d", "0 cycle of 0"],
            "{reason}"
        );
        assert_eq!(contains(&mut drive, 3_700, "bulk"), ["3600 bulk"], "{reason}");
    }
}

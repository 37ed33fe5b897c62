//! Sweeps through the partner's channel list, and the choice between the two.

use super::*;

#[test]
fn in_bulk_a_cycle_is_a_list_and_a_sweep() {
    let mut drive = Drive::new(Strategy::Bulk);
    drive.looks.insert("b".to_owned(), TROUBLED);
    assert_eq!(drive.until(100), ["0 list", "0 sweep", "0 cycle of 0", "100 list", "100 sweep", "100 cycle of 0"]);
}

#[test]
fn a_failed_sweep_leaves_all_unread_and_is_tried_again_in_the_next_cycle() {
    for reason in [Reason::Forbidden, Reason::NotFound, Reason::Paging, Reason::ServerError] {
        let mut drive = Drive::new(Strategy::Bulk);
        drive.sweep = Err(reason);
        assert_eq!(
            drive.until(100),
            ["0 list", "0 sweep", "0 all unread", "100 list", "100 sweep", "100 all unread"],
            "{reason}"
        );
    }
}

#[test]
fn sweeps_go_on_while_the_list_fails() {
    let mut drive = Drive::new(Strategy::Bulk);
    drive.until(99);
    drive.list = Err(Reason::ServerError);
    assert_eq!(
        drive.until(200),
        ["100 list", "100 sweep", "130 list", "160 list", "190 list", "200 list", "200 sweep"]
    );
}

#[test]
fn auto_reads_client_by_client_while_a_cycle_fits_into_the_interval() {
    // Four clients on pages of two: three pages with the last, empty one, and
    // four reads.
    for (requests_per_second, first) in [(0.07, "0 read a"), (0.069, "0 sweep")] {
        let mut drive = Drive::new(Strategy::Auto);
        drive.pace.requests_per_second = requests_per_second;
        assert_eq!(drive.until(0)[..2], ["0 list", first]);
    }
}

#[test]
fn auto_changes_with_the_pace() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.until(99);
    drive.pace.requests_per_second = 0.01;
    assert_eq!(drive.until(199), ["100 list", "100 sweep", "100 cycle of 0"]);
    drive.pace.requests_per_second = 1.0;
    assert_eq!(drive.until(200), ["200 list", "200 read a"]);
}

#[test]
fn after_a_sweep_auto_reads_the_clients_in_trouble_spread_over_the_rest_of_the_interval() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.pace.requests_per_second = 0.05;
    drive.looks = ["b", "d"].map(|id| (id.to_owned(), TROUBLED)).into();
    assert_eq!(
        drive.until(100),
        [
            "0 list",
            "0 sweep",
            "0 cycle of 0",
            "0 read b",
            "50 read d",
            "100 list",
            "100 sweep",
            "100 cycle of 0",
            "100 read b"
        ]
    );
}

#[test]
fn a_client_that_changed_is_watched_for_three_cycles() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.pace.requests_per_second = 0.05;
    drive.until(99);
    drive.looks.insert("c".to_owned(), Look { fingerprint: 1, ..FINE });
    let reads: Vec<String> = drive.until(599).into_iter().filter(|line| line.contains("read")).collect();
    assert_eq!(reads, ["100 read c", "200 read c", "300 read c"]);
}

#[test]
fn the_budget_that_is_left_bounds_how_many_are_watched() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.pace.requests_per_second = 0.02;
    drive.looks = ["b", "c", "d"].map(|id| (id.to_owned(), TROUBLED)).into();
    assert_eq!(drive.until(99), ["0 list", "0 sweep", "0 cycle of 0", "0 read b", "50 read c"]);
}

#[test]
fn where_a_sweep_fails_the_longest_unread_of_those_who_are_watched_come_first() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.pace.requests_per_second = 0.02;
    drive.looks = ["b", "c", "d"].map(|id| (id.to_owned(), TROUBLED)).into();
    drive.until(99);
    drive.sweep = Err(Reason::ServerError);
    // c was read at 50, after the sweep; b and d at 0.
    assert_eq!(
        drive.until(199),
        ["100 list", "100 sweep", "100 all unread", "100 read b", "100 cycle of 0", "150 read d"]
    );
}

#[test]
fn an_auto_sweep_that_is_refused_turns_into_reads_for_an_hour() {
    for reason in [Reason::Forbidden, Reason::NotFound] {
        let mut drive = Drive::new(Strategy::Auto);
        drive.pace.requests_per_second = 0.01;
        drive.sweep = Err(reason);
        assert_eq!(
            drive.until(99),
            ["0 list", "0 sweep", "0 read a", "0 read b", "0 read c", "0 read d", "0 cycle of 0"],
            "{reason}"
        );
        let sweeps: Vec<String> = drive.until(3_700).into_iter().filter(|line| line.contains("sweep")).collect();
        assert_eq!(sweeps, ["3600 sweep"], "{reason}");
    }
}

#[test]
fn an_auto_sweep_that_fails_otherwise_leaves_its_budget_to_those_who_are_watched() {
    let mut drive = Drive::new(Strategy::Auto);
    drive.pace.requests_per_second = 0.05;
    drive.looks.insert("b".to_owned(), TROUBLED);
    drive.until(99);
    drive.sweep = Err(Reason::ServerError);
    assert_eq!(drive.until(199), ["100 list", "100 sweep", "100 all unread", "100 read b", "100 cycle of 0"]);
}

#[test]
fn a_sweep_that_lost_more_than_half_of_the_channels_is_read_again_and_then_believed() {
    let mut drive = Drive::new(Strategy::Bulk);
    drive.looks = ["a", "b", "c", "d"].map(|id| (id.to_owned(), Look { channels: 3, ..FINE })).into();
    drive.until(99);
    drive.looks = ["b", "c", "d"].map(|id| (id.to_owned(), Look { channels: 0, ..FINE })).into();
    drive.looks.insert("a".to_owned(), Look { channels: 3, ..FINE });
    assert_eq!(drive.until(199), ["100 list", "100 sweep", "100 not believed", "100 sweep", "100 cycle of 0"]);
}

#[test]
fn a_doubt_about_the_clients_is_none_about_their_channels() {
    let mut drive = Drive::new(Strategy::Bulk);
    drive.list = Ok(many(20));
    drive.looks = many(20).into_iter().map(|id| (id, Look { channels: 3, ..FINE })).collect();
    drive.until(99);
    let at = |seconds| drive.start + Duration::from_secs(seconds);
    assert_eq!(drive.plan.next(at(100), drive.pace), Next::List);
    drive.plan.list_failed(at(100), Reason::ServerError, drive.pace);
    assert_eq!(drive.plan.next(at(100), drive.pace), Next::BulkRead);
    assert_eq!(drive.plan.next(at(130), drive.pace), Next::List);
    assert!(!drive.plan.listed(at(130), many(2).into_iter().map(ClientId::from), true, drive.pace));
    assert!(!drive.plan.sweep_is_believed(6, true), "a sweep that lost nine tenths");
}

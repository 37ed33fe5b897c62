use proptest::prelude::*;

use super::*;

/// Reads `server`, which serves an offset with a page of ids and a total.
fn read(cap: usize, mut server: impl FnMut(usize) -> (Vec<u32>, Option<u64>)) -> (Vec<u32>, Coverage) {
    let mut pager = Pager::new(Bounds { items: cap, pages: MAX_PAGES });
    let mut items = Vec::new();
    loop {
        let (page, total) = server(pager.offset());
        let fresh: Vec<u32> = page.iter().copied().filter(|&id| pager.is_new(id)).collect();
        items.extend(&fresh);
        if pager.page(page.len(), fresh.len(), total) == Step::End {
            return (items, pager.finish(0));
        }
    }
}

fn window(all: &[u32], offset: usize, limit: usize) -> Vec<u32> {
    all.iter().copied().skip(offset).take(limit).collect()
}

const SHORT: Coverage = Coverage { adds_up: false, ..Coverage::WHOLE };
const MOVED: Coverage = Coverage { shrank: true, ..Coverage::WHOLE };

#[test]
fn a_server_that_clamps_the_limit_is_read_to_its_end() {
    let all: Vec<u32> = (0..95).collect();
    assert_eq!(read(1000, |offset| (window(&all, offset, 10), Some(95))), (all.clone(), Coverage::WHOLE));
}

#[test]
fn a_total_that_is_too_small_does_not_shorten_the_list() {
    let all: Vec<u32> = (0..95).collect();
    assert_eq!(read(1000, |offset| (window(&all, offset, 10), Some(10))), (all.clone(), Coverage::WHOLE));
}

#[test]
fn a_total_that_is_too_large_keeps_the_list_but_does_not_add_up() {
    let all: Vec<u32> = (0..95).collect();
    assert_eq!(read(1000, |offset| (window(&all, offset, 10), Some(96))), (all.clone(), SHORT));
}

#[test]
fn a_list_that_is_cut_by_an_empty_page_does_not_add_up() {
    let all: Vec<u32> = (0..20).collect();
    assert_eq!(read(1000, |offset| (window(&all, offset, 20), Some(60))), (all.clone(), SHORT));
}

#[test]
fn a_removal_while_a_list_is_read_adds_up_but_proves_nothing_gone() {
    let before: Vec<u32> = (0..20).collect();
    let after: Vec<u32> = (1..20).collect();
    let read = read(1000, |offset| match offset {
        0 => (window(&before, 0, 10), Some(20)),
        _ => (window(&after, offset, 10), Some(19)),
    });
    let without_the_shifted_one: Vec<u32> = (0..10).chain(11..20).collect();
    assert_eq!(read, (without_the_shifted_one, MOVED));
}

#[test]
fn an_insertion_while_a_list_is_read_does_not_add_up_though_all_older_items_come() {
    let before: Vec<u32> = (1..21).collect();
    let after: Vec<u32> = (0..21).collect();
    let (items, coverage) = read(1000, |offset| match offset {
        0 => (window(&before, 0, 10), Some(20)),
        _ => (window(&after, offset, 10), Some(21)),
    });
    assert_eq!((items, coverage.adds_up), (before, false));
}

#[test]
fn an_insertion_and_a_removal_while_a_list_is_read_do_not_add_up() {
    let read = read(1000, |offset| match offset {
        0 => (vec![1, 2, 3], Some(6)),
        // 0 came in front, and 3 begins the page again; then 1 is removed.
        3 => (vec![3, 4, 5], Some(7)),
        _ => (Vec::new(), Some(6)),
    });
    assert_eq!(read.0, [1, 2, 3, 4, 5]);
    assert!(!read.1.adds_up, "{:?}", read.1);
}

#[test]
fn a_server_that_ignores_the_offset_does_not_add_up_unless_one_page_is_all() {
    let all: Vec<u32> = (0..10).collect();
    for total in [20, 40, 95] {
        let (items, coverage) = read(1000, |_| (all.clone(), Some(total)));
        assert_eq!((items, coverage.adds_up), (all.clone(), false), "total {total}");
    }
    assert_eq!(read(1000, |_| (all.clone(), Some(10))), (all.clone(), Coverage::WHOLE));
}

#[test]
fn an_item_that_a_server_holds_twice_is_accounted_for_on_its_page() {
    for (held, total) in [(vec![1, 2, 1], 2), (vec![1, 2, 1], 3)] {
        let (_, coverage) = read(1000, |offset| (window(&held, offset, 3), Some(total)));
        assert_eq!(coverage, Coverage::WHOLE, "{held:?} of {total}");
    }
    // On another page it may stand where an item should be that did not come:
    // at the edge of two pages, or alone on the last one.
    for held in [vec![0, 1, 2, 2, 3], vec![0, 1, 2, 3, 4, 5, 5], vec![0, 1, 2, 3, 4, 5, 0]] {
        let total = held.len() as u64;
        let (_, coverage) = read(1000, |offset| (window(&held, offset, 3), Some(total)));
        assert!(!coverage.is_complete(), "{held:?}");
    }
    let doubled = |total| read(1000, move |offset| (if offset == 0 { vec![1, 2, 1] } else { vec![] }, Some(total)));
    assert_eq!(doubled(4).1, SHORT);
    // Two are held twice: the third of a total of three is neither of them.
    let between = read(1000, move |offset| (if offset == 0 { vec![1, 1, 2, 2] } else { vec![] }, Some(3)));
    assert_eq!(between, (vec![1, 2], SHORT));
}

#[test]
fn an_item_that_a_server_sends_again_on_its_page_skips_no_other_item() {
    let all: Vec<u32> = (0..10).collect();
    let beyond_its_offsets = read(1000, |offset| {
        let mut page = window(&all, offset, 3);
        page.extend(page.first().copied());
        (page, Some(10))
    });
    assert_eq!(beyond_its_offsets.0, all);
    let held_twice = [0, 0, 1, 2, 3, 4];
    let within_its_offsets = read(1000, |offset| (window(&held_twice, offset, 3), Some(6)));
    assert_eq!(within_its_offsets.0, [0, 1, 2, 3, 4]);
}

#[test]
fn repeated_items_prove_nothing_gone_unless_the_total_is_what_came() {
    // Of 0 to 3 the last never comes: a total that is too low does not see it.
    let shuffled = |page: &'static [u32], total| {
        read(1000, move |offset| (if offset == 0 { page } else { &[0, 2][..] }.to_vec(), Some(total)))
    };
    assert_eq!(shuffled(&[0, 1, 2], 1), (vec![0, 1, 2], MOVED));
    assert_eq!(shuffled(&[0, 1, 2], 3), (vec![0, 1, 2], Coverage::WHOLE));
    assert!(!shuffled(&[0, 1, 2], 4).1.adds_up);
}

#[test]
fn a_list_without_end_is_given_up_at_the_bound_of_items_pages_or_twice_what_it_announced() {
    let invented = |offset: usize| (offset as u32..offset as u32 + 10).collect::<Vec<_>>();
    let (items, coverage) = read(300, |offset| (invented(offset), None));
    assert_eq!((items.len(), coverage.endless, coverage.adds_up), (310, true, false));
    let (items, coverage) = read(100_000, |offset| (invented(offset), Some(60)));
    assert_eq!((items.len(), coverage.endless, coverage.adds_up), (230, true, false));
    let mut pager = Pager::new(Bounds { items: 1000, pages: 2 });
    assert!(pager.is_new(1));
    assert_eq!(pager.page(1, 1, None), Step::More);
    assert!(pager.is_new(2));
    assert_eq!(pager.page(1, 1, None), Step::End);
    assert!(pager.finish(0).endless);
}

#[test]
fn a_list_may_grow_to_twice_what_was_known_and_a_hundred() {
    assert_eq!(Bounds::growing_from(Some(50)).items, 200);
    assert_eq!(Bounds::growing_from(None).items, MAX_ITEMS);
}

proptest! {
    /// Whatever a server does, the read ends, and if it proves absence then
    /// no item that an honest `total` counts is missing.
    #[test]
    fn no_server_makes_a_read_endless_or_a_short_read_complete(
        pages in prop::collection::vec(prop::collection::vec(0u32..50, 0..12), 0..30),
        total in prop::option::of(0u64..60),
    ) {
        let mut served = 0usize;
        let mut pages = pages.into_iter();
        let (items, coverage) = read(200, |_| {
            served += 1;
            (pages.next().unwrap_or_default(), total)
        });
        prop_assert!(served <= 200 + 1);
        let unique: std::collections::HashSet<_> = items.iter().collect();
        prop_assert_eq!(unique.len(), items.len());
        if coverage.adds_up {
            prop_assert!(total.is_none_or(|t| t <= 2 * items.len() as u64 + 12));
        }
    }

    /// An honest server of any size and any clamp is read whole.
    #[test]
    fn an_honest_server_is_read_whole(n in 0u32..300, clamp in 1usize..40, names_total: bool) {
        let all: Vec<u32> = (0..n).collect();
        let read = read(1000, |o| (window(&all, o, clamp), names_total.then_some(u64::from(n))));
        prop_assert_eq!(read, (all.clone(), Coverage::WHOLE));
    }
}

use super::*;

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn room_for(most: usize) -> Arc<Connections> {
    Arc::new(Connections { most, table: Mutex::default(), leaving: AtomicUsize::new(0) })
}

/// Which of them had to give way.
fn gone(places: &[Place]) -> Vec<usize> {
    let gone = places.iter().enumerate().filter(|(_, place)| place.peer.give_way.is_cancelled());
    gone.map(|(at, _)| at).collect()
}

#[tokio::test(start_paused = true)]
async fn the_connection_that_is_idle_longest_gives_way_unless_a_response_is_being_made() {
    let connections = room_for(3);
    let mut places = Vec::new();
    for _ in 0..3 {
        places.push(connections.admit([127, 0, 0, 1].into()).place.unwrap());
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let _work = places[0].peer.work();
    let fourth = connections.admit([127, 0, 0, 1].into());
    assert!(fourth.displaced && fourth.place.is_some());
    assert_eq!(gone(&places), [1]);
    assert_eq!(connections.count(), 3);
    drop(places);
    assert_eq!(connections.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_nothing_gives_way_before_one_that_does() {
    let connections = room_for(6);
    let [reads, asks, served, silent, stuck, guesses] =
        std::array::from_fn(|_| connections.admit([127, 0, 0, 1].into()).place.unwrap());
    let _stuck = stuck.peer.sending();
    for place in [&reads, &served, &stuck] {
        place.peer.spoke();
        drop(place.peer.work());
    }
    tokio::time::advance(CHANCE).await;
    let sending = reads.peer.sending();
    sending.progress();
    asks.peer.spoke();
    guesses.peer.spoke();
    guesses.peer.is_suspect.store(true, Ordering::Relaxed);
    tokio::time::advance(MOMENT).await;
    let places = [silent, guesses, served, stuck, reads, asks];
    let mut order = Vec::new();
    let mut newcomers = Vec::new();
    while order.len() < places.len() {
        // Those at work leave the rest to choose from.
        let newcomer = connections.admit([127, 0, 0, 1].into()).place.unwrap();
        newcomers.push((newcomer.peer.work(), newcomer));
        order.extend(gone(&places).into_iter().find(|at| !order.contains(at)));
    }
    assert_eq!(order, [0, 1, 2, 3, 4, 5]);
    drop(sending);
}

#[tokio::test(start_paused = true)]
async fn in_a_flood_a_newcomer_stays_for_as_many_others_as_there_are_places() {
    let connections = room_for(8);
    let newcomers = |count: usize| -> Vec<Place> {
        (0..count).map(|_| connections.admit([127, 0, 0, 1].into()).place.unwrap()).collect()
    };
    let flood = newcomers(20);
    let scraper = newcomers(1);
    let more = newcomers(7);
    assert_eq!((gone(&flood).len(), gone(&scraper).len(), gone(&more).len()), (20, 0, 0));
    scraper[0].peer.spoke();
    let work = scraper[0].peer.work();
    let last = newcomers(20);
    assert_eq!((gone(&scraper).len(), gone(&last).len()), (0, 13));
    drop(work);
}

#[tokio::test(start_paused = true)]
async fn the_address_with_the_most_connections_gives_way_first() {
    let connections = room_for(16);
    let scraper = connections.admit(address(1)).place.unwrap();
    let mut flood = Vec::new();
    for round in 0..50 {
        for from in 2..=10 {
            flood.extend(connections.admit(address(from)).place);
        }
        assert_eq!(gone(std::slice::from_ref(&scraper)), [] as [usize; 0], "round {round}");
    }
    assert_eq!(connections.count(), 16);
}

#[tokio::test]
async fn when_all_are_at_work_a_new_connection_is_refused() {
    let connections = room_for(1);
    let first = connections.admit(address(1)).place.unwrap();
    let _work = first.peer.work();
    let second = connections.admit(address(2));
    assert!(second.place.is_none() && !second.displaced);
}

#[tokio::test(start_paused = true)]
async fn one_address_has_an_eighth_of_the_connections_at_most_and_loopback_all() {
    let connections = room_for(16);
    let others: Vec<_> = (1..=3).map(|i| connections.admit(address(i)).place.unwrap()).collect();
    let mut greedy = Vec::new();
    for _ in 0..10 {
        greedy.extend(connections.admit(address(9)).place);
        tokio::time::advance(CHANCE).await;
    }
    assert_eq!(connections.count(), 3 + 2);
    assert!(others.iter().all(|place| !place.peer.give_way.is_cancelled()));
    assert_eq!(greedy.iter().filter(|place| !place.peer.give_way.is_cancelled()).count(), 2);
    tokio::time::advance(CHANCE).await;
    let local: Vec<_> = (0..11).map(|_| connections.admit([127, 0, 0, 1].into())).collect();
    assert!(local.iter().all(|admitted| !admitted.displaced));
    assert_eq!(connections.count(), 16);
}

#[tokio::test(start_paused = true)]
async fn a_response_of_which_nothing_is_taken_stalls_and_a_slow_one_does_not() {
    let peer = Arc::new(Peer::new(address(1)));
    let (slow, stuck) = (peer.sending(), peer.sending());
    for _ in 0..3 {
        assert!(!peer.is_stalled());
        tokio::time::advance(STALLED / 3 + Duration::from_millis(10)).await;
        slow.progress();
    }
    assert!(peer.is_stalled());
    drop(stuck);
    assert!(!peer.is_stalled() && !peer.is_idle_for(Duration::ZERO));
    drop(slow);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert!(peer.is_idle_for(Duration::from_secs(4)) && !peer.is_idle_for(Duration::from_secs(5)));
}

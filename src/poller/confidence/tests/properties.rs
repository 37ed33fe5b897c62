//! What holds whatever comes.

use proptest::prelude::*;

use super::*;

/// One read of a world of up to 12 clients with a channel each.
#[derive(Debug, Clone)]
struct Step {
    bulk: bool,
    seen: Vec<usize>,
    adds_up: bool,
    shrank: bool,
    next_cycle: bool,
    seconds: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let seen = prop::collection::btree_set(0..12_usize, 0..13).prop_map(|seen| seen.into_iter().collect());
    (any::<bool>(), seen, prop::bool::weighted(0.7), prop::bool::weighted(0.2), any::<bool>(), 1..100_u64).prop_map(
        |(bulk, seen, adds_up, shrank, next_cycle, seconds)| Step { bulk, seen, adds_up, shrank, next_cycle, seconds },
    )
}

fn client(i: usize) -> String {
    format!("c{i:02}")
}

proptest! {
    /// Nobody leaves by a read that proves no absence; more than five leave only
    /// by the second of two complete reads of different cycles, 30 seconds apart,
    /// that both lacked them; and who is seen is known.
    #[test]
    fn losses_are_believed_as_far_as_they_are_proved(steps in prop::collection::vec(step(), 1..30)) {
        let mut confidence = clients_knowing(12);
        let (mut now, mut cycle) = (0, 1);
        // When a complete read first lacked a client, and in which cycle.
        let mut lacked: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for Step { seen, adds_up, shrank, next_cycle, seconds, .. } in steps {
            now += seconds;
            cycle += u64::from(next_cycle);
            confidence.begin_cycle(cycle);
            let known = confidence.client_ids();
            let ids: Vec<String> = seen.iter().map(|&i| client(i)).collect();
            let coverage = Coverage { adds_up, shrank, ..Coverage::WHOLE };
            let (counted, gone, whole, _) = list(&mut confidence, &refs(&ids), coverage, now);
            prop_assert!(counted.iter().all(|id| ids.contains(id)));
            let proves = proves_absence(coverage);
            if proves {
                let confirmed = |id: &String| {
                    lacked.get(id).is_some_and(|(at, in_cycle)| *in_cycle < cycle && now - at >= 30)
                };
                let unconfirmed = gone.iter().filter(|id| !confirmed(id)).count();
                let believable = if ids.is_empty() { 0 } else { SMALL_LOSS };
                prop_assert!(unconfirmed <= believable);
            } else {
                prop_assert_eq!(&gone, &nobody());
                prop_assert_eq!(whole, known.iter().all(|id| ids.contains(&id.to_string())));
            }
            prop_assert!(!ids.iter().any(|id| gone.contains(id)));
            lacked.retain(|id, _| !ids.contains(id) && !gone.contains(id));
            for id in confidence.client_ids() {
                if proves && !ids.contains(&id.to_string()) {
                    lacked.entry(id.to_string()).or_insert((now, cycle));
                }
            }
        }
    }

    /// Channels leave only by reads that prove it, whether they are read alone or
    /// in bulk; and what is said to have left is no longer known.
    #[test]
    fn channels_leave_only_by_reads_that_prove_it(steps in prop::collection::vec(step(), 1..30)) {
        let known = (0..12).map(|i| KnownClient {
            id: client(i).as_str().into(),
            channels: vec![format!("x{i:02}").as_str().into()],
        });
        let mut confidence = Confidence::new(known.collect());
        confidence.begin_cycle(1);
        let (mut now, mut cycle) = (0, 1);
        for Step { bulk, seen, adds_up, shrank, next_cycle, seconds } in steps {
            now += seconds;
            if next_cycle {
                cycle += 1;
                confidence.begin_cycle(cycle);
            }
            let coverage = Coverage { adds_up, shrank, ..Coverage::WHOLE };
            let before = confidence.channels;
            let channel = |i: usize| good(&format!("x{i:02}"));
            let gone = if bulk {
                confidence.bulk_started(at(now));
                let item = |i: &usize| OwnedChannel { client: Some(client(*i).as_str().into()), channel: channel(*i) };
                confidence.bulk_page(seen.iter().map(item).collect(), at(now), |_| true);
                confidence.bulk_ended(coverage, at(now)).unwrap().gone.len()
            } else {
                let i = seen.first().copied().unwrap_or_default();
                let channels = if seen.len() > 6 { vec![channel(i)] } else { Vec::new() };
                confidence.client_read(&client(i).as_str().into(), channels, coverage, at(now)).unwrap().gone.len()
            };
            prop_assert!(gone == 0 || proves_absence(coverage));
            prop_assert!(confidence.channels + gone >= before);
            let counted: usize = confidence.known().iter().map(|known| known.channels.len()).sum();
            prop_assert_eq!(counted, confidence.channels);
        }
    }
}

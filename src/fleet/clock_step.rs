//! Somebody sets the wall clock: the times at which the exporter saw something move
//! with it. Never here: times that the API sends, and ages.

use jiff::SignedDuration;

use super::{Change, Fleet};
use crate::model::Timestamp;

impl Fleet {
    /// Moves all times that the exporter took by as much as the wall clock was set:
    /// what was a minute ago stays a minute ago, and no time lies in the future.
    pub fn wall_clock_set(&mut self, by: SignedDuration) {
        let set = |at: &mut Timestamp| *at = at.saturating_add(by);
        if let Some((at, _)) = &mut self.partner_state.last_cycle {
            set(at);
        }
        self.changes.partner();
        for (id, state) in &mut self.clients {
            state.last_refresh.iter_mut().for_each(set);
            for channel in &mut state.channels {
                channel.times_mut().for_each(set);
            }
            self.changes.client(id.clone(), Change::Data);
        }
        for id in self.gone.set_times(set) {
            self.changes.client(id, Change::Data);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Channel, Client, Moment, Observation};

    #[test]
    fn what_was_a_minute_ago_stays_a_minute_ago_when_the_clock_is_set() {
        for by in [-3600, 7200] {
            let (read, set) = (Timestamp::from_second(1_700_000_000), SignedDuration::from_secs(by));
            let mut fleet = Fleet::new("onePA".into(), Duration::from_secs(100));
            let (clients, at) = (vec![Client::new("aCL")], read.into());
            fleet.apply(Observation::ClientsListed { clients, gone: vec![], whole: true, at });
            let channels = vec![Channel::new("xCH")];
            let client = "aCL".into();
            fleet.apply(Observation::ChannelsRead { client, channels, gone: vec![], whole: true, at });
            fleet.apply(Observation::ChannelsUnreadable {
                client: "aCL".into(),
                failure: crate::model::Reason::Timeout.into(),
            });
            fleet.apply(Observation::CycleCompleted { took: Duration::from_secs(1), at: read });
            let steady = |seconds| read.saturating_add(SignedDuration::from_secs(seconds));
            let now = |seconds| Moment { wall: steady(seconds).saturating_add(set), steady: steady(seconds) };
            fleet.expire(steady(60));
            fleet.wall_clock_set(set);
            fleet.expire(now(60));
            let client = fleet.clients(..).next().unwrap();
            assert_eq!((client.last_refresh, client.expired), (Some(now(0).wall), false));
            assert_eq!(fleet.partner_state().last_cycle, Some((now(0).wall, Duration::from_secs(1))));
            fleet.expire(now(101));
            assert!(fleet.clients(..).next().unwrap().expired, "after its time");
        }
    }
}

//! The WhatsApp business accounts of a client, as its channels describe them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ClientState;
use crate::model::WabaAccount;

impl ClientState {
    /// The accounts of the client's channels, each once, in order of their ids. If
    /// two channels describe one account differently, the first that says more
    /// than the id counts; channels are in order of their ids.
    pub fn wabas(&self) -> impl Iterator<Item = &Arc<WabaAccount>> {
        let mut accounts: BTreeMap<&str, &Arc<WabaAccount>> = BTreeMap::new();
        let mut last: Option<&Arc<WabaAccount>> = None;
        for waba in self.channels.iter().filter_map(|known| known.channel.waba.as_ref()) {
            // Channels of one client mostly share one account in memory.
            if last.is_some_and(|last| Arc::ptr_eq(last, waba)) {
                continue;
            }
            last = Some(waba);
            let known = accounts.entry(&waba.id).or_insert(waba);
            if !known.is_described() {
                *known = waba;
            }
        }
        accounts.into_values()
    }

    /// Lets the channel at `place` share its account with the others of the client
    /// that describe it alike, so that a fleet keeps each account once.
    pub(super) fn share_waba(&mut self, place: usize) {
        let Some(waba) = &self.channels[place].channel.waba else { return };
        let others =
            self.channels.iter().take(super::client::LINEAR_SCAN_LIMIT).filter_map(|known| known.channel.waba.as_ref());
        if let Some(same) = others.into_iter().find(|other| !Arc::ptr_eq(other, waba) && *other == waba).cloned() {
            Arc::make_mut(&mut self.channels[place].channel).waba = Some(same);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::ChannelState;
    use crate::model::{Channel, Client};

    fn state(wabas: &[Option<WabaAccount>]) -> ClientState {
        let mut state = ClientState::new(Client::new("aCL"), crate::model::Timestamp::UNIX_EPOCH);
        for (i, waba) in wabas.iter().enumerate() {
            let channel = Channel { waba: waba.clone().map(Arc::new), ..Channel::new(format!("{i}CH")) };
            state.channels.push(ChannelState::new(channel));
        }
        state
    }

    #[test]
    fn of_two_channels_that_disagree_about_their_account_the_first_that_describes_it_counts() {
        let waba = |status: Option<&str>| Some(WabaAccount { status: status.map(Into::into), ..WabaAccount::new("w") });
        let state = state(&[waba(None), None, waba(Some("banned")), waba(Some("approved"))]);
        let accounts: Vec<_> = state.wabas().map(|waba| (waba.id.as_str(), waba.status.as_deref())).collect();
        assert_eq!(accounts, [("w", Some("banned"))]);
    }

    #[test]
    fn channels_with_the_same_account_share_it_in_memory() {
        let mut state = state(&[Some(WabaAccount::new("w")), Some(WabaAccount::new("w")), Some(WabaAccount::new("x"))]);
        (0..3).for_each(|place| state.share_waba(place));
        let [a, b, c] = [0, 1, 2].map(|place| state.channels[place].channel.waba.clone().unwrap());
        assert!(Arc::ptr_eq(&a, &b));
        assert_eq!((&*a.id, &*c.id), ("w", "x"));
    }
}

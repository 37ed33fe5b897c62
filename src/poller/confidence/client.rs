//! What a read of one client's channels proves.

use super::*;

/// What a read of one client's channels proves.
#[derive(Debug, PartialEq, Eq)]
pub struct ReadVerdict {
    /// The channels that count.
    pub channels: Vec<Channel>,
    /// Channels that are gone.
    pub gone: Vec<ChannelId>,
    /// It was a read of all channels that are known.
    pub whole: bool,
    /// The client should be read again at once.
    pub again: bool,
}

impl Confidence {
    /// Judges a read of one client's channels that started at `started`. `None`
    /// if it proves nothing: the client is not known, or a later-started read of
    /// it was judged before.
    pub fn client_read(
        &mut self,
        client: &ClientId,
        channels: Vec<Channel>,
        coverage: Coverage,
        started: Instant,
    ) -> Option<ReadVerdict> {
        let known = self.clients.get_mut(client)?;
        if known.single_read.is_some_and(|later| later > started) {
            return None;
        }
        let first = known.channels.is_empty();
        let grew = !first && channels.len() > growth_bound(known.channels.len());
        let believable = !coverage.endless && !grew;
        known.single_read = Some(started);
        self.bulk.forget_said(client);

        let known = self.clients.get(client)?;
        let channels: Vec<Channel> =
            channels.into_iter().filter(|channel| believable || known.find(&channel.id).is_ok()).collect();
        let mut ids: Vec<&ChannelId> = channels.iter().map(|channel| &channel.id).collect();
        ids.sort();
        let absent: Vec<ChannelId> = known
            .channels
            .iter()
            .map(|channel| &channel.id)
            .filter(|id| ids.binary_search(id).is_err())
            .cloned()
            .collect();
        let all_absent = absent.len() == known.channels.len();

        for channel in &channels {
            self.missing.seen(&(client.clone(), channel.id.clone()));
            self.remember_value(client, &channel.id, Fingerprint::of(channel));
        }
        if !proves_absence(coverage) || !believable {
            let whole = absent.is_empty() && !(coverage.endless && channels.is_empty());
            let again = !coverage.adds_up || coverage.endless || !whole;
            return Some(ReadVerdict { channels, gone: Vec::new(), whole, again });
        }
        let gone = self.gone_channels(client, absent, all_absent, coverage, started);
        Some(ReadVerdict { channels, gone, whole: true, again: false })
    }

    /// Those of `absent` that a complete read of the client proves gone now.
    fn gone_channels(
        &mut self,
        client: &ClientId,
        absent: Vec<ChannelId>,
        all_absent: bool,
        coverage: Coverage,
        started: Instant,
    ) -> Vec<ChannelId> {
        let read = self.absence(started);
        let Some(known) = self.clients.get(client) else { return Vec::new() };
        let (several, unreadable) = (known.channels.len() > 1, known.unreadable);
        let mut absent: Vec<_> = absent.into_iter().map(|channel| (client.clone(), channel)).collect();
        self.missing.excuse(&mut absent, unreadable.for_read(coverage.unreadable), read);
        let excusing = self.missing.excuses(|(owner, _)| owner == client);
        if let Some(known) = self.clients.get_mut(client) {
            known.unreadable.after_read(coverage.unreadable, excusing);
        }
        let (mut gone, fresh) = self.missing.split(absent, read);
        if all_absent && several {
            self.missing.remember(fresh, read);
        } else if self.cycle.left + self.cycle.waiting.len() + fresh.len() <= SMALL_LOSS {
            self.cycle.left += fresh.len();
            gone.extend(fresh);
        } else {
            let first: Vec<_> = fresh.iter().filter(|absent| !self.missing.holds(absent)).cloned().collect();
            self.cycle.waiting.extend(first);
            self.missing.remember(fresh, read);
        }
        gone.iter().for_each(|(client, channel)| self.forget_channel(client, channel));
        gone.into_iter().map(|(_, channel)| channel).collect()
    }
}

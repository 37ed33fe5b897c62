//! Rows and numbers out of a snapshot.

use std::time::Duration;

use super::Context;
use crate::exposition::PartnerSummary;
use crate::fleet::{ChangeRecord, Freshness, ListedClient};
use crate::model::{Availability, ChannelId, ClientId, QualityRating, Timestamp};
use crate::view::{ChangeRow, ChannelRow, ClientRow, Query, Sort, Trouble, severity};

/// How many channels are in which state.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) channels: usize,
    pub(super) attention: usize,
    pub(super) by_availability: [usize; Availability::ALL.len()],
    pub(super) by_rating: [usize; QualityRating::ALL.len()],
}

impl Numbers {
    fn add(&mut self, row: &ChannelRow) {
        self.channels += 1;
        self.attention += usize::from(!row.troubles.is_empty());
        self.by_availability[row.channel.availability as usize] += 1;
        self.by_rating[row.channel.quality as usize] += 1;
    }
}

/// A point in time: for machines, and as an age for people.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) at: String,
    pub(super) age: String,
}

impl Moment {
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at: at.strftime("%Y-%m-%d %H:%M:%SZ"), age: crate::view::span(whole_seconds(age(at, now))) }
    }

    /// As a `datetime` attribute.
    pub(super) fn machine(&self) -> String {
        self.at.replace(' ', "T")
    }
}

/// An age is not shown more finely than the second.
pub(super) fn whole_seconds(age: Duration) -> Duration {
    Duration::from_secs(age.as_secs())
}

/// How long ago a point in time is; nothing for what is still to come.
pub(super) fn age(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

impl Context<'_> {
    /// Every client with its partner.
    pub(super) fn listed(&self) -> impl Iterator<Item = (&PartnerSummary, &ListedClient, Freshness)> {
        self.snapshot.partners().iter().flat_map(|partner| {
            let clients = partner.parts.iter().flat_map(|part| part.clients());
            clients.map(move |(client, freshness)| (partner, client, freshness))
        })
    }

    /// Every channel of a client.
    pub(super) fn rows_of<'a>(
        &'a self,
        partner: &'a PartnerSummary,
        listed: &'a ListedClient,
    ) -> impl Iterator<Item = ChannelRow> + 'a {
        listed.channels.iter().map(|channel| {
            let mut row = ChannelRow {
                partner: partner.partner.clone(),
                client: Some(listed.client.clone()),
                channel: channel.channel.clone(),
                phone_number: self.snapshot.phone_number(&channel.channel).into(),
                troubles: Vec::new(),
                changed_at: channel.changed_at,
                history: channel.history.clone(),
            };
            row.troubles = Trouble::of(&row, self.now);
            row
        })
    }

    /// The channels that are asked for, and the numbers of the whole fleet.
    pub(super) fn channels(&self, query: &Query) -> (Vec<ChannelRow>, Numbers) {
        let mut numbers = Numbers::default();
        let mut rows = Vec::new();
        for (partner, listed, _) in self.listed() {
            for row in self.rows_of(partner, listed) {
                numbers.add(&row);
                if query.matches(&row) {
                    rows.push(row);
                }
            }
        }
        (rows, numbers)
    }

    /// Sorts channels; the worst first unless `sort` says otherwise. Equal ones
    /// are in the order of their clients' ids.
    pub(super) fn sort_channels(&self, rows: &mut Vec<ChannelRow>, sort: Sort) {
        if sort.field == Sort::SEVERITY {
            let latest = |row: &ChannelRow| std::cmp::Reverse(row.changed_at);
            rows.sort_by_cached_key(|row| (severity(row, self.now), latest(row)));
            if sort.descending {
                rows.reverse();
            }
        } else {
            crate::view::sort_rows(rows, crate::view::CHANNEL_FIELDS, sort);
        }
    }

    /// The clients that are asked for.
    pub(super) fn clients(&self, query: &Query) -> Vec<ClientRow> {
        let any = |list: &[String], value: &str| list.is_empty() || list.iter().any(|wanted| wanted == value);
        let rows = self.listed().map(|(partner, listed, freshness)| self.client_row(partner, listed, freshness));
        rows.filter(|row| {
            any(&query.partners, row.partner.as_str())
                && any(&query.clients, row.client.id.as_str())
                && (!query.attention || row.is_unreadable())
                && (query.search.is_empty() || query.search.finds(row.texts(), ""))
        })
        .collect()
    }

    fn client_row(&self, partner: &PartnerSummary, listed: &ListedClient, freshness: Freshness) -> ClientRow {
        let was_read = freshness.last_refresh.is_some() && !freshness.expired;
        let attention = || self.rows_of(partner, listed).filter(|row| !row.troubles.is_empty()).count() as u64;
        ClientRow {
            partner: partner.partner.clone(),
            client: listed.client.clone(),
            channels: was_read.then_some(listed.channels.len() as u64),
            attention: was_read.then(attention),
            up: freshness.up,
            last_refresh: freshness.last_refresh,
            expired: freshness.expired,
        }
    }

    /// The changes that are asked for, newest first.
    pub(super) fn changes(&self, query: &Query) -> Vec<ChangeRow> {
        let any = |list: &[String], value: &str| list.is_empty() || list.iter().any(|wanted| wanted == value);
        let mut rows = Vec::new();
        for partner in self.snapshot.partners() {
            let asked = partner.state.recent.newest().filter(|record| {
                any(&query.partners, partner.partner.as_str())
                    && any(&query.clients, record.transition.client.as_str())
                    && any(&query.fields, record.transition.field.as_str())
            });
            rows.extend(asked.map(|ChangeRecord { at, transition: change }| ChangeRow {
                partner: partner.partner.clone(),
                client: change.client.clone(),
                client_name: None,
                channel: change.channel.clone(),
                display_name: None,
                at: *at,
                field: change.field.as_str(),
                from: (&*change.from).into(),
                to: (&*change.to).into(),
                direction: change.direction.as_str(),
            }));
        }
        self.name_changes(&mut rows);
        if !query.search.is_empty() {
            rows.retain(|row| query.search.finds(row.texts(), ""));
        }
        // Stable: what one partner saw at the same moment keeps its order.
        rows.sort_by_key(|row| std::cmp::Reverse(row.at));
        rows
    }

    /// Names what is still there.
    fn name_changes(&self, rows: &mut [ChangeRow]) {
        let mut wanted: std::collections::HashMap<(ClientId, ChannelId), Vec<usize>> = Default::default();
        for (at, row) in rows.iter().enumerate() {
            wanted.entry((row.client.clone(), row.channel.clone())).or_default().push(at);
        }
        for (_, listed, _) in self.listed() {
            for channel in &listed.channels {
                let key = (listed.client.id.clone(), channel.channel.id.clone());
                for &at in wanted.get(&key).into_iter().flatten() {
                    rows[at].client_name = listed.client.name.clone();
                    rows[at].display_name = channel.channel.display_name.clone();
                }
            }
        }
    }

    /// How old the oldest data is that is shown.
    pub(super) fn data_age(&self) -> Option<Duration> {
        let shown = self.listed().filter(|(_, _, freshness)| !freshness.expired);
        shown.filter_map(|(_, _, freshness)| freshness.last_refresh).min().map(|at| age(at, self.now))
    }

    /// Whether ids need the partner beside them.
    pub(super) fn several_partners(&self) -> bool {
        self.snapshot.partners().len() > 1
    }
}

/// The part of a list that is asked for, and where it stands in it.
#[derive(Debug)]
pub(super) struct Slice<T> {
    pub(super) rows: Vec<T>,
    pub(super) total: usize,
    pub(super) page: usize,
    pub(super) pages: usize,
    /// Number of the first row, from 1.
    pub(super) first: usize,
}

impl<T> Slice<T> {
    pub(super) fn of(rows: Vec<T>, query: &Query) -> Self {
        let (total, page) = (rows.len(), query.page.unwrap_or(1));
        let skipped = (page - 1).saturating_mul(query.per_page);
        let rows = rows.into_iter().skip(skipped).take(query.per_page).collect();
        Self { rows, total, page, pages: total.div_ceil(query.per_page).max(1), first: skipped.saturating_add(1) }
    }
}

/// A name if there is one, or else the id; characters that can't be seen are
/// written out.
pub(super) fn named(name: Option<&str>, id: &str) -> String {
    let name = name.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(id);
    crate::view::visible(&crate::view::shortened(name, LONGEST_NAME)).into_owned()
}

/// Characters of a name in a list; all of it is on its own page.
const LONGEST_NAME: usize = 120;

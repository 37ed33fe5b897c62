//! Can this page be trusted? How old the data is, whether the API responds, what
//! is wrong and what to do. Nothing is green that is not known.

use std::time::Duration;

use super::data::{Moment, age, whole_seconds};
use super::{Context, links};
use crate::exposition::PartnerSummary;
use crate::fleet::Freshness;
use crate::model::{Endpoint, Reason, Timestamp};
use crate::view::{Query, span};

/// How far the data can be trusted; the later, the less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// All of it was read lately.
    Current,
    /// Some clients can't be read.
    Partial,
    /// The first read is under way.
    Reading,
    /// Nothing could be refreshed lately.
    Stale,
    /// There is nothing to show.
    Nothing,
}

impl Level {
    /// The class of the banner.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Current => "good",
            Self::Partial => "warning",
            Self::Reading => "unknown",
            Self::Stale | Self::Nothing => "bad",
        }
    }

    /// Whether numbers keep their colours.
    pub(super) fn is_coloured(self) -> bool {
        matches!(self, Self::Current | Self::Partial)
    }
}

/// What can be said of one partner's data.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) partner: String,
    pub(super) level: Level,
    /// One line that says it all.
    pub(super) headline: String,
    /// What went wrong.
    pub(super) cause: Option<String>,
    /// What to do about it.
    pub(super) remedy: Option<String>,
    /// The clients' list that explains it, if there is one.
    pub(super) clients: bool,
    /// How old the oldest of the data is that is shown.
    pub(super) age: Option<String>,
    pub(super) read: Reads,
}

/// How many clients are in which state of being read.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Reads {
    pub(super) clients: usize,
    /// Read, and shown.
    pub(super) shown: usize,
    /// Never read.
    pub(super) waiting: usize,
    /// The last attempt failed.
    pub(super) failing: usize,
    /// Read too long ago.
    pub(super) expired: usize,
    oldest: Option<Timestamp>,
    newest: Option<Timestamp>,
}

impl Reads {
    fn add(&mut self, freshness: Freshness) {
        let Freshness { up, last_refresh, expired } = freshness;
        self.clients += 1;
        self.failing += usize::from(up == Some(false));
        self.expired += usize::from(expired);
        self.waiting += usize::from(last_refresh.is_none() && !expired);
        if let Some(at) = last_refresh {
            self.newest = self.newest.max(Some(at));
            if !expired {
                self.shown += 1;
                self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
            }
        }
    }
}

impl Trust {
    /// What can be said of each partner, the least trustworthy first.
    pub(super) fn of_all(context: &Context<'_>) -> Vec<Self> {
        let mut all: Vec<_> = context.snapshot.partners().iter().map(|partner| Self::of(context, partner)).collect();
        all.sort_by_key(|trust| std::cmp::Reverse(trust.level));
        all
    }

    fn of(context: &Context<'_>, partner: &PartnerSummary) -> Self {
        let mut read = Reads::default();
        let clients = partner.parts.iter().flat_map(|part| part.clients());
        clients.for_each(|(_, freshness)| read.add(freshness));
        let now = context.now;
        let failure = context.telemetry.last_failure(&partner.partner);
        let failing_list = failure.filter(|_| partner.state.up != Some(true));
        let mut trust = Self {
            partner: partner.partner.to_string(),
            level: Level::Current,
            headline: String::new(),
            cause: None,
            remedy: None,
            clients: false,
            age: read.oldest.map(|at| span(whole_seconds(age(at, now)))),
            read,
        };
        if let Some(failure) = failing_list {
            trust.failing(failure.endpoint, failure.reason, now);
        } else if partner.state.up != Some(true) && read.clients == 0 {
            trust.say(Level::Nothing, "No data yet: the first read of the client list is under way.".to_owned());
        } else if partner.state.up != Some(true) {
            let age = trust.age.as_deref().unwrap_or("unknown");
            trust.say(
                Level::Reading,
                format!("Data from before the restart, up to {age} old. The first read is under way."),
            );
        } else {
            trust.listed(partner, now);
            if read.failing > 0 {
                trust.cause = failure.map(|f| format!("Last error: {}.", f.reason.in_words()));
                trust.remedy = failure.map(|f| sentence(f.reason.remedy()));
            }
        }
        trust
    }

    /// The client list can't be read.
    fn failing(&mut self, endpoint: Endpoint, reason: Reason, now: Timestamp) {
        let what = match endpoint {
            Endpoint::Clients => "The client list can't be read",
            Endpoint::PartnerBalance | Endpoint::ClientBalance => "The balance can't be read",
            _ => "The channels can't be read",
        };
        self.cause = Some(format!("{what}: {}.", reason.in_words()));
        self.remedy = Some(sentence(reason.remedy()));
        let subject = match reason {
            Reason::Unauthorized => "The API key is rejected",
            Reason::Connect | Reason::Timeout | Reason::ServerError => "The API is down",
            _ => "The API can't be read",
        };
        match (self.read.oldest, self.read.newest) {
            (Some(oldest), _) => {
                let old = span(whole_seconds(age(oldest, now)));
                self.say(Level::Stale, format!("{subject}. The data below is up to {old} old."));
            }
            (None, Some(newest)) => {
                let old = span(whole_seconds(age(newest, now)));
                self.say(Level::Nothing, format!("{subject}. The data has expired: the last read was {old} ago."));
            }
            (None, None) => self.say(Level::Nothing, format!("{subject}. Nothing could be read yet.")),
        }
    }

    /// The client list is read: what of the clients?
    fn listed(&mut self, partner: &PartnerSummary, now: Timestamp) {
        let Reads { clients, shown, waiting, failing, expired, .. } = self.read;
        let oldest = self.read.oldest.map(|at| span(whole_seconds(age(at, now)))).unwrap_or_default();
        if clients == 0 {
            self.say(Level::Current, "The API responds. The partner account has no clients.".to_owned());
        } else if waiting > 0 && partner.state.last_cycle.is_none() {
            self.say(Level::Reading, format!("The first read is under way: {shown} of {clients} clients."));
        } else if shown == 0 {
            self.clients = true;
            self.say(Level::Nothing, format!("No data: none of {clients} clients can be read."));
        } else if failing == clients {
            self.clients = true;
            self.say(Level::Stale, format!("No client can be read. The data below is up to {oldest} old."));
        } else if failing + expired + waiting > 0 {
            self.clients = true;
            let missing = failing.max(expired).max(waiting);
            self.say(Level::Partial, format!("{missing} of {clients} clients can't be read. Data up to {oldest} old."));
        } else {
            let all = if clients == 1 { "The client was".to_owned() } else { format!("All {clients} clients were") };
            self.say(Level::Current, format!("{all} read within the last {oldest}."));
        }
    }

    fn say(&mut self, level: Level, headline: String) {
        (self.level, self.headline) = (level, headline);
    }
}

/// A partner as a whole, in words.
#[derive(Debug)]
pub(super) struct PartnerState {
    pub(super) trust: Trust,
    pub(super) channels: usize,
    pub(super) channels_href: String,
    /// The list of its clients.
    pub(super) clients: String,
    /// Those that can't be read.
    pub(super) unreadable: String,
    /// How its channels are read.
    pub(super) strategy: &'static str,
    /// What is missing but not yet believed to be gone.
    pub(super) unconfirmed: Option<String>,
    pub(super) cycle: Option<(Moment, String)>,
    pub(super) budget: Option<String>,
    pub(super) failure: Option<(String, Moment)>,
}

impl PartnerState {
    pub(super) fn of_all(context: &Context<'_>) -> Vec<Self> {
        let of = |partner: &PartnerSummary| Self::of(context, partner);
        context.snapshot.partners().iter().map(of).collect()
    }

    fn of(context: &Context<'_>, partner: &PartnerSummary) -> Self {
        let now = context.now;
        let channels = partner.parts.iter().flat_map(|part| part.clients()).map(|(listed, _)| listed.channels.len());
        let failure = context.telemetry.last_failure(&partner.partner);
        let own = Query { partners: vec![partner.partner.to_string()], ..Query::default() };
        Self {
            trust: Trust::of(context, partner),
            channels: channels.sum(),
            channels_href: links::with(links::root(0), &own),
            clients: links::with("clients", &own),
            unreadable: links::with("clients", &Query { attention: true, ..own }),
            strategy: strategy(partner.state.strategy),
            unconfirmed: unconfirmed(partner.state.unconfirmed_removals),
            cycle: partner.state.last_cycle.map(|(at, took)| (Moment::new(at, now), span(rounded(took)))),
            budget: context.telemetry.budget(&partner.partner).map(pace),
            failure: failure
                .map(|f| (format!("{} ({})", f.reason.in_words(), f.endpoint.as_str()), Moment::new(f.at, now))),
        }
    }
}

/// How the channels are read, in words.
fn strategy(reads: Option<crate::model::Reads>) -> &'static str {
    match reads {
        Some(crate::model::Reads::PerClient) => "client by client",
        Some(crate::model::Reads::Bulk) => "in bulk, from the partner's channel list",
        None => "not yet",
    }
}

/// Removals that wait for another read, in words.
fn unconfirmed((clients, channels): (usize, usize)) -> Option<String> {
    let counted = |count: usize, one: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{} {one}s", crate::view::thousands(count as u64))),
    };
    let missing: Vec<_> = [counted(clients, "client"), counted(channels, "channel")].into_iter().flatten().collect();
    (!missing.is_empty()).then(|| format!("{}, waiting for another read to confirm it", missing.join(" and ")))
}

/// Requests per second, or per minute where that is easier to read.
fn pace(per_second: f64) -> String {
    if per_second >= 1.0 {
        format!("{per_second:.1} requests per second")
    } else {
        format!("{:.0} requests per minute", per_second * 60.0)
    }
}

/// To the second, from a second on.
fn rounded(took: Duration) -> Duration {
    if took < Duration::from_secs(1) { took } else { Duration::from_secs(took.as_secs_f64().round() as u64) }
}

/// A clause as a sentence.
fn sentence(clause: &str) -> String {
    let mut chars = clause.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).chain(['.']).collect()
}

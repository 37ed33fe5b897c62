//! Which channels need a person, and why: only what an operator can act on. A
//! medium rating or a fresh set-up is worth a list, not an alarm.

use jiff::SignedDuration;

use super::ChannelRow;
use crate::model::{Availability, Channel, HubStatus, LifecycleStatus, QualityRating, Timestamp};

/// How long a change for the worse is news.
const NEWS: SignedDuration = SignedDuration::from_hours(24);

/// How long before its end a channel is worth a look.
const ENDS_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long a set-up may take, as in the alert about it.
const SETUP: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Statuses of a WhatsApp business account that stop its numbers.
pub const WABA_TROUBLE: &[&str] = &["banned", "disabled", "bsp_removed", "rejected", "restricted"];

/// Why a channel needs a person; the first is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// It can't send or receive.
    Error,
    /// Its WhatsApp business account is banned, disabled, or the like.
    Waba,
    /// Meta rates it low.
    Low,
    /// Its availability, rating, limit or status got worse within a day.
    Worse,
    /// Meta declined its display name.
    NameDeclined,
    /// It is cancelled or about to be deleted.
    Ending,
    /// It has been in set-up for more than three days.
    StuckInSetup,
}

impl Trouble {
    /// All that is wrong with a channel, the worst first.
    pub fn of(row: &ChannelRow, now: Timestamp) -> Vec<Self> {
        let channel = &*row.channel;
        let waba = row.waba_status().is_some_and(|status| WABA_TROUBLE.contains(&status));
        let worse = row.worse_since().is_some_and(|at| now.duration_since(at) < NEWS);
        let found = [
            (Self::Error, channel.availability == Availability::Error),
            (Self::Waba, waba),
            (Self::Low, channel.quality == QualityRating::Low),
            (Self::Worse, worse),
            (Self::NameDeclined, name_declined(row)),
            (Self::Ending, ends_soon(channel, now)),
            (Self::StuckInSetup, stuck_in_setup(channel, now)),
        ];
        found.into_iter().filter_map(|(trouble, is)| is.then_some(trouble)).collect()
    }

    /// In a word or three, for a table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Waba => "account trouble",
            Self::Low => "low rating",
            Self::Worse => "got worse",
            Self::NameDeclined => "name declined",
            Self::Ending => "ends soon",
            Self::StuckInSetup => "stuck in set-up",
        }
    }

    /// As a sentence, for the page of one channel.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Error => "The number is in error: it can't be relied on to send or receive.",
            Self::Waba => "Its WhatsApp business account is banned, restricted or disabled.",
            Self::Low => "Meta rates its quality low.",
            Self::Worse => "Its state got worse within the last day.",
            Self::NameDeclined => "Meta declined its display name.",
            Self::Ending => "It is cancelled, or ends within 30 days.",
            Self::StuckInSetup => "Its set-up has taken more than three days.",
        }
    }
}

/// Where a channel stands in a list that begins with the worst: the smaller, the
/// worse.
pub fn severity(row: &ChannelRow, now: Timestamp) -> u8 {
    if let Some(worst) = Trouble::of(row, now).first() {
        return *worst as u8;
    }
    let rest = match (row.channel.availability, row.channel.quality) {
        (Availability::Unknown, _) => 0,
        (Availability::SettingUp, _) => 1,
        (_, QualityRating::Medium) => 2,
        (_, QualityRating::Unknown) => 3,
        (_, QualityRating::Na) => 4,
        _ => 5,
    };
    Trouble::StuckInSetup as u8 + 1 + rest
}

fn name_declined(row: &ChannelRow) -> bool {
    row.channel.status == LifecycleStatus::CertificateDeclined || row.new_name_status() == Some("declined")
}

/// A cancelled channel whose end has passed is history, not news.
fn ends_soon(channel: &Channel, now: Timestamp) -> bool {
    match channel.terminated_at {
        Some(end) => end > now && end.duration_since(now) <= ENDS_SOON,
        None => channel.cancelled_at.is_some() || channel.hub_status == Some(HubStatus::PendingDeletion),
    }
}

fn stuck_in_setup(channel: &Channel, now: Timestamp) -> bool {
    channel.availability == Availability::SettingUp
        && channel.created_at.is_some_and(|created| now.duration_since(created) > SETUP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Direction, LastChange, WatchedField};
    use crate::model::MessagingLimit;

    fn now() -> Timestamp {
        "2026-06-15T12:00:00Z".parse().unwrap()
    }

    fn well() -> Channel {
        let limit = Some(MessagingLimit::Recipients(1000));
        let (availability, quality, status) = (Availability::Ready, QualityRating::High, LifecycleStatus::Ready);
        Channel { availability, quality, status, limit, ..Channel::new("xCH") }
    }

    fn of(channel: Channel) -> Vec<Trouble> {
        Trouble::of(&ChannelRow::new("examplePA".into(), channel), now())
    }

    #[test]
    fn a_medium_rating_and_a_fresh_set_up_need_nobody() {
        assert_eq!(of(well()), []);
        assert_eq!(of(Channel { quality: QualityRating::Medium, ..well() }), []);
        let fresh = Some("2026-06-14T12:00:00Z".parse().unwrap());
        assert_eq!(of(Channel { availability: Availability::SettingUp, created_at: fresh, ..well() }), []);
    }

    #[test]
    fn trouble_is_what_an_operator_can_act_on() {
        let days = |days: i64| Some(now().saturating_add(SignedDuration::from_hours(24 * days)));
        let cases = [
            (Channel { availability: Availability::Error, ..well() }, vec![Trouble::Error]),
            (Channel { quality: QualityRating::Low, ..well() }, vec![Trouble::Low]),
            (Channel { status: LifecycleStatus::CertificateDeclined, ..well() }, vec![Trouble::NameDeclined]),
            (Channel { hub_status: Some(HubStatus::PendingDeletion), ..well() }, vec![Trouble::Ending]),
            (Channel { cancelled_at: days(-2), ..well() }, vec![Trouble::Ending]),
            (Channel { cancelled_at: days(-2), terminated_at: days(20), ..well() }, vec![Trouble::Ending]),
            (Channel { cancelled_at: days(-2), terminated_at: days(90), ..well() }, vec![]),
            (Channel { cancelled_at: days(-40), terminated_at: days(-10), ..well() }, vec![]),
            (
                Channel { availability: Availability::SettingUp, created_at: days(-4), ..well() },
                vec![Trouble::StuckInSetup],
            ),
            (
                Channel { availability: Availability::Error, quality: QualityRating::Low, ..well() },
                vec![Trouble::Error, Trouble::Low],
            ),
        ];
        for (channel, expected) in cases {
            assert_eq!(of(channel.clone()), expected, "{channel:?}");
        }
    }

    #[test]
    fn a_change_for_the_worse_is_news_for_a_day() {
        let changed = |hours: i64, direction: Direction| LastChange {
            field: WatchedField::MessagingLimit,
            from: "1000".into(),
            to: "250".into(),
            direction,
            at: now().saturating_add(SignedDuration::from_hours(-hours)),
        };
        let of = |change: LastChange| {
            let history = [change].into_iter().collect();
            Trouble::of(&ChannelRow { history, ..ChannelRow::new("examplePA".into(), well()) }, now())
        };
        assert_eq!(of(changed(23, Direction::Worse)), [Trouble::Worse]);
        assert_eq!(of(changed(25, Direction::Worse)), []);
        assert_eq!(of(changed(1, Direction::Other)), []);
    }

    #[test]
    fn the_worst_comes_first_and_what_is_well_last() {
        let rank = |channel: Channel| severity(&ChannelRow::new("examplePA".into(), channel), now());
        let ranks = [
            Channel { availability: Availability::Error, ..well() },
            Channel { quality: QualityRating::Low, ..well() },
            Channel { availability: Availability::Unknown, ..well() },
            Channel { availability: Availability::SettingUp, ..well() },
            Channel { quality: QualityRating::Medium, ..well() },
            Channel { quality: QualityRating::Na, ..well() },
            well(),
        ]
        .map(rank);
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
    }
}

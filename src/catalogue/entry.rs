//! An entry of the table: a family, and how its samples are read from a row.

use super::sink::Sink;
use crate::family::Family;
use crate::fleet::{ClientState, GoneChannel, GoneClient, History, PartnerState};
use crate::model::{Channel, WabaAccount};

/// One family of the fleet.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// What it is.
    pub family: Family,
    /// How its samples are read.
    pub read: Read,
}

/// How the samples of a family are read, and so from which rows.
#[derive(Debug, Clone, Copy)]
pub enum Read {
    /// From every channel that is shown.
    Channel(fn(&ChannelRow<'_>, &mut dyn Sink)),
    /// From every channel that is gone.
    GoneChannel(fn(&GoneChannelRow<'_>, &mut dyn Sink)),
    /// From every client that is gone.
    GoneClient(fn(&GoneClient, &mut dyn Sink)),
    /// From every WABA of a client whose data is shown.
    Waba(fn(&WabaAccount, &mut dyn Sink)),
    /// From every client whose data is shown.
    Client(fn(&ClientState, &mut dyn Sink)),
    /// From every client of the list, even if its data has expired.
    ListedClient(fn(&ClientState, &mut dyn Sink)),
    /// As [`Read::ListedClient`], and also made anew when a client was read and
    /// nothing else of it changed.
    ClientFreshness(fn(&ClientState, &mut dyn Sink)),
    /// From the partner as a whole.
    Partner(fn(&PartnerState, &mut dyn Sink)),
}

/// A channel that is shown.
#[derive(Debug)]
pub struct ChannelRow<'a> {
    /// The channel.
    pub channel: &'a Channel,
    /// The last change of each of its watched fields.
    pub history: &'a History,
    /// Its owner's name, empty if it has none.
    pub client_name: &'a str,
    /// As much of its phone number as is shown.
    pub phone_number: &'a str,
}

/// A channel that is gone.
#[derive(Debug)]
pub struct GoneChannelRow<'a> {
    /// What is remembered of it.
    pub gone: &'a GoneChannel,
    /// As much of its phone number as is shown.
    pub phone_number: &'a str,
}

/// Defines families. Each is one entry:
///
/// ```text
/// Channel Gauge "d360_channel_status" ["status" = Values::Of(LifecycleStatus::TEXTS)],
///     "HELP text.",
///     |row, out| out.word(Some(row.channel.status.as_str()));
/// ```
///
/// The first word is the kind of row. It decides the first labels (the ids of the
/// row), the section of the documentation and when the family is rendered.
macro_rules! families {
    ($( $row:ident $kind:ident $name:literal [ $( $label:literal = $values:expr ),* $(,)? ], $help:expr, $read:expr; )+) => {
        &[ $( $crate::catalogue::entry::Entry {
            family: $crate::family::Family {
                name: $name,
                kind: $crate::family::Kind::$kind,
                scope: $crate::catalogue::entry::row!(scope $row),
                labels: $crate::catalogue::entry::row!(labels $row $( $label )*),
                values: $crate::catalogue::entry::row!(values $row $( $values ),*),
                help: $help,
            },
            read: $crate::catalogue::entry::row!(read $row $read),
        } ),+ ]
    };
}

/// What the kind of row means.
macro_rules! row {
    (scope Channel) => { $crate::family::Scope::Channel };
    (scope GoneChannel) => { $crate::family::Scope::Channel };
    (scope GoneClient) => { $crate::family::Scope::Client };
    (scope Waba) => { $crate::family::Scope::Waba };
    (scope Client) => { $crate::family::Scope::Client };
    (scope ListedClient) => { $crate::family::Scope::Client };
    (scope ClientFreshness) => { $crate::family::Scope::Client };
    (scope Partner) => { $crate::family::Scope::Partner };

    (labels Channel $( $label:literal )*) => { &["partner_id", "client_id", "channel_id" $(, $label )*] };
    (labels GoneChannel $( $label:literal )*) => { &["partner_id", "client_id", "channel_id" $(, $label )*] };
    (labels Waba $( $label:literal )*) => { &["partner_id", "client_id", "waba_account_id" $(, $label )*] };
    (labels Partner $( $label:literal )*) => { &["partner_id" $(, $label )*] };
    (labels $client:ident $( $label:literal )*) => { &["partner_id", "client_id" $(, $label )*] };

    (values Channel $( $values:expr ),*) => {
        &[$crate::catalogue::PARTNER_ID, $crate::catalogue::CLIENT_ID, $crate::catalogue::CHANNEL_ID $(, $values )*]
    };
    (values GoneChannel $( $values:expr ),*) => {
        &[$crate::catalogue::PARTNER_ID, $crate::catalogue::CLIENT_ID, $crate::catalogue::CHANNEL_ID $(, $values )*]
    };
    (values Waba $( $values:expr ),*) => {
        &[$crate::catalogue::PARTNER_ID, $crate::catalogue::CLIENT_ID, $crate::catalogue::WABA_ACCOUNT_ID $(, $values )*]
    };
    (values Partner $( $values:expr ),*) => { &[$crate::catalogue::PARTNER_ID $(, $values )*] };
    (values $client:ident $( $values:expr ),*) => {
        &[$crate::catalogue::PARTNER_ID, $crate::catalogue::CLIENT_ID $(, $values )*]
    };

    (read $row:ident $read:expr) => { $crate::catalogue::entry::Read::$row($read) };
}

/// The writing rules for exporters ask cached data to say so in its help.
macro_rules! polled {
    ($help:literal) => {
        concat!($help, " From background polling; d360_client_last_refresh_timestamp_seconds shows the age.")
    };
}

pub(super) use {families, polled, row};

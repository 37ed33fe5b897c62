//! The state file: what is known, kept over a restart.
//!
//! A header line, then one JSON document. The header names the format's version
//! and the document's length and CRC-32, so that a file that was cut or changed
//! anywhere is told from a whole one before anything of it is believed.
//!
//! Here: what is in the file. Never here: the disk; see [`super::state_storage`].

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChannelState, ClientState, Fleet, PartnerState, WatchedField};
use crate::model::{
    AccountMode, Availability, Channel, Client, ClientId, HubStatus, LifecycleStatus, MessagingLimit, PartnerId,
    QualityRating, ShortText, WabaAccount,
};

/// The version of the format. One that differs is not read.
const VERSION: u32 = 1;

/// What a file of ours begins with.
pub(super) const MAGIC: &str = "d360_exporter-state";

/// Why a state file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read at all.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// The file is not whole, or not ours.
    #[error("expected {expected}, found {found}")]
    Bad {
        /// What a good file has there.
        expected: String,
        /// What this one has.
        found: String,
    },
}

impl LoadError {
    fn bad(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Bad { expected: expected.into(), found: found.into() }
    }
}

/// What a state file holds.
#[derive(Debug)]
pub struct Saved {
    partners: Vec<SavedPartner>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    partners: Vec<SavedPartner>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedPartner {
    id: String,
    up: bool,
    last_cycle: Option<(Timestamp, Duration)>,
    /// Field, from, to, count.
    transitions: Vec<(String, String, String, u64)>,
    clients: Vec<SavedClient>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedClient {
    id: String,
    name: Option<ShortText>,
    status: Option<ShortText>,
    created_at: Option<Timestamp>,
    modified_at: Option<Timestamp>,
    max_channels: Option<u64>,
    partner_payload: Option<ShortText>,
    organisation: Option<ShortText>,
    business_id: Option<ShortText>,
    suspicious: Option<bool>,
    up: Option<bool>,
    last_refresh: Option<Timestamp>,
    first_listed: Timestamp,
    missing_since: Option<Timestamp>,
    channels: Vec<SavedChannel>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedChannel {
    id: String,
    availability: String,
    quality: String,
    limit: Option<SavedLimit>,
    status: String,
    hub_status: Option<String>,
    last_quality_event: Option<ShortText>,
    official_business_account: Option<bool>,
    phone_number: Option<ShortText>,
    display_name: Option<ShortText>,
    waba: Option<SavedWaba>,
    new_name_status: Option<Box<str>>,
    setup_error: Option<Box<str>>,
    on_business_app: Option<bool>,
    created_at: Option<Timestamp>,
    cancelled_at: Option<Timestamp>,
    terminated_at: Option<Timestamp>,
    account_mode: Option<String>,
    billing_started_at: Option<Timestamp>,
    version: Option<u32>,
    missing_since: Option<Timestamp>,
    changed_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedWaba {
    id: ShortText,
    name: Option<ShortText>,
    business_id: Option<ShortText>,
    status: Option<ShortText>,
    verification: Option<ShortText>,
}

#[derive(Debug, Serialize, Deserialize)]
enum SavedLimit {
    Recipients(u64),
    Unlimited,
}

/// The document of a state file, ready to be written.
///
/// # Errors
///
/// Fails if the state can't be written as JSON, which is a mistake in here.
pub fn encode<'a>(fleets: impl Iterator<Item = &'a Fleet>) -> io::Result<Vec<u8>> {
    let document = Document { partners: fleets.map(save_partner).collect() };
    let json = serde_json::to_vec(&document)?;
    let mut file = format!("{MAGIC} {VERSION} {} {:08x}\n", json.len(), crc32fast::hash(&json)).into_bytes();
    file.extend_from_slice(&json);
    Ok(file)
}

/// Reads the content of a state file.
///
/// # Errors
///
/// Says what is wrong with it; nothing of it is used then.
pub fn decode(content: &[u8]) -> Result<Saved, LoadError> {
    let header = content.split(|&b| b == b'\n').next().unwrap_or_default();
    let document = content.get(header.len() + 1..).unwrap_or_default();
    let header = String::from_utf8_lossy(header);
    let mut words = header.split(' ');
    if words.next() != Some(MAGIC) {
        return Err(LoadError::bad("a state file of d360_exporter", "another kind of file"));
    }
    let version = words.next().unwrap_or_default();
    if version != VERSION.to_string() {
        let shown: String = version.chars().take(20).collect();
        return Err(LoadError::bad(format!("version {VERSION}"), format!("version `{shown}`")));
    }
    let expected = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let found = (document.len().to_string(), format!("{:08x}", crc32fast::hash(document)));
    if expected != (&found.0, &found.1) || words.next().is_some() {
        return Err(LoadError::bad(
            "the length and checksum that the header names",
            "others; the file was cut or changed",
        ));
    }
    let Document { partners } = serde_json::from_slice(document)
        .map_err(|e| LoadError::bad("the state of a fleet", format!("something else ({e})")))?;
    Ok(Saved { partners })
}

impl Saved {
    /// The partners in the file.
    pub fn partners(&self) -> impl Iterator<Item = &str> {
        self.partners.iter().map(|partner| partner.id.as_str())
    }

    /// Takes a partner's fleet out, if it is there: the clients that `mine`
    /// holds.
    pub fn take(
        &mut self,
        partner: &PartnerId,
        max_staleness: Duration,
        mine: impl Fn(&ClientId) -> bool,
    ) -> Option<Fleet> {
        let at = self.partners.iter().position(|saved| saved.id == partner.as_str())?;
        let saved = self.partners.swap_remove(at);
        let mut fleet = Fleet::new(partner.clone(), max_staleness);
        let mut state = PartnerState {
            up: saved.up,
            last_cycle: saved.last_cycle.map(|(at, took)| (at.into(), took)),
            ..PartnerState::default()
        };
        for (field, from, to, count) in saved.transitions {
            if let Some(field) = WatchedField::ALL.iter().find(|f| f.as_str() == field) {
                state.transitions.restore(*field, from, to, count);
            }
        }
        let clients = saved.clients.into_iter().map(load_client).filter(|state| mine(&state.client.id));
        fleet.restore(state, clients);
        Some(fleet)
    }
}

fn save_partner(fleet: &Fleet) -> SavedPartner {
    let state = fleet.partner_state();
    let transitions = state.transitions.iter().filter(|(.., count)| *count > 0);
    SavedPartner {
        id: fleet.partner().to_string(),
        up: state.up,
        last_cycle: state.last_cycle.map(|(at, took)| (at.into(), took)),
        transitions: transitions
            .map(|(field, from, to, count)| (field.as_str().to_owned(), from.to_owned(), to.to_owned(), count))
            .collect(),
        clients: fleet.clients(..).map(save_client).collect(),
    }
}

fn save_client(state: &ClientState) -> SavedClient {
    let client = &state.client;
    SavedClient {
        id: client.id.to_string(),
        name: client.name.clone(),
        status: client.status.clone(),
        created_at: client.created_at.map(Into::into),
        modified_at: client.modified_at.map(Into::into),
        max_channels: client.max_channels,
        partner_payload: client.partner_payload.clone(),
        organisation: client.organisation.clone(),
        business_id: client.business_id.clone(),
        suspicious: client.suspicious,
        up: state.up,
        last_refresh: state.last_refresh.map(Into::into),
        first_listed: state.first_listed.into(),
        missing_since: state.missing_since.map(Into::into),
        channels: state.channels.iter().map(save_channel).collect(),
    }
}

fn save_channel(state: &ChannelState) -> SavedChannel {
    let channel = &state.channel;
    SavedChannel {
        id: channel.id.to_string(),
        availability: channel.availability.as_str().to_owned(),
        quality: channel.quality.as_str().to_owned(),
        limit: channel.limit.map(|limit| match limit {
            MessagingLimit::Recipients(n) => SavedLimit::Recipients(n),
            MessagingLimit::Unlimited => SavedLimit::Unlimited,
        }),
        status: channel.status.as_str().to_owned(),
        hub_status: channel.hub_status.map(|s| s.as_str().to_owned()),
        last_quality_event: channel.last_quality_event.clone(),
        official_business_account: channel.official_business_account,
        phone_number: channel.phone_number.clone(),
        display_name: channel.display_name.clone(),
        waba: channel.waba.as_ref().map(|waba| SavedWaba {
            id: waba.id.clone(),
            name: waba.name.clone(),
            business_id: waba.business_id.clone(),
            status: waba.status.clone(),
            verification: waba.verification.clone(),
        }),
        new_name_status: channel.new_name_status.clone(),
        setup_error: channel.setup_error.clone(),
        on_business_app: channel.on_business_app,
        created_at: channel.created_at.map(Into::into),
        cancelled_at: channel.cancelled_at.map(Into::into),
        terminated_at: channel.terminated_at.map(Into::into),
        account_mode: channel.account_mode.map(|m| m.as_str().to_owned()),
        billing_started_at: channel.billing_started_at.map(Into::into),
        version: channel.version,
        missing_since: state.missing_since.map(Into::into),
        changed_at: state.changed_at.map(Into::into),
    }
}

fn load_client(saved: SavedClient) -> ClientState {
    let client = Client {
        id: saved.id.into(),
        name: saved.name,
        status: saved.status,
        created_at: saved.created_at.map(Into::into),
        modified_at: saved.modified_at.map(Into::into),
        max_channels: saved.max_channels,
        partner_payload: saved.partner_payload,
        organisation: saved.organisation,
        business_id: saved.business_id,
        suspicious: saved.suspicious,
    };
    let mut state = ClientState::new(client, saved.first_listed.into());
    state.up = saved.up;
    state.last_refresh = saved.last_refresh.map(Into::into);
    state.missing_since = saved.missing_since.map(Into::into);
    state.channels = saved.channels.into_iter().map(load_channel).collect();
    state.channels.sort_by(|a, b| a.channel.id.cmp(&b.channel.id));
    // Only a file that a person wrote holds a channel twice; shown twice it would
    // cost the whole scrape.
    state.channels.dedup_by(|a, b| a.channel.id == b.channel.id);
    state
}

fn load_channel(saved: SavedChannel) -> ChannelState {
    let channel = Channel {
        id: saved.id.into(),
        availability: Availability::parse(&saved.availability).unwrap_or(Availability::Unknown),
        quality: QualityRating::parse(&saved.quality).unwrap_or(QualityRating::Unknown),
        limit: saved.limit.map(|limit| match limit {
            SavedLimit::Recipients(n) => MessagingLimit::Recipients(n),
            SavedLimit::Unlimited => MessagingLimit::Unlimited,
        }),
        status: LifecycleStatus::parse(&saved.status).unwrap_or(LifecycleStatus::Unknown),
        hub_status: saved.hub_status.map(|s| HubStatus::parse(&s).unwrap_or(HubStatus::Unknown)),
        last_quality_event: saved.last_quality_event,
        official_business_account: saved.official_business_account,
        phone_number: saved.phone_number,
        display_name: saved.display_name,
        waba: saved.waba.map(|waba| {
            let SavedWaba { id, name, business_id, status, verification } = waba;
            Arc::new(WabaAccount { id, name, business_id, status, verification })
        }),
        new_name_status: saved.new_name_status,
        setup_error: saved.setup_error,
        on_business_app: saved.on_business_app,
        created_at: saved.created_at.map(Into::into),
        cancelled_at: saved.cancelled_at.map(Into::into),
        terminated_at: saved.terminated_at.map(Into::into),
        account_mode: saved.account_mode.and_then(|m| AccountMode::parse(&m)),
        billing_started_at: saved.billing_started_at.map(Into::into),
        version: saved.version,
    };
    ChannelState {
        channel: Arc::new(channel),
        changed_at: saved.changed_at.map(Into::into),
        missing_since: saved.missing_since.map(Into::into),
        seen_in: 0,
        fingerprint: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Observation;

    fn fleet() -> Fleet {
        let mut fleet = Fleet::new("onePA".into(), Duration::from_secs(60));
        let at = crate::model::Timestamp::from_second(1_700_000_000);
        let client = Client { name: Some("Ä \"quoted\"\n".into()), max_channels: Some(3), ..Client::new("aCL") };
        let channel = Channel {
            quality: QualityRating::High,
            limit: Some(MessagingLimit::Unlimited),
            phone_number: Some("4930".into()),
            created_at: Some(at),
            ..Channel::new("xCH")
        };
        let low = Channel { quality: QualityRating::Low, ..channel.clone() };
        for channel in [channel, low] {
            fleet.apply(Observation::ClientsListed { clients: vec![client.clone()], complete: true, at });
            let channels = vec![channel, Channel::new("yCH")];
            fleet.apply(Observation::ChannelsRead { client: "aCL".into(), channels, complete: true, at });
        }
        fleet.apply(Observation::CycleCompleted { took: Duration::from_millis(1500), at });
        fleet
    }

    fn restored(content: &[u8]) -> Fleet {
        let mut saved = decode(content).unwrap();
        saved.take(&"onePA".into(), Duration::from_secs(60), |_| true).unwrap()
    }

    #[test]
    fn a_fleet_is_restored_whole() {
        let before = fleet();
        let after = restored(&encode([&before].into_iter()).unwrap());
        let clients = |fleet: &Fleet| {
            let mut clients: Vec<_> = fleet.clients(..).cloned().collect();
            clients.iter_mut().flat_map(|c| &mut c.channels).for_each(|c| (c.seen_in, c.fingerprint) = (0, 0));
            clients
        };
        assert_eq!(clients(&after), clients(&before));
        assert_eq!(after.partner_state(), before.partner_state());
    }

    #[test]
    fn clients_of_other_shards_stay_in_the_file() {
        let mut saved = decode(&encode([&fleet()].into_iter()).unwrap()).unwrap();
        let fleet = saved.take(&"onePA".into(), Duration::from_secs(60), |_| false).unwrap();
        assert_eq!(fleet.clients(..).count(), 0);
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_refused() {
        let whole = encode([&fleet()].into_iter()).unwrap();
        for len in 0..whole.len() {
            assert!(decode(&whole[..len]).is_err(), "cut to {len} bytes");
        }
    }

    #[test]
    fn a_file_with_any_bit_flipped_is_refused() {
        let whole = encode([&fleet()].into_iter()).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped).is_err(), "bit {bit} flipped");
        }
    }

    #[test]
    fn errors_say_what_was_found() {
        let errors = ["", "[]", "d360_exporter-state 2 0 00000000\n", "d360_exporter-state 1 5 00000000\n{}"]
            .map(|content| decode(content.as_bytes()).unwrap_err().to_string());
        assert_eq!(
            errors,
            [
                "expected a state file of d360_exporter, found another kind of file",
                "expected a state file of d360_exporter, found another kind of file",
                "expected version 1, found version `2`",
                "expected the length and checksum that the header names, found others; the file was cut or changed",
            ]
        );
    }
}

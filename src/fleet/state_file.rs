//! The state file: what is known, kept over a restart.
//!
//! A header line, then one JSON document. The header names the format's version
//! and the document's length and CRC-32, so that a file that was cut or changed
//! anywhere is recognised before anything of it is believed.
//!
//! Here: what is in the file. Never here: the disk; see [`super::state_storage`].

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::recent::SavedChange;
use super::saved::{Keep, SavedClientState, SavedGoneChannel, SavedGoneClient};
use super::{ClientState, Fleet, GoneChannel, GoneClient, PartnerState};
use crate::model::{ClientId, Moment, PartnerId, ShortText};

/// The version of the format. One that differs is not read.
const VERSION: u32 = 3;

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
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved {
    partners: Vec<SavedPartner>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedPartner {
    id: ShortText,
    last_cycle: Option<(jiff::Timestamp, Duration)>,
    /// The page size that works.
    page_size: Option<usize>,
    /// The last changes, oldest first.
    #[serde(default)]
    recent: Vec<SavedChange>,
    clients: Vec<SavedClientState>,
    gone_channels: Vec<(ShortText, SavedGoneChannel)>,
    gone_clients: Vec<(ShortText, SavedGoneClient)>,
}

/// The document of a state file, ready to be written.
///
/// # Errors
///
/// Fails if the state can't be written as JSON, which is a bug in this program.
pub fn encode<'a>(fleets: impl Iterator<Item = &'a Fleet>) -> io::Result<Vec<u8>> {
    let document = Saved { partners: fleets.map(save_partner).collect() };
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
    serde_json::from_slice(document)
        .map_err(|e| LoadError::bad("the state of a fleet", format!("something else ({e})")))
}

impl Saved {
    /// The partners in the file.
    pub fn partners(&self) -> impl Iterator<Item = &str> {
        self.partners.iter().map(|partner| partner.id.as_str())
    }

    /// Takes a partner's fleet out, if it is there: the clients that `mine`
    /// holds. Times that lie in the future become `now`.
    pub fn take(
        &mut self,
        partner: &PartnerId,
        max_staleness: Duration,
        now: Moment,
        mine: impl Fn(&ClientId) -> bool,
    ) -> Option<Fleet> {
        let at = self.partners.iter().position(|saved| saved.id == partner.as_str())?;
        let saved = self.partners.swap_remove(at);
        let mut fleet = Fleet::new(partner.clone(), max_staleness);
        let mut state = PartnerState {
            last_cycle: saved.last_cycle.map(|(at, took)| (now.wall.min(at.into()), took)),
            page_size: saved.page_size,
            ..PartnerState::default()
        };
        saved.recent.into_iter().for_each(|change| state.recent.restore(change));
        let clients = saved.clients.into_iter().map(|saved| load_client(saved, now));
        fleet.restore(state, clients.filter(|state| mine(&state.client.id)), now.steady);
        for (client, gone) in saved.gone_clients.into_iter().map(|(id, gone)| (ClientId::from(id), gone)) {
            if mine(&client) {
                fleet.gone.restore_client(client, GoneClient::load(gone));
            }
        }
        for (client, gone) in saved.gone_channels.into_iter().map(|(id, gone)| (ClientId::from(id), gone)) {
            if mine(&client) {
                fleet.gone.restore_channel(client, GoneChannel::load(gone));
            }
        }
        Some(fleet)
    }
}

fn save_partner(fleet: &Fleet) -> SavedPartner {
    let state = fleet.partner_state();
    SavedPartner {
        id: fleet.partner().as_str().into(),
        last_cycle: state.last_cycle.map(|(at, took)| (at.into(), took)),
        page_size: state.page_size,
        recent: state.recent.saved(),
        clients: fleet.clients(..).map(Keep::save).collect(),
        gone_channels: fleet.gone.all_channels().map(|(id, gone)| (id.save(), gone.save())).collect(),
        gone_clients: fleet.gone.clients(..).map(|(id, gone)| (id.save(), gone.save())).collect(),
    }
}

fn load_client(saved: SavedClientState, now: Moment) -> ClientState {
    let mut state = ClientState::load(saved);
    state.last_refresh = state.last_refresh.map(|at| now.wall.min(at));
    // What was its age on the wall clock is its age on the steady one.
    let age = state.last_refresh.map(|at| at.duration_since(now.wall)).unwrap_or_default();
    state.age_from = now.steady.saturating_add(age);
    state.channels.sort_by(|a, b| a.channel.id.cmp(&b.channel.id));
    // Only a file that a person wrote holds a channel twice; shown twice it would
    // cost the whole scrape.
    state.channels.dedup_by(|a, b| a.channel.id == b.channel.id);
    (0..state.channels.len()).for_each(|place| state.share_waba(place));
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Channel, Client, MessagingLimit, Observation, QualityRating};

    /// When the fleet was read, on the wall clock.
    const READ_AT: i64 = 1_700_000_000;

    /// The steady clock of the run that reads the file.
    const STEADY: crate::model::Timestamp = crate::model::Timestamp::from_second(5);

    fn fleet() -> Fleet {
        let mut fleet = Fleet::new("onePA".into(), Duration::from_secs(60));
        let at = crate::model::Timestamp::from_second(READ_AT);
        let client = Client { name: Some("Ä \"quoted\"\n".into()), max_channels: Some(3), ..Client::new("aCL") };
        let channel = Channel {
            quality: QualityRating::High,
            limit: Some(MessagingLimit::Unlimited),
            phone_number: Some("4930".into()),
            created_at: Some(at),
            ..Channel::new("xCH")
        };
        let low = Channel { quality: QualityRating::Low, ..channel.clone() };
        let [y, z] = ["yCH", "zCH"].map(Channel::new);
        for (channels, gone) in [(vec![channel, y.clone(), z], vec![]), (vec![low, y], vec!["zCH".into()])] {
            let clients = vec![client.clone()];
            fleet.apply(Observation::ClientsListed { clients, gone: vec![], whole: true, at: at.into() });
            let client = "aCL".into();
            fleet.apply(Observation::ChannelsRead { client, channels, gone, whole: true, at: at.into() });
        }
        fleet.apply(Observation::CycleCompleted { took: Duration::from_millis(1500), at });
        fleet
    }

    fn restored_at(content: &[u8], now: i64) -> Fleet {
        let mut saved = decode(content).unwrap();
        let now = Moment { wall: crate::model::Timestamp::from_second(now), steady: STEADY };
        saved.take(&"onePA".into(), Duration::from_secs(60), now, |_| true).unwrap()
    }

    fn restored(content: &[u8]) -> Fleet {
        restored_at(content, READ_AT)
    }

    #[test]
    fn a_fleet_is_restored_whole() {
        let before = fleet();
        let after = restored(&encode([&before].into_iter()).unwrap());
        let clients = |fleet: &Fleet| {
            let mut clients: Vec<_> = fleet.clients(..).cloned().collect();
            // What this run has not tried yet is not known to be up.
            clients.iter_mut().for_each(|c| (c.up, c.age_from) = (None, STEADY));
            clients.iter_mut().flat_map(|c| &mut c.channels).for_each(|c| c.fingerprint = 0);
            clients
        };
        assert_eq!(clients(&after), clients(&before));
        let last_cycle = before.partner_state().last_cycle;
        let recent = before.partner_state().recent.clone();
        assert!(recent.newest().count() > 0, "a change is kept, too");
        assert_eq!(after.partner_state(), &PartnerState { last_cycle, recent, ..PartnerState::default() });
        let gone = |fleet: &Fleet| format!("{:?}", fleet.gone.all_channels().collect::<Vec<_>>());
        assert_eq!(gone(&after), gone(&before));
        assert!(gone(&after).contains("zCH"));
    }

    #[test]
    fn an_age_goes_on_over_a_restart_and_a_time_in_the_future_is_now() {
        let content = encode([&fleet()].into_iter()).unwrap();
        let ages = [-1_000, 0, 59, 60].map(|later| {
            let fleet = restored_at(&content, READ_AT + later);
            let client = fleet.clients(..).next().unwrap();
            let age = STEADY.duration_since(client.age_from).as_secs();
            (age, client.last_refresh.unwrap().as_second() - READ_AT, client.expired, fleet.is_ready())
        });
        assert_eq!(ages, [(0, -1_000, false, true), (0, 0, false, true), (59, 0, false, true), (60, 0, true, false)]);
    }

    #[test]
    fn clients_of_other_shards_stay_in_the_file() {
        let mut saved = decode(&encode([&fleet()].into_iter()).unwrap()).unwrap();
        let fleet = saved.take(&"onePA".into(), Duration::from_secs(60), STEADY.into(), |_| false).unwrap();
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
        let errors = ["", "[]", "d360_exporter-state 1 0 00000000\n", "d360_exporter-state 3 5 00000000\n{}"]
            .map(|content| decode(content.as_bytes()).unwrap_err().to_string());
        assert_eq!(
            errors,
            [
                "expected a state file of d360_exporter, found another kind of file",
                "expected a state file of d360_exporter, found another kind of file",
                "expected version 3, found version `1`",
                "expected the length and checksum that the header names, found others; the file was cut or changed",
            ]
        );
    }
}

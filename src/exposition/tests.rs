//! The promise of pieces: whatever changed, and whenever it was published, what
//! stands together is what a fresh rendering would give.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use flate2::read::GzDecoder;
use jiff::SignedDuration;
use prop::collection::vec;
use prop::sample::select;
use proptest::prelude::*;

use super::*;
use crate::fleet::Fleet;
use crate::model::{
    Availability, Channel, Client, ClientId, HubStatus, LifecycleStatus, MessagingLimit, Observation, PartnerId,
    QualityRating, Reason, Timestamp,
};

const PARTNERS: [&str; 2] = ["onePA", "twoPA"];
const STALENESS: Duration = Duration::from_secs(60);
const CLIENTS: usize = 40;
const FORMATS: [Format; 4] = [
    Format::Text004,
    Format::Text100(Escaping::Underscores),
    Format::OpenMetrics001,
    Format::OpenMetrics100(Escaping::AllowUtf8),
];

/// What happens to one of the fleets, or to what is published of both.
#[derive(Debug, Clone)]
enum Step {
    Observed(usize, Observed),
    Expired(usize),
    SnapshotCell,
    Forgotten(usize),
}

/// An observation that still lacks its time.
#[derive(Debug, Clone)]
enum Observed {
    Listed(Vec<(usize, u8)>, bool),
    ListUnreadable,
    Read(usize, Vec<Run>, bool),
    Unreadable(usize),
    Seen(usize, Vec<Run>),
    BulkReadCompleted(bool),
    BulkReadFailed,
    CycleCompleted,
}

/// Channels with ids that follow each other, all of one look. Long ones make
/// chunks that split, and join again when they are gone.
type Run = (u16, u16, u8);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..CLIENTS;
    let length = prop_oneof![12 => 0..4_u16, 2 => 100..300_u16, 1 => 500..700_u16];
    let runs = vec((0..400_u16, length, any::<u8>()), 0..3);
    let observed = prop_oneof![
        3 => (vec((client.clone(), any::<u8>()), 0..CLIENTS + 2), any::<bool>()).prop_map(|(all, whole)| Observed::Listed(all, whole)),
        6 => (client.clone(), runs.clone(), any::<bool>()).prop_map(|(id, runs, whole)| Observed::Read(id, runs, whole)),
        3 => (client.clone(), runs).prop_map(|(id, runs)| Observed::Seen(id, runs)),
        1 => client.prop_map(Observed::Unreadable),
        1 => any::<bool>().prop_map(Observed::BulkReadCompleted),
        2 => select(vec![
            Observed::ListUnreadable,
            Observed::BulkReadFailed,
            Observed::CycleCompleted,
        ]),
    ];
    let partner = 0..PARTNERS.len();
    let step = prop_oneof![
        20 => (partner.clone(), observed).prop_map(|(partner, observed)| Step::Observed(partner, observed)),
        2 => partner.clone().prop_map(Step::Expired),
        6 => Just(Step::SnapshotCell),
        1 => partner.prop_map(Step::Forgotten),
    ];
    // Everyone is there to begin with, so that few steps come to nothing.
    let everyone = |partner| Step::Observed(partner, Observed::Listed((0..CLIENTS).map(|id| (id, 0)).collect(), true));
    vec(step, 0..40).prop_map(move |steps| (0..PARTNERS.len()).map(everyone).chain(steps).collect())
}

fn client_id(index: usize) -> ClientId {
    format!("c{index:02}CL").as_str().into()
}

fn client((index, look): &(usize, u8)) -> Client {
    Client {
        name: Some(format!("Bäckerei \"{look}\"\\\n").into()),
        status: (look % 3 > 0).then(|| "active".into()),
        max_channels: (look % 2 > 0).then_some(u64::from(*look)),
        ..Client::new(client_id(*index))
    }
}

fn channels(client: usize, runs: &[Run]) -> Vec<Channel> {
    let mut channels: Vec<Channel> = runs
        .iter()
        .flat_map(|&(first, length, look)| (first..first + length).map(move |number| channel(client, number, look)))
        .collect();
    // Ids come once: the operations see to it.
    channels.sort_by(|a, b| a.id.cmp(&b.id));
    channels.dedup_by(|a, b| a.id == b.id);
    channels
}

fn channel(client: usize, number: u16, look: u8) -> Channel {
    let odd = |bit: u8| look & bit > 0;
    Channel {
        availability: if odd(1) { Availability::Ready } else { Availability::Error },
        quality: if odd(2) { QualityRating::High } else { QualityRating::Low },
        limit: odd(4).then_some(MessagingLimit::Recipients(1_000)),
        status: if odd(8) { LifecycleStatus::Ready } else { LifecycleStatus::Unknown },
        hub_status: odd(16).then_some(HubStatus::Live),
        last_quality_event: odd(32).then(|| "flagged".into()),
        official_business_account: odd(64).then_some(odd(1)),
        display_name: odd(128).then(|| format!("number \"{look}\"").into()),
        ..Channel::new(format!("ch{client:02}{number:04}CH").as_str())
    }
}

fn observation(observed: &Observed, at: Timestamp, fleet: &Fleet) -> Observation {
    // What a response that counts as complete does not hold is gone.
    let gone = |id: &ClientId, seen: &[Channel]| {
        let known = fleet.client(id).into_iter().flat_map(|state| &state.channels);
        let ids = known.map(|known| known.channel.id.clone());
        ids.filter(|id| !seen.iter().any(|channel| channel.id == *id)).collect::<Vec<_>>()
    };
    match observed {
        Observed::Listed(all, complete) => {
            let mut clients: Vec<Client> = all.iter().map(client).collect();
            clients.sort_by(|a, b| a.id.cmp(&b.id));
            clients.dedup_by(|a, b| a.id == b.id);
            let known = fleet.clients(..).map(|state| state.client.id.clone());
            let lost = |id: &ClientId| *complete && !clients.iter().any(|client| client.id == *id);
            let gone = known.filter(lost).collect();
            Observation::ClientsListed { clients, gone, whole: *complete, at: at.into() }
        }
        Observed::ListUnreadable => Observation::PartnerUnreadable { failure: Reason::Connect.into() },
        Observed::Read(id, runs, complete) => {
            let (client, channels) = (client_id(*id), channels(*id, runs));
            let gone = if *complete { gone(&client, &channels) } else { Vec::new() };
            Observation::ChannelsRead { client, channels, gone, whole: *complete, at: at.into() }
        }
        Observed::Unreadable(id) => {
            Observation::ChannelsUnreadable { client: client_id(*id), failure: Reason::Timeout.into() }
        }
        Observed::Seen(id, runs) => {
            let channels = channels(*id, runs).into_iter().map(|channel| (client_id(*id), channel)).collect();
            Observation::ChannelsSeen { channels, at }
        }
        Observed::BulkReadCompleted(complete) => {
            let all: Vec<ClientId> = fleet.clients(..).map(|state| state.client.id.clone()).collect();
            let (whole, incomplete) = if *complete { (all, Vec::new()) } else { (Vec::new(), all) };
            Observation::BulkReadEnded { whole, incomplete, at: at.into() }
        }
        Observed::BulkReadFailed => Observation::BulkReadFailed { failure: Reason::Timeout.into() },
        Observed::CycleCompleted => Observation::CycleCompleted { took: Duration::from_millis(1500), at },
    }
}

/// Takes the steps, and returns what is published at their end: by one publisher
/// that was there all the time, or by one that comes to see the fleets only then.
fn published(steps: &[Step], settings: &RenderSettings, target: usize, all_the_time: bool) -> Snapshot {
    let new = |partner: &str| Fleet::new(PartnerId::from(partner), STALENESS);
    let mut fleets = PARTNERS.map(new);
    let mut publisher = Publisher::with_target(settings.clone(), target);
    let mut at = Timestamp::UNIX_EPOCH;
    for step in steps {
        at = at.saturating_add(SignedDuration::from_secs(10));
        match step {
            Step::Observed(partner, observed) => {
                let seen = observation(observed, at, &fleets[*partner]);
                fleets[*partner].apply(seen);
            }
            Step::Expired(partner) => fleets[*partner].expire(at),
            Step::SnapshotCell if all_the_time => fleets.iter_mut().for_each(|fleet| publisher.update(fleet)),
            Step::SnapshotCell => {}
            Step::Forgotten(partner) => {
                fleets[*partner] = new(PARTNERS[*partner]);
                publisher.forget(&PartnerId::from(PARTNERS[*partner]));
            }
        }
    }
    fleets.iter_mut().for_each(|fleet| publisher.update(fleet));
    publisher.snapshot()
}

/// The body of a scrape, as it is sent.
fn body(snapshot: &Arc<Snapshot>, format: Format, gzip: bool) -> Vec<u8> {
    let body_parts = ScrapeBody::new(snapshot, &[], format, gzip, &Filter::All);
    let length = body_parts.len();
    let body: Vec<u8> = body_parts.flatten().collect();
    assert_eq!(body.len() as u64, length, "Content-Length");
    body
}

fn inflated(packed: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn neighbours_leave_without_a_trace_wherever_they_stood() {
    let listed = |ids: &mut dyn Iterator<Item = usize>| Observed::Listed(ids.map(|id| (id, 1)).collect(), true);
    let settings = RenderSettings::default();
    for from in 0..CLIENTS {
        for to in from + 1..=CLIENTS {
            let all = Step::Observed(0, listed(&mut (0..CLIENTS)));
            let left = Step::Observed(0, listed(&mut (0..CLIENTS).filter(|id| !(from..to).contains(id))));
            let steps = [all, Step::SnapshotCell, left, Step::SnapshotCell];
            let [kept, fresh] =
                [true, false].map(|all_the_time| Arc::new(published(&steps, &settings, 8, all_the_time)));
            let [kept, fresh] =
                [kept, fresh].map(|snapshot| String::from_utf8(body(&snapshot, FORMATS[0], false)).unwrap());
            assert_eq!(kept, fresh, "{from} to {to} left");
        }
    }
}

proptest! {
    // A case renders up to some ten thousand channels.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn after_any_changes_the_pieces_together_are_a_fresh_rendering(
        steps in steps(),
        // Small chunks are split, merged and joined by few channels.
        target in select(vec![2, 10, 50, 256]),
        exclude: bool,
    ) {
        let exclude = exclude.then(|| regex_lite::Regex::new("^d360_channel_(info|status)$").unwrap());
        let settings = RenderSettings::new(PhoneNumbers::Full, exclude.as_ref());
        let kept = Arc::new(published(&steps, &settings, target, true));
        let fresh = Arc::new(published(&steps, &settings, 256, false));
        prop_assert_eq!(kept.series(), fresh.series());
        for format in FORMATS {
            let expected = String::from_utf8(body(&fresh, format, false)).unwrap();
            for (way, text) in [
                ("kept", String::from_utf8(body(&kept, format, false)).unwrap()),
                ("kept, gzip", inflated(&body(&kept, format, true))),
                ("fresh, gzip", inflated(&body(&fresh, format, true))),
            ] {
                // Not compared by a macro, which would print megabytes.
                let differs = text.lines().zip(expected.lines()).find(|(text, expected)| text != expected);
                prop_assert_eq!(differs, None, "{} {:?}", way, format);
                prop_assert_eq!(text.len(), expected.len(), "{} {:?}", way, format);
            }
        }
    }
}

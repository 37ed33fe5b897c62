//! What is fuzzed, each a function of bytes that panics where a promise is
//! broken. `fuzz_targets/` gives them to libFuzzer; the ordinary tests give them
//! the seeds.

#[path = "../tests/it/harness/exposition.rs"]
mod parser;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use d360_exporter::exposition::{Filter, Format, Publisher, RenderSettings, ScrapeBody, accepts_gzip, negotiate};
use d360_exporter::fleet::{Fleet, state_file};
use d360_exporter::model::{Channel, Client, Observation, PartnerId, Timestamp};
use d360_exporter::partner_api::pager::{Bounds, Pager, Step};
use d360_exporter::partner_api::wire::{self, Page};
use d360_exporter::web::Protection;
use parser::Exposition;

/// A list of clients, as a body.
pub fn clients(data: &[u8]) {
    if let Ok(page) = wire::decode_clients(data) {
        adds_up(&page);
        assert!(page.items.iter().all(|client| is_an_id(client.id.as_str())));
    }
}

/// A list of channels, as a body.
pub fn channels(data: &[u8]) {
    if let Ok(page) = wire::decode_channels(data) {
        adds_up(&page);
        assert!(page.items.iter().all(|item| is_an_id(item.channel.id.as_str())));
        assert!(page.items.iter().filter_map(|item| item.client.as_ref()).all(|id| is_an_id(id.as_str())));
    }
}

/// One client, as a body.
pub fn client(data: &[u8]) {
    if let Ok((client, _)) = wire::decode_client(data) {
        assert!(is_an_id(client.id.as_str()));
    }
}

/// What came is there or was rejected, and a page of which nothing could be read
/// is no empty page.
fn adds_up<T>(page: &Page<T>) {
    assert_eq!(page.items.len() + page.findings.rejected, page.received);
    assert!(page.received == 0 || !page.items.is_empty());
}

fn is_an_id(id: &str) -> bool {
    !id.is_empty() && id.trim() == id
}

/// Most items of a list here.
const CAP: usize = 300;

/// A server that answers whatever the bytes say: of each page the number of
/// items, of which some can't be read, their ids, and a `total` or none. When
/// the bytes are over it repeats its last page for ever.
pub fn pager(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let mut pager = Pager::new(Bounds { items: CAP, pages: usize::MAX });
    let (mut taken, mut received, mut rejected, mut pages) = (BTreeSet::new(), 0, 0, 0);
    let (mut ids, mut total, mut unreadable) = (Vec::new(), None, 0);
    let mut last_total = None;
    loop {
        if let Some(size) = bytes.next() {
            unreadable = usize::from(size >> 6);
            ids = bytes.by_ref().take(usize::from(size % 16)).collect();
            total = bytes.next().filter(|total| *total < 250).map(u64::from);
        }
        assert_eq!(pager.offset(), received, "an offset is what was received, each id of a page once");
        let fresh = ids.iter().filter(|id| pager.is_new(**id)).count();
        let news = ids.iter().filter(|id| taken.insert(**id)).count();
        assert_eq!(fresh, news, "each id counts once");
        let distinct = ids.iter().collect::<BTreeSet<_>>().len();
        (received, rejected, pages) = (received + distinct + unreadable, rejected + unreadable, pages + 1);
        if ids.len() + unreadable > 0 || pages == 1 {
            last_total = total.or(last_total);
        }
        assert!(pages <= CAP + 2, "pagination ends");
        match pager.page(ids.len() + unreadable, fresh, total) {
            Step::More => assert!(fresh > 0 && received <= CAP),
            Step::End => break,
        }
    }
    let coverage = pager.finish(rejected);
    assert_eq!((coverage.unreadable, coverage.is_complete() && rejected > 0), (rejected, false));
    // Items that came twice may count twice for the total, as the server counts them.
    let most = received.max(2 * taken.len() + rejected) as u64;
    assert!(!coverage.adds_up || last_total.is_none_or(|total| total <= most), "a shorter list");
}

/// The headers by which a scrape chooses format and encoding.
pub fn accept(data: &[u8]) {
    let header = String::from_utf8_lossy(data);
    let format = negotiate(&header);
    assert_eq!(negotiate(&format.content_type()), format, "what is answered can be asked for");
    let list = format!("{header},gzip;q=1");
    assert!(accepts_gzip(&list), "the last word on gzip counts");
    accepts_gzip(&header);
}

/// The web configuration file. Files that it could name are not read: what is in
/// them is not decided by the bytes.
pub fn web_config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if ["file", "\\"].iter().any(|part| text.contains(part)) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("web.yml");
    std::fs::write(&path, data).unwrap();
    match Protection::load(&path) {
        Ok(protection) => assert!(protection.is_tls() || !protection.is_http2(), "HTTP/2 is spoken over TLS only"),
        Err(errors) => assert!(!errors.is_empty() && errors.iter().all(|error| !error.is_empty())),
    }
}

/// The state file: once with the bytes as the file, once with a good header
/// before them, so that what is behind the checksum is reached.
pub fn state_file(data: &[u8]) {
    if let Ok(saved) = state_file::decode(data) {
        comes_back(saved);
    }
    let mut file = format!("d360_exporter-state 1 {} {:08x}\n", data.len(), crc32fast::hash(data)).into_bytes();
    file.extend_from_slice(data);
    if let Ok(saved) = state_file::decode(&file) {
        comes_back(saved);
    }
}

/// What was loaded can be shown, and saved and loaded again without a change.
fn comes_back(mut saved: state_file::Saved) {
    let partners: BTreeSet<String> = saved.partners().map(str::to_owned).collect();
    for id in partners {
        let mut fleet = load(&mut saved, &id);
        let once = state_file::encode([&fleet].into_iter()).unwrap();
        let again = load(&mut state_file::decode(&once).unwrap(), &id);
        assert!(once == state_file::encode([&again].into_iter()).unwrap(), "what is saved comes back");
        fleet.expire(Timestamp::MIN);
        shown(&mut fleet);
        fleet.expire(Timestamp::MAX);
        shown(&mut fleet);
    }
}

fn load(saved: &mut state_file::Saved, id: &str) -> Fleet {
    saved.take(&PartnerId::from(id), Duration::from_secs(60), Timestamp::UNIX_EPOCH.into(), |_| true).unwrap()
}

/// Texts of any characters as names, ids and states, through everything that
/// renders.
pub fn exposition(data: &[u8]) {
    let mut texts = data.split(|byte| *byte == 0xff).map(|text| String::from_utf8_lossy(text).into_owned());
    let partner = PartnerId::from(texts.next().unwrap_or_default());
    let mut fleet = Fleet::new(partner.clone(), Duration::from_secs(60));
    let mut names = BTreeMap::new();
    while let Some(id) = texts.next() {
        let mut text = || texts.next().unwrap_or_default();
        let (name, status, channel_id, display_name, event) = (text(), text(), text(), text(), text());
        // Ids come once: the operations see to it.
        if names.contains_key(&id) {
            continue;
        }
        let client = Client {
            id: id.as_str().into(),
            name: Some(name.clone().into()),
            status: Some(status.into()),
            created_at: None,
            modified_at: None,
            max_channels: Some(3),
            partner_payload: None,
            organisation: None,
            business_id: None,
            suspicious: None,
        };
        let mut channel = Channel::new(channel_id.as_str());
        channel.display_name = Some(display_name.clone().into());
        channel.last_quality_event = Some(event.into());
        let at = Timestamp::UNIX_EPOCH;
        fleet.apply(Observation::ClientsListed {
            clients: vec![client],
            gone: Vec::new(),
            whole: false,
            at: at.into(),
        });
        let channels = vec![channel];
        fleet.apply(Observation::ChannelsRead {
            client: id.as_str().into(),
            channels,
            gone: Vec::new(),
            whole: true,
            at: at.into(),
        });
        names.insert(id, (name, channel_id, display_name));
    }
    let exposition = shown(&mut fleet);
    let found: BTreeMap<_, _> = exposition
        .matching("d360_channel_info", &[("partner_id", partner.as_str())])
        .into_keys()
        .map(|(_, labels)| {
            let label = |wanted| labels.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
            (label("client_id"), (label("client_name"), label("channel_id"), label("display_name")))
        })
        .collect();
    assert_eq!(found, names);
}

/// The fleet through the renderer and an independent parser, the same in all
/// encodings.
fn shown(fleet: &mut Fleet) -> Exposition {
    let mut publisher = Publisher::new(RenderSettings::default());
    publisher.update(fleet);
    let snapshot = Arc::new(publisher.snapshot());
    let body = |gzip| {
        let answer = ScrapeBody::new(&snapshot, &[], Format::default(), gzip, &Filter::All);
        let length = answer.len();
        let body: Vec<u8> = answer.flatten().collect();
        assert_eq!(body.len() as u64, length, "Content-Length");
        body
    };
    let plain = body(false);
    let mut inflated = Vec::new();
    flate2::read::GzDecoder::new(body(true).as_slice()).read_to_end(&mut inflated).unwrap();
    assert!(plain == inflated, "gzip holds the same");
    Exposition::parse(std::str::from_utf8(&plain).unwrap())
}

//! The fault matrix: every fault of the simulator, alone and with every other
//! one, against a fixed fleet whose truth is known, on paused time.
//!
//! Of every case the same is asked: nothing wrong is shown at any publication,
//! nobody leaves who is still there, the fault shows in a metric or costs
//! nothing, and when it is over everything is right again without a restart.
//! `docs/faults.md` and `tests/it/faults/pairs.tsv` hold what was found; `make faults` writes them.

mod cases;
mod contract;
mod document;
mod judge;
mod signals;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use d360_exporter::exposition::Filter;
use d360_exporter::partner_api::PageSize;
use d360_exporter::poller::Strategy;
use d360_exporter::simulator::{self, ChannelsEnvelope, Options, Simulator};
use serde_json::{Value, json};

use crate::harness::{Exposition, SeriesMap, fleet, metrics_of};
use crate::paused::rig::{Data, Rig, Scene};
use cases::{FAULTS, OUTSIDE};
use judge::Judge;
use signals::{Signals, Watch};

const INTERVAL: Duration = Duration::from_secs(30);

/// How long a fault stays.
const FAULTY: Duration = Duration::from_secs(150);

/// Until everything has to be right again. Most of it is what an endless list
/// left to be read, at the pace of the API.
const RECOVERY: Duration = Duration::from_secs(60 * 60);

/// Which requests meet the fault, and how the channels are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// The reads of one client.
    OneClient,
    /// The list of clients, channels being read client by client.
    ClientList,
    /// The partner's list of channels, from which they are read.
    PartnerList,
    /// Everything, channels being read client by client.
    PerClient,
    /// Everything, channels being read from the partner's list.
    Bulk,
}

impl Place {
    const ALL: [Self; 5] = [Self::OneClient, Self::ClientList, Self::PartnerList, Self::PerClient, Self::Bulk];

    /// As `pairs.tsv` writes it.
    fn name(self) -> &'static str {
        match self {
            Self::OneClient => "one_client",
            Self::ClientList => "client_list",
            Self::PartnerList => "partner_list",
            Self::PerClient => "per_client",
            Self::Bulk => "bulk",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::OneClient => "the reads of one client",
            Self::ClientList => "the list of clients",
            Self::PartnerList => "the partner's list of channels",
            Self::PerClient => "everything, client by client",
            Self::Bulk => "everything, in bulk",
        }
    }

    fn concerns_clients(self) -> bool {
        matches!(self, Self::ClientList | Self::PerClient | Self::Bulk)
    }

    fn concerns_channels(self) -> bool {
        self != Self::ClientList
    }

    fn is_bulk(self) -> bool {
        matches!(self, Self::PartnerList | Self::Bulk)
    }
}

/// One case: the faults by position, and where they are.
type Case = (Place, Vec<usize>);

/// What a case showed, or what was wrong.
type Finding = Result<Signals, String>;

fn scene(place: Place) -> Scene {
    Scene {
        // Three items a page: each list has several pages, and the last is short.
        options: Options { max_page: 3, channels_envelope: ChannelsEnvelope::Object, ..fleet(8, 4) },
        interval: INTERVAL,
        max_staleness: Duration::from_secs(24 * 60 * 60),
        strategy: if place.is_bulk() { Strategy::Bulk } else { Strategy::PerClient },
        page_size: PageSize::Fixed(3),
        max_rate: 2,
        timeout: Duration::from_secs(10),
    }
}

/// The families that say what the fleet is.
fn fleet_families() -> Filter {
    let names = d360_exporter::catalogue::FAMILIES.iter().map(|family| family.name);
    Filter::Names(names.filter(|name| crate::harness::is_of_fleet(name)).map(str::to_owned).collect())
}

/// A rig and what has to be shown of it.
struct Play {
    rig: Rig,
    families: Filter,
    truth: SeriesMap,
    /// How many there are.
    channels: usize,
    /// The data that were found to show as the truth. Rendering and parsing
    /// what did not change is what would take the time.
    whole: Option<Data>,
}

impl Play {
    async fn start(place: Place) -> Self {
        let rig = Rig::of(scene(place)).await;
        let truth = rig.truth();
        let channels = rig.ids().iter().map(|(_, channels)| channels.len()).sum();
        let mut play = Self { rig, families: fleet_families(), truth, channels, whole: None };
        assert!(play.recovers(None).await.unwrap(), "a healthy start");
        // Past the first cycle, which is as fast as it can be.
        play.rig.run_for(INTERVAL).await;
        play
    }

    /// Waits until everything is read and right. False if that takes too long,
    /// and an error if the judge finds something wrong on the way.
    async fn recovers(&mut self, judge: Option<&Judge>) -> Result<bool, String> {
        let mut last = self.rig.data();
        for second in 0..RECOVERY.as_secs() {
            if !self.rig.tick().await {
                continue;
            }
            let data = self.rig.data();
            if let Some(judge) = judge.filter(|judge| second % judge.patience() == 0 && data != last) {
                judge.look(&self.shown())?;
                last = data;
            }
            if self.is_healthy() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_healthy(&mut self) -> bool {
        self.rig.down().is_empty() && self.rig.partner_is_up() && self.is_true()
    }

    /// The series of the fleet.
    fn shown(&mut self) -> SeriesMap {
        metrics_of(&Exposition::parse(&self.rig.body(&self.families)))
    }

    /// Whether what is shown is the truth.
    fn is_true(&mut self) -> bool {
        let data = self.rig.data();
        if self.whole.as_ref() == Some(&data) {
            return true;
        }
        let channels: usize = data.iter().map(|(.., channels)| channels.len()).sum();
        let is_true = channels == self.channels && self.shown() == self.truth;
        if is_true {
            self.whole = Some(data);
        }
        is_true
    }
}

/// How many requests there are without a fault, in the time of one.
async fn usual_requests(place: Place) -> f64 {
    let mut play = Play::start(place).await;
    let before = play.rig.sent();
    play.rig.run_for(FAULTY).await;
    (play.rig.sent() - before) as f64
}

/// Plays one case from a healthy start to a healthy end.
async fn play((place, faults): &Case, usual_requests: f64) -> Finding {
    let mut play = Play::start(*place).await;
    let victim = play.rig.ids()[2].0.clone();
    let explain =
        |wrong| format!("{:?} at {place:?}: {wrong}", faults.iter().map(|&f| FAULTS[f].kind).collect::<Vec<_>>());
    // A refused key concerns all clients, whichever was read with it.
    let alone = *place == Place::OneClient && !faults.iter().any(|&fault| FAULTS[fault].kind == "unauthorized");
    let alone = alone.then_some(victim.as_str());
    let mut judge = Judge::new(&play.rig.fleet_as_it_is(), *place, faults, alone);
    let mut watch = Watch::new(&play.rig.scrape(), usual_requests, play.rig.now());

    play.rig.faults(&faults.iter().map(|&fault| FAULTS[fault].set(*place, &victim)).collect());
    let mut last = play.rig.data();
    for second in 0..FAULTY.as_secs() {
        if play.rig.tick().await {
            watch.look(play.rig.down(), play.rig.partner_is_up());
            let data = play.rig.data();
            if second % judge.patience() == 0 && data != last {
                judge.look(&play.shown()).map_err(|wrong| explain(format!("after {second} s: {wrong}")))?;
                last = data;
            }
        }
    }
    let mut signals = watch.signals(&play.rig.scrape(), play.rig.now(), *place, alone).map_err(explain)?;
    if !play.is_true() {
        signals.note(signals::Signal::Data);
    }

    play.rig.faults(&json!([]));
    judge.faults_are_over();
    if !play.recovers(Some(&judge)).await.map_err(|wrong| explain(format!("on the way back: {wrong}")))? {
        return Err(explain(format!(
            "expected the fleet as it is within {RECOVERY:?} after the faults, found another"
        )));
    }
    play.rig.run_for(INTERVAL).await;
    if play.is_healthy() { Ok(signals) } else { Err(explain("expected the fleet to stay as it is".to_owned())) }
}

/// Plays all cases on as many threads as there are processors.
fn play_all(cases: &[Case]) -> BTreeMap<Case, Finding> {
    let paused = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let usual = |place| (place, paused().block_on(usual_requests(place)));
    let usual = BTreeMap::from(Place::ALL.map(usual));
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let finding = paused().block_on(play(case, usual[&case.0]));
            found.lock().unwrap().insert(case.clone(), finding);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    found.into_inner().unwrap()
}

/// Every pair is played by `make faults`, and one of so many by the ordinary tests. Prime, so that these meet every
/// place and every fault.
const SPREAD: usize = 61;

/// Every pair at every place.
fn all_pairs() -> Vec<Case> {
    let pairs = (0..FAULTS.len()).flat_map(|high| (0..high).map(move |low| vec![low, high]));
    Place::ALL.into_iter().flat_map(|place| pairs.clone().map(move |pair| (place, pair))).collect()
}

/// Every fault alone at every place.
fn singles() -> Vec<Case> {
    Place::ALL.into_iter().flat_map(|place| (0..FAULTS.len()).map(move |fault| (place, vec![fault]))).collect()
}

/// Plays the matrix, and compares it with what is written down; with `UPDATE_DOCS=1` writes it.
///
/// All pairs take minutes (`FAULTS=all`, which is `make faults`). The ordinary tests play always the same spread of
/// them and trust what is written down about the others.
#[test]
fn every_fault_shows_nothing_wrong_and_leaves_no_trace() {
    let every = match std::env::var("FAULTS").as_deref() {
        Ok("all") => 1,
        Ok(other) => panic!("FAULTS is `all` or not set, found `{other}`"),
        Err(_) => SPREAD,
    };
    let pairs = all_pairs();
    let cases: Vec<Case> = singles().into_iter().chain(pairs.iter().step_by(every).cloned()).collect();
    let found = play_all(&cases);
    println!("played {} cases", found.len());
    let wrong: Vec<&String> = found.values().filter_map(|finding| finding.as_ref().err()).collect();
    let lines: String = wrong.iter().map(|w| format!("{w}\n")).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{lines}", wrong.len(), found.len());
    let found = found.into_iter().map(|(case, finding)| (case, finding.unwrap())).collect();
    document::check(&pairs, &found);
}

#[test]
fn the_spread_of_pairs_meets_every_place_and_every_fault() {
    let spread: Vec<Case> = all_pairs().into_iter().step_by(SPREAD).collect();
    let places: BTreeSet<Place> = spread.iter().map(|(place, _)| *place).collect();
    let faults: BTreeSet<usize> = spread.iter().flat_map(|(_, faults)| faults.iter().copied()).collect();
    assert_eq!((places.len(), faults.len()), (Place::ALL.len(), FAULTS.len()), "{spread:?}");
}

#[test]
fn every_fault_of_the_simulator_is_in_the_matrix_or_listed_as_outside_of_it() {
    let response = Simulator::new(fleet(1, 1)).respond(&simulator::Request {
        method: "PUT".to_owned(),
        path: "/_simulator/faults".to_owned(),
        body: json!({ "faults": [{ "kind": "?" }] }).to_string().into_bytes(),
        ..simulator::Request::default()
    });
    let said: Value = serde_json::from_slice(&response.body).unwrap();
    let said = said["meta"]["developer_message"].as_str().unwrap();
    let known = said.split_once("expected one of ").unwrap().1.split(", ");
    let mut known: Vec<&str> = known.map(|kind| kind.trim_matches('`')).collect();
    let mut played: Vec<&str> = FAULTS.iter().map(|fault| fault.kind).chain(OUTSIDE.iter().copied()).collect();
    played.dedup();
    let at = |position: usize| (FAULTS[position].kind, FAULTS[position].means);
    assert_eq!(at(cases::TOTAL_TOO_HIGH), ("wrong_total", "`total` too high"));
    assert_eq!(at(cases::TOTAL_TOO_LOW), ("wrong_total", "`total` too low"));
    known.sort_unstable();
    played.sort_unstable();
    assert_eq!(played, known);
}

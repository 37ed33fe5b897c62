//! What happens in a simulation: incidents, faults of the API and restarts, all from one seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

/// Something that is true upstream from one minute to another.
#[derive(Debug, Clone)]
pub(super) struct Incident {
    pub(super) trouble: &'static Trouble,
    pub(super) client: String,
    pub(super) channel: String,
    pub(super) waba: String,
    pub(super) begin: usize,
    pub(super) end: usize,
}

/// A kind of incident.
#[derive(Debug, PartialEq)]
pub(super) struct Trouble {
    pub(super) alert: &'static str,
    /// Minutes that the alert waits.
    pub(super) hold: usize,
    /// Whether the alert ends a day after the incident was seen, instead of with the incident.
    pub(super) counts_for_a_day: bool,
    begins: Step,
    ends: Step,
}

/// What is done upstream.
#[derive(Debug, PartialEq)]
enum Step {
    Nothing,
    Channel(&'static str, &'static str),
    Waba(&'static str),
    Name(&'static str),
    RemoveChannel,
    RemoveClient,
}

macro_rules! troubles {
    ($($alert:literal $hold:literal $day:literal: $begins:expr => $ends:expr;)+) => {
        /// Every kind of incident.
        const TROUBLES: &[Trouble] =
            &[$(Trouble { alert: $alert, hold: $hold, counts_for_a_day: $day, begins: $begins, ends: $ends }),+];
    };
}

troubles! {
    "D360ChannelError" 10 false:
        Step::Channel("availability_status", "error") => Step::Channel("availability_status", "ready");
    "D360ChannelNotReady" 15 false:
        Step::Channel("availability_status", "setting_up") => Step::Channel("availability_status", "ready");
    "D360ChannelQualityLow" 10 false:
        Step::Channel("current_quality_rating", "Low") => Step::Channel("current_quality_rating", "High");
    "D360ChannelMessagingLimitReduced" 10 true: Step::Channel("current_limit", "TIER_1K") => Step::Nothing;
    "D360WabaBanned" 5 false: Step::Waba("banned") => Step::Waba("approved");
    "D360ChannelDisplayNameDeclined" 10 false: Step::Name("declined") => Step::Name("approved");
    "D360ChannelDisappeared" 10 true: Step::RemoveChannel => Step::Nothing;
    "D360ClientDisappeared" 5 true: Step::RemoveClient => Step::Nothing;
}

/// A time in which the API misbehaves.
#[derive(Debug, Clone)]
pub(super) struct Outage {
    pub(super) faults: Value,
    pub(super) begin: usize,
    pub(super) end: usize,
    /// The only client that it meets.
    pub(super) client: Option<String>,
}

/// A control of the simulator.
pub(super) type Control = (&'static str, String, Value);

impl Incident {
    fn step(&self, step: &Step) -> Option<Control> {
        let channel = |patch| Some(("PATCH", format!("channels/{}", self.channel), patch));
        match step {
            Step::Nothing => None,
            Step::Channel(field, value) => channel(json!({ *field: value })),
            Step::Name(value) => channel(json!({ "setup_info": { "new_name_status": value } })),
            Step::Waba(status) => Some(("PATCH", format!("waba_accounts/{}", self.waba), json!({ "status": status }))),
            Step::RemoveChannel => Some(("DELETE", format!("channels/{}", self.channel), Value::Null)),
            Step::RemoveClient => Some(("DELETE", format!("clients/{}", self.client), Value::Null)),
        }
    }

    /// What begins or ends it in this minute.
    pub(super) fn at(&self, minute: usize) -> Option<Control> {
        if minute == self.begin {
            self.step(&self.trouble.begins)
        } else if minute == self.end {
            self.step(&self.trouble.ends)
        } else {
            None
        }
    }
}

/// Everything that happens.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) incidents: Vec<Incident>,
    pub(super) outages: Vec<Outage>,
    /// Minutes in which the exporter goes down, and for how long.
    pub(super) restarts: Vec<(usize, usize)>,
}

/// A client with its WhatsApp account and its channels.
pub(super) type Member = (String, String, Vec<String>);

/// Minutes at the start in which nothing happens, and at the end in which nothing begins.
const QUIET: usize = 120;

impl Story {
    /// A story of so many minutes. Each client has one incident at most, so that no two of them have a cause in common.
    pub(super) fn new(seed: u64, minutes: usize, members: &[Member]) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let incidents = members.iter().enumerate().map(|(nth, (client, waba, channels))| {
            let trouble = &TROUBLES[nth % TROUBLES.len()];
            let begin = rng.random_range(QUIET..minutes - QUIET);
            let channel = channels[rng.random_range(0..channels.len())].clone();
            let end = begin + rng.random_range(60..720);
            Incident { trouble, client: client.clone(), channel, waba: waba.clone(), begin, end }
        });
        let incidents = incidents.collect();
        let mut outages = Vec::new();
        let mut restarts = Vec::new();
        let mut now = QUIET;
        while now < minutes {
            let lasts = if rng.random_bool(0.2) { rng.random_range(120..600) } else { rng.random_range(5..90) };
            outages.push(outage(&mut rng, now, (now + lasts).min(minutes), members));
            // Faults are there a fifth of the time.
            now += lasts + 4 * lasts.min(150) + rng.random_range(60..240);
            if rng.random_bool(0.3) {
                restarts.push((now - 50, rng.random_range(1..4)));
            }
        }
        Self { incidents, outages, restarts }
    }
}

fn outage(rng: &mut StdRng, begin: usize, end: usize, members: &[Member]) -> Outage {
    let kind = rng.random_range(0..8);
    let (client, _, _) = &members[rng.random_range(0..members.len())];
    let of = |faults| Outage { faults, begin, end, client: None };
    match kind {
        0 => of(json!([{ "kind": "server_error", "status": 500 }])),
        1 => of(json!([{ "kind": "hang" }])),
        2 => of(json!([{ "kind": "rate_limited" }])),
        3 => of(json!([{ "kind": "unauthorized" }])),
        4 => of(json!([{ "kind": "html" }])),
        5 => of(json!([{ "kind": "truncated" }])),
        6 => of(json!([{ "kind": "short_list", "keep": 0 }])),
        _ => Outage {
            faults: json!([{ "kind": "forbidden", "operation": "client_channels", "client_id": client }]),
            begin,
            end,
            client: Some(client.clone()),
        },
    }
}

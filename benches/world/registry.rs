//! The baseline that the exposition by blocks is held against: the same series
//! in gauges of the `prometheus` crate's registry, encoded and compressed at
//! every scrape.

use std::collections::HashMap;
use std::io::Write as _;

use d360_exporter::catalogue::{FAMILIES, Kind, Scope};
use d360_exporter::fleet::{ClientState, Fleet};
use d360_exporter::model::{Availability, Channel, MessagingLimit, QualityRating, ShortText};
use flate2::Compression;
use flate2::write::GzEncoder;
use prometheus::{CounterVec, GaugeVec, Opts, Registry, TextEncoder};

/// A registry that holds a fleet.
#[derive(Debug)]
pub(crate) struct Baseline {
    registry: Registry,
    gauges: HashMap<&'static str, GaugeVec>,
    transitions: CounterVec,
}

impl Baseline {
    /// Sets one gauge a series.
    pub(crate) fn of(fleet: &Fleet) -> Self {
        let registry = Registry::new();
        let mut gauges = HashMap::new();
        for family in FAMILIES.iter().filter(|f| f.scope < Scope::Api && f.kind == Kind::Gauge) {
            let gauge = GaugeVec::new(Opts::new(family.name, family.help), family.labels).unwrap();
            registry.register(Box::new(gauge.clone())).unwrap();
            gauges.insert(family.name, gauge);
        }
        let transitions = "d360_channel_transitions_total";
        let family = FAMILIES.iter().find(|f| f.name == transitions).unwrap();
        let transitions = CounterVec::new(Opts::new(family.name, family.help), family.labels).unwrap();
        registry.register(Box::new(transitions.clone())).unwrap();
        let baseline = Self { registry, gauges, transitions };
        baseline.partner(fleet);
        fleet.clients(..).for_each(|state| baseline.client(fleet.partner().as_str(), state));
        baseline
    }

    /// One scrape: text 0.0.4, compressed as `flate2` does by default.
    pub(crate) fn scrape(&self) -> Vec<u8> {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    }

    /// How many series it holds.
    pub(crate) fn series(&self) -> usize {
        self.registry.gather().iter().map(|family| family.get_metric().len()).sum()
    }

    fn set(&self, family: &str, labels: &[&str], value: f64) {
        self.gauges[family].with_label_values(labels).set(value);
    }

    fn partner(&self, fleet: &Fleet) {
        let (partner, state) = (fleet.partner().as_str(), fleet.partner_state());
        self.set("d360_partner_up", &[partner], f64::from(u8::from(state.up)));
        if let Some((at, took)) = state.last_cycle {
            self.set("d360_partner_last_refresh_timestamp_seconds", &[partner], at.as_second() as f64);
            self.set("d360_partner_refresh_duration_seconds", &[partner], took.as_secs_f64());
        }
        for (field, from, to, count) in state.transitions.iter() {
            self.transitions.with_label_values(&[partner, field.as_str(), from, to]).inc_by(count as f64);
        }
    }

    fn client(&self, partner: &str, state: &ClientState) {
        let client = &state.client;
        let ids = [partner, client.id.as_str()];
        let name = client.name.as_deref().unwrap_or_default();
        self.set("d360_client_info", &[ids[0], ids[1], name], 1.0);
        self.set("d360_client_channels", &ids, state.channels.len() as f64);
        if let Some(status) = client.status.as_deref() {
            self.set("d360_client_status", &[ids[0], ids[1], status], 1.0);
        }
        if let Some(up) = state.up {
            self.set("d360_client_up", &ids, f64::from(u8::from(up)));
        }
        let numbers = [
            ("d360_client_max_channels", client.max_channels.map(|max| max as f64)),
            ("d360_client_created_timestamp_seconds", client.created_at.map(|at| at.as_second() as f64)),
            ("d360_client_last_refresh_timestamp_seconds", state.last_refresh.map(|at| at.as_second() as f64)),
        ];
        for (family, value) in numbers {
            if let Some(value) = value {
                self.set(family, &ids, value);
            }
        }
        for known in &state.channels {
            self.channel(ids, name, &known.channel);
        }
    }

    fn channel(&self, [partner, client]: [&str; 2], client_name: &str, channel: &Channel) {
        let ids = [partner, client, channel.id.as_str()];
        let with = |label| [ids[0], ids[1], ids[2], label];
        let text = |field: &Option<ShortText>| field.as_deref().unwrap_or_default().to_owned();
        let (number, display_name) = (text(&channel.phone_number), text(&channel.display_name));
        let account = text(&channel.waba_account_id);
        let info = [ids[0], ids[1], ids[2], client_name, &number, &display_name, &account];
        self.set("d360_channel_info", &info, 1.0);
        for state in Availability::ALL {
            let is = f64::from(u8::from(*state == channel.availability));
            self.set("d360_channel_availability_status", &with(state.as_str()), is);
        }
        for rating in QualityRating::ALL {
            let is = f64::from(u8::from(*rating == channel.quality));
            self.set("d360_channel_quality_rating", &with(rating.as_str()), is);
        }
        self.set("d360_channel_status", &with(channel.status.as_str()), 1.0);
        if let Some(status) = channel.hub_status {
            self.set("d360_channel_hub_status", &with(status.as_str()), 1.0);
        }
        if let Some(event) = &channel.last_quality_event {
            self.set("d360_channel_last_quality_event", &with(event), 1.0);
        }
        let limit = channel.limit.map(|limit| match limit {
            MessagingLimit::Recipients(n) => n as f64,
            MessagingLimit::Unlimited => f64::INFINITY,
        });
        let numbers = [
            ("d360_channel_messaging_limit", limit),
            ("d360_channel_quality_score", channel.quality.score().map(f64::from)),
            (
                "d360_channel_official_business_account",
                channel.official_business_account.map(|is| f64::from(u8::from(is))),
            ),
            ("d360_channel_created_timestamp_seconds", channel.created_at.map(|at| at.as_second() as f64)),
            ("d360_channel_cancelled_timestamp_seconds", channel.cancelled_at.map(|at| at.as_second() as f64)),
            ("d360_channel_termination_timestamp_seconds", channel.terminated_at.map(|at| at.as_second() as f64)),
        ];
        for (family, value) in numbers {
            if let Some(value) = value {
                self.set(family, &ids, value);
            }
        }
    }
}

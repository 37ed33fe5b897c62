//! The baseline that the exposition by pieces is held against: the same series
//! in gauges of the `prometheus` crate's registry, encoded and compressed at
//! every scrape.

use std::io::Write as _;

use d360_exporter::catalogue::{self, ChannelRow, Family, Kind, Read, Sink, Value};
use d360_exporter::fleet::{ClientState, Fleet};
use flate2::Compression;
use flate2::write::GzEncoder;
use prometheus::{CounterVec, GaugeVec, Opts, Registry, TextEncoder};

/// A registry that holds a fleet.
#[derive(Debug)]
pub(crate) struct Baseline {
    registry: Registry,
}

/// Sets the series of one family.
enum Instrument {
    Gauge(GaugeVec),
    Counter(CounterVec),
}

impl Instrument {
    fn new(registry: &Registry, family: &Family) -> Self {
        let opts = Opts::new(family.name, family.help);
        match family.kind {
            Kind::Counter => {
                let counter = CounterVec::new(opts, family.labels).unwrap();
                registry.register(Box::new(counter.clone())).unwrap();
                Self::Counter(counter)
            }
            _ => {
                let gauge = GaugeVec::new(opts, family.labels).unwrap();
                registry.register(Box::new(gauge.clone())).unwrap();
                Self::Gauge(gauge)
            }
        }
    }
}

/// The samples of one row.
struct Row<'a> {
    instrument: &'a Instrument,
    ids: &'a [&'a str],
}

impl Sink for Row<'_> {
    fn sample(&mut self, labels: &[&str], value: Value) {
        let labels = [self.ids, labels].concat();
        match self.instrument {
            Instrument::Gauge(gauge) => gauge.with_label_values(&labels).set(value.as_f64()),
            Instrument::Counter(counter) => counter.with_label_values(&labels).inc_by(value.as_f64()),
        }
    }
}

impl Baseline {
    /// Sets one gauge per series.
    pub(crate) fn of(fleet: &Fleet) -> Self {
        let registry = Registry::new();
        let partner = fleet.partner().as_str();
        for (_, entry) in catalogue::fleet() {
            let instrument = Instrument::new(&registry, &entry.family);
            if let Read::Partner(read) = entry.read {
                read(fleet.partner_state(), &mut Row { instrument: &instrument, ids: &[partner] });
            }
            for state in fleet.clients(..) {
                client(&instrument, entry.read, [partner, state.client.id.as_str()], state);
            }
        }
        Self { registry }
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
}

fn client(instrument: &Instrument, read: Read, ids: [&str; 2], state: &ClientState) {
    let mut row = Row { instrument, ids: &ids };
    match read {
        Read::Client(read) | Read::ListedClient(read) | Read::ClientFreshness(read) => read(state, &mut row),
        Read::Channel(read) => {
            let client_name = state.client.name.as_deref().unwrap_or_default();
            for known in &state.channels {
                let channel = &*known.channel;
                let phone_number = channel.phone_number.as_deref().unwrap_or_default();
                let mut row = Row { instrument, ids: &[ids[0], ids[1], channel.id.as_str()] };
                read(&ChannelRow { channel, history: &known.history, client_name, phone_number }, &mut row);
            }
        }
        Read::Waba(read) => {
            for waba in state.wabas() {
                read(waba, &mut Row { instrument, ids: &[ids[0], ids[1], &waba.id] });
            }
        }
        Read::Partner(_) | Read::GoneChannel(_) | Read::GoneClient(_) => {}
    }
}

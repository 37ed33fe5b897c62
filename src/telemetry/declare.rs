//! Declaring an instrument: one entry gives the field, the family, the series
//! that exist from the start, and their removal with their partner.

use std::collections::HashMap;

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{
    CounterVec, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

use crate::family::{Family, Kind, Values};

/// The label that says whose a series is.
const PARTNER: &str = "partner_id";

/// Buckets of a request's duration, from a response out of a near cache to the
/// default time-out. None of them is a power of ten: OpenMetrics spells those in
/// another way than the text format does, and both shall hold the same lines.
const DURATION_BUCKETS: &[f64] = &[0.025, 0.05, 0.15, 0.25, 0.5, 0.75, 1.5, 3.0, 6.0, 12.0, 30.0];

/// An instrument of the `prometheus` crate.
///
/// A counter or histogram whose label values are all known has a series for each
/// combination from the start. One with an open label, one without labels, and a
/// gauge, whose value nobody knows at first, have none until they are first used.
pub(super) trait Instrument: Sized + Clone + 'static {
    /// The type of its family.
    const KIND: Kind;

    /// Makes it. Fails if the family's name or labels are not valid.
    fn new(family: &Family) -> prometheus::Result<Self>;

    /// Starts the series that need no partner, or those of one.
    fn start(&self, _: &Family, _partner: Option<&str>) {}

    /// Removes the series of a partner.
    fn forget(&self, _partner: &str) {}
}

macro_rules! scalar {
    ($($instrument:ty: $kind:ident;)+) => { $(
        impl Instrument for $instrument {
            const KIND: Kind = Kind::$kind;
            fn new(family: &Family) -> prometheus::Result<Self> {
                Self::with_opts(Opts::new(family.name, family.help))
            }
        }
    )+ };
}

scalar! {
    Gauge: Gauge;
    IntGauge: Gauge;
    IntCounter: Counter;
}

macro_rules! vector {
    ($($instrument:ty: $kind:ident = $opts:expr;)+) => { $(
        impl Instrument for $instrument {
            const KIND: Kind = Kind::$kind;
            fn new(family: &Family) -> prometheus::Result<Self> {
                let opts: fn(Opts) -> _ = $opts;
                Self::new(opts(Opts::new(family.name, family.help)), family.labels)
            }
            fn start(&self, family: &Family, partner: Option<&str>) {
                if Self::KIND != Kind::Gauge {
                    start(self, family, partner);
                }
            }
            fn forget(&self, partner: &str) {
                forget(self, partner);
            }
        }
    )+ };
}

vector! {
    CounterVec: Counter = |opts| opts;
    IntCounterVec: Counter = |opts| opts;
    GaugeVec: Gauge = |opts| opts;
    IntGaugeVec: Gauge = |opts| opts;
    HistogramVec: Histogram = |opts| HistogramOpts::from(opts).buckets(DURATION_BUCKETS.to_vec());
}

/// Starts every combination of label values, if all of them are known.
fn start<B: MetricVecBuilder>(vector: &MetricVec<B>, family: &Family, partner: Option<&str>) {
    if family.labels.is_empty() || family.labels.contains(&PARTNER) != partner.is_some() {
        return;
    }
    let mut series: Vec<Vec<&str>> = vec![Vec::new()];
    for (label, values) in family.labels.iter().zip(family.values) {
        let values: &[&str] = match (values, &partner) {
            (Values::Of(values), _) => values,
            (Values::Id(_), Some(partner)) if *label == PARTNER => std::slice::from_ref(partner),
            _ => return,
        };
        series = series.iter().flat_map(|s| values.iter().map(move |value| [&s[..], &[value]].concat())).collect();
    }
    for labels in series {
        vector.with_label_values(&labels);
    }
}

fn forget<B: MetricVecBuilder + 'static>(vector: &MetricVec<B>, partner: &str) {
    let families = vector.collect();
    for series in families.iter().flat_map(|family| family.get_metric()) {
        let labels = series.get_label();
        if labels.iter().any(|pair| pair.name() == PARTNER && pair.value() == partner) {
            let labels: HashMap<_, _> = labels.iter().map(|pair| (pair.name(), pair.value())).collect();
            // A series that is not there any more is what was wanted.
            let _ = vector.remove(&labels);
        }
    }
}

/// Makes and registers an instrument. Names and labels are constants of one file,
/// so that a failure is an error in it, seen by the first test that runs.
#[expect(clippy::expect_used, reason = "names are constants; the first test sees an error")]
pub(super) fn register<I: Instrument + Collector>(registry: &Registry, family: &Family) -> I {
    let instrument = I::new(family).expect("valid instrument");
    registry.register(Box::new(instrument.clone())).expect("unique instrument");
    instrument.start(family, None);
    instrument
}

/// Defines a struct of instruments and the list of their families. Each
/// instrument is one entry:
///
/// ```text
/// Api retries: IntCounterVec = "d360_api_retries_total" ["partner_id" = PARTNER, "reason" = Values::Of(REASONS)]
///     "HELP text.";
/// ```
///
/// Families that a collector of the `prometheus` crate brings along have a type and
/// no field: `Exporter Gauge = "process_threads" [] "HELP text.";`
macro_rules! instruments {
    (
        $(#[$doc:meta])*
        struct $name:ident {
            $( $scope:ident $field:ident : $instrument:ident = $metric:literal
               [ $( $label:literal = $values:expr ),* $(,)? ] $help:literal; )+
        }
        collected {
            $( $cscope:ident $ckind:ident = $cmetric:literal $chelp:literal; )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        struct $name { $( $field: $instrument ),+ }

        /// The exporter's own families.
        pub const FAMILIES: &[Family] = &[
            $( Family {
                name: $metric,
                kind: <$instrument as Instrument>::KIND,
                scope: Scope::$scope,
                labels: &[ $( $label ),* ],
                values: &[ $( $values ),* ],
                help: $help,
            }, )+
            $( Family {
                name: $cmetric,
                kind: Kind::$ckind,
                scope: Scope::$cscope,
                labels: &[],
                values: &[],
                help: $chelp,
            }, )*
        ];

        impl $name {
            fn new(registry: &Registry) -> Self {
                let mut families = FAMILIES.iter();
                let mut family = || families.next().unwrap_or(&FAMILIES[0]);
                Self { $( $field: register(registry, family()) ),+ }
            }

            /// Starts the series of a partner.
            fn start(&self, partner: &str) {
                let mut families = FAMILIES.iter();
                $( if let Some(family) = families.next() { self.$field.start(family, Some(partner)); } )+
            }

            /// Removes the series of a partner.
            fn forget(&self, partner: &str) {
                $( self.$field.forget(partner); )+
            }
        }
    };
}

pub(super) use instruments;

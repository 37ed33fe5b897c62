//! What a metric family is: name, type, labels, help.
//!
//! Here: the plain description, shared by the families of the fleet
//! ([`crate::catalogue`]) and by the exporter's own ([`crate::telemetry`]).
//!
//! Never here: families, values.

/// The type that the exposition declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up; its name ends in `_total`.
    Counter,
    /// Counts by bucket.
    Histogram,
}

impl Kind {
    /// The word of the TYPE line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// The object that a family describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// A channel.
    Channel,
    /// A WhatsApp business account.
    Waba,
    /// A client.
    Client,
    /// A partner.
    Partner,
    /// The Partner API as seen.
    Api,
    /// The exporter itself.
    Exporter,
}

/// The values that a label can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// The id of an object: a partner, a client, a channel, a WABA.
    Id(&'static str),
    /// One of these.
    Of(&'static [&'static str]),
    /// Any text; what it is, and an example.
    Text(&'static str, &'static str),
}

/// One family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// The name of the family and, but for histograms, of its samples.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it describes.
    pub scope: Scope,
    /// The names of its labels, in the order of exposition.
    pub labels: &'static [&'static str],
    /// The values of each of its labels, in the same order.
    pub values: &'static [Values],
    /// Its HELP text.
    pub help: &'static str,
}

/// Sorts families by name, at compile time.
pub(crate) const fn sorted<const N: usize>(mut families: [Family; N]) -> [Family; N] {
    let mut end = 1;
    while end < N {
        let mut at = end;
        while at > 0 && is_before(families[at].name, families[at - 1].name) {
            let later = families[at - 1];
            families[at - 1] = families[at];
            families[at] = later;
            at -= 1;
        }
        end += 1;
    }
    families
}

const fn is_before(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() {
        if a[i] != b[i] {
            return a[i] < b[i];
        }
        i += 1;
    }
    a.len() < b.len()
}

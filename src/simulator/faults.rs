//! Faults: what can go wrong, on which requests, and which of them meet the request at hand.
//! Never here: what a fault does, which is written where the response is made, in `faulty`, `listing` and `distort`.

use std::num::NonZeroUsize;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What goes wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Kind {
    /// The response comes late.
    Latency { ms: u64 },
    /// 429.
    RateLimited {
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// A status from 500 to 599.
    ServerError {
        status: u16,
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// 401.
    Unauthorized {},
    /// 403.
    Forbidden {},
    /// 404.
    NotFound {},
    /// No response, ever.
    Hang {},
    /// The response comes in small pieces.
    Drip { chunk: NonZeroUsize, every_ms: u64 },
    /// The connection closes half-way through the body.
    Truncated {},
    /// 200 with a web page.
    Html {},
    /// 200 with half an object under the JSON content type.
    NotJson {},
    /// 200 with an empty body.
    EmptyBody {},
    /// 200 with valid JSON of no known shape.
    WrongShape {},
    /// 302 to another address.
    Redirect {
        #[serde(default = "elsewhere")]
        location: String,
    },
    /// 200 with `meta.success: false` and an empty list.
    Unsuccessful {
        #[serde(default = "unavailable")]
        message: String,
    },
    /// Every page is full of new items; with `changing`, of other ones at every request.
    EndlessPages {
        #[serde(default)]
        changing: bool,
    },
    /// Every page is the first one.
    RepeatedPage {},
    /// No page holds more than this.
    ClampedPages { limit: NonZeroUsize },
    /// Every request sees the list in another order.
    ShuffledPages {},
    /// Every page but the first starts half a page early.
    OverlappingPages {},
    /// `total` has this value.
    WrongTotal { total: Value },
    /// `total` is larger than the list by this many.
    InflatedTotal { by: i64 },
    /// `count` is seven too high.
    WrongCount {},
    /// The list ends after this many items, and `total` agrees.
    ShortList { keep: usize },
    /// A list as it was so many reads ago. Reads with a filter are up to date.
    StaleList { reads: usize },
    /// While a list is read, before its second page, so many items are removed at its front and so many inserted there.
    ShiftingList {
        #[serde(default)]
        insert: usize,
        #[serde(default)]
        remove: usize,
    },
    /// Larger page sizes get this status, or no response at all.
    RefusedPageSize {
        above: usize,
        #[serde(default)]
        status: Option<u16>,
    },
    /// The first item of a page is repeated at its end, under another name; with `at`, the first item of the list is
    /// repeated at this position of it.
    Duplicates {
        #[serde(default)]
        at: Option<i64>,
    },
    /// Every third item, from the first on, is a number, null or an object without `id`; with `at`, only the item at
    /// this position of the list is a number.
    BrokenItem {
        #[serde(default)]
        at: Option<i64>,
    },
    /// Every nth item does not have this key.
    MissingField {
        field: String,
        #[serde(default = "one")]
        every: NonZeroUsize,
    },
    /// Every nth channel names its owner in one place only, or nowhere.
    OwnerlessItems {
        #[serde(default)]
        owner: Owner,
        #[serde(default = "one")]
        every: NonZeroUsize,
    },
    /// The channels of the next client follow those of the client; with `only`, they replace them.
    ForeignItems {
        #[serde(default)]
        only: bool,
    },
    /// 200 OK with a body far above any sane size.
    HugeBody { mib: usize },
    /// The header says gzip, the body is plain.
    WrongEncoding {},
    /// The body is compressed under this name, in so many gzip members.
    Gzip {
        #[serde(default = "gzip")]
        encoding: String,
        #[serde(default = "one")]
        members: NonZeroUsize,
    },
    /// A byte order mark before the JSON.
    ByteOrderMark {},
    /// So many header lines more.
    ManyHeaders { count: u32 },
    /// Every enum holds an unknown value.
    UnknownValues {},
    /// Every field but the ids is null.
    Nulls {},
}

impl Kind {
    /// What serde cannot check.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::ServerError { status, .. } if !(500..=599).contains(status) => {
                Err(format!("status must be from 500 to 599, found {status}"))
            }
            Self::RefusedPageSize { status: Some(status), .. } if !(400..=599).contains(status) => {
                Err(format!("status must be from 400 to 599, found {status}"))
            }
            _ => Ok(()),
        }
    }
}

/// The `Retry-After` of a response.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum RetryAfter {
    /// No header.
    #[default]
    None,
    /// Seconds from now.
    Seconds(u64),
    /// `http_date`: a date thirty seconds ahead; anything else goes out as it is.
    Text(String),
}

/// Where a channel names its owner.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Owner {
    /// Nowhere.
    #[default]
    None,
    /// In `client.id`.
    Client,
    /// In `waba_account.client_id`.
    WabaAccount,
}

fn one() -> NonZeroUsize {
    NonZeroUsize::MIN
}

fn gzip() -> String {
    "gzip".to_owned()
}

fn unavailable() -> String {
    "Temporarily unavailable".to_owned()
}

fn elsewhere() -> String {
    "http://127.0.0.2:9/".to_owned()
}

fn always() -> f64 {
    1.0
}

/// A fault and the requests that it meets. `O` is the type of an operation.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Fault<O> {
    #[serde(flatten)]
    kind: Kind,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    operation: Option<O>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(default = "always")]
    probability: f64,
    /// How many more requests it meets; no bound when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
}

impl<O: Copy + Eq + DeserializeOwned> Fault<O> {
    fn parse(value: &Value) -> Result<Self, String> {
        let fault: Self = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        if !(0.0..=1.0).contains(&fault.probability) {
            return Err(format!("probability must be from 0 to 1, found {}", fault.probability));
        }
        fault.kind.check()?;
        Ok(fault)
    }

    fn concerns(&self, operation: O, client_id: Option<&str>) -> bool {
        self.operation.is_none_or(|scope| scope == operation)
            && self.client_id.as_deref().is_none_or(|scope| client_id == Some(scope))
    }
}

/// A set of faults.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    faults: Vec<Value>,
    seed: Option<u64>,
}

/// The faults in force.
#[derive(Debug)]
pub(super) struct Faults<O> {
    seed: u64,
    rng: StdRng,
    faults: Vec<Fault<O>>,
}

impl<O: Copy + Eq + DeserializeOwned + Serialize> Faults<O> {
    /// No faults. The seed decides which requests a fault with a probability meets.
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, rng: StdRng::seed_from_u64(seed), faults: Vec::new() }
    }

    /// Replaces the present faults by those of a body `{"faults": […], "seed": 1}`, or changes nothing and says why.
    /// The seed is the one of the simulator if the body names none.
    pub(super) fn replace(&mut self, body: &Value) -> Result<(), String> {
        let Body { faults, seed } = serde_json::from_value(body.clone())
            .map_err(|error| format!(r#"expected {{"faults": [...]}}, perhaps with a "seed": {error}"#))?;
        let parse = |(nth, value)| Fault::parse(value).map_err(|error| format!("faults[{nth}]: {error}"));
        self.faults = faults.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
        self.rng = StdRng::seed_from_u64(seed.unwrap_or(self.seed));
        Ok(())
    }

    /// The faults in force, in the form that `replace` takes.
    pub(super) fn to_value(&self) -> Value {
        json!({ "faults": self.faults })
    }

    /// The faults that meet a request, in the order in which they were set.
    pub(super) fn fire(&mut self, operation: O, client_id: Option<&str>) -> Vec<Kind> {
        let mut fired = Vec::new();
        for fault in self.faults.iter_mut().filter(|fault| fault.concerns(operation, client_id)) {
            match &mut fault.times {
                Some(0) => continue,
                Some(left) => *left -= 1,
                None => {}
            }
            if fault.probability >= 1.0 || self.rng.random_bool(fault.probability) {
                fired.push(fault.kind.clone());
            }
        }
        fired
    }

    /// The random numbers of faults that need them.
    pub(super) fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }
}

#[cfg(test)]
mod tests;

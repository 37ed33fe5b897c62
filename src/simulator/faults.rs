//! Faults: what can be asked to go wrong, on which requests, and which of them fire for the request at hand.
//! What a fault does to an answer stands where the answer is made: `api`, `listing` and `distort`.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::api::Operation;

/// What goes wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Kind {
    /// The answer comes late.
    Latency { ms: u64 },
    /// 429.
    RateLimited {
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// A status from 500 to 599.
    ServerError { status: u16 },
    /// 401.
    Unauthorized {},
    /// 403.
    Forbidden {},
    /// 404.
    NotFound {},
    /// No answer, ever.
    Hang {},
    /// The answer comes in small pieces.
    Drip { chunk: usize, every_ms: u64 },
    /// The connection closes half-way through the body.
    Truncated {},
    /// 200 with a web page.
    Html {},
    /// 200 with half an object under the JSON content type.
    NotJson {},
    /// 200 with nothing in it.
    EmptyBody {},
    /// 200 with valid JSON of no known shape.
    WrongShape {},
    /// 302 to elsewhere.
    Redirect {
        #[serde(default = "elsewhere")]
        location: String,
    },
    /// Every page is full of items never seen before.
    EndlessPages {},
    /// Every page is the first one.
    RepeatedPage {},
    /// No page holds more than this.
    ClampedPages { limit: usize },
    /// Every request sees the list in another order.
    ShuffledPages {},
    /// Every page but the first starts half a page early.
    OverlappingPages {},
    /// `total` says this.
    WrongTotal { total: Value },
    /// `count` is seven too high.
    WrongCount {},
    /// The list ends after this many items and says that this is all.
    ShortList { keep: usize },
    /// The first item of a page comes again at its end, under another name.
    Duplicates {},
    /// Every third item, from the first on, is a number, null or an object without `id`.
    BrokenItem {},
    /// Two hundred on the line and more bytes than anybody wants.
    HugeBody { mib: usize },
    /// The header says gzip, the body is plain.
    WrongEncoding {},
    /// Every enum holds a value that nobody has heard of.
    UnknownValues {},
    /// Every field but the ids is null.
    Nulls {},
}

/// The kinds, for the message that names them.
const KINDS: &[&str] = &[
    "latency",
    "rate_limited",
    "server_error",
    "unauthorized",
    "forbidden",
    "not_found",
    "hang",
    "drip",
    "truncated",
    "html",
    "not_json",
    "empty_body",
    "wrong_shape",
    "redirect",
    "endless_pages",
    "repeated_page",
    "clamped_pages",
    "shuffled_pages",
    "overlapping_pages",
    "wrong_total",
    "wrong_count",
    "short_list",
    "duplicates",
    "broken_item",
    "huge_body",
    "wrong_encoding",
    "unknown_values",
    "nulls",
];

/// The `Retry-After` of a 429.
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

fn elsewhere() -> String {
    "http://127.0.0.2:9/".to_owned()
}

/// A fault and the requests it concerns.
#[derive(Clone, Debug, Serialize)]
struct Fault {
    #[serde(flatten)]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Operation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    probability: f64,
    /// How many more times it fires; for ever when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
}

/// The faults in force.
#[derive(Debug)]
pub(super) struct Faults {
    seed: u64,
    rng: StdRng,
    faults: Vec<Fault>,
}

fn take<T: serde::de::DeserializeOwned>(
    fields: &mut Map<String, Value>,
    key: &str,
    expected: &str,
) -> Result<Option<T>, String> {
    match fields.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|_| format!("{key} must be {expected}, found {value}")),
    }
}

impl Fault {
    fn parse(value: &Value) -> Result<Self, String> {
        let Value::Object(fields) = value else {
            return Err(format!("expected an object with a kind, found {value}"));
        };
        let mut fields = fields.clone();
        match fields.get("kind").and_then(Value::as_str) {
            Some(kind) if KINDS.contains(&kind) => {}
            _ => {
                let found = fields.get("kind").cloned().unwrap_or_default();
                return Err(format!("unknown kind {found}; known kinds: {}", KINDS.join(", ")));
            }
        }
        let operations = "one of clients, client_channels, partner_channels, client_update";
        let operation = take(&mut fields, "operation", operations)?;
        let client_id = take(&mut fields, "client_id", "a string")?;
        let probability = take(&mut fields, "probability", "a number from 0 to 1")?.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&probability) {
            return Err(format!("probability must be a number from 0 to 1, found {probability}"));
        }
        let times = take(&mut fields, "times", "a whole number, 0 or more")?;
        let kind = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
        match kind {
            Kind::ServerError { status } if !(500..=599).contains(&status) => {
                return Err(format!("status must be from 500 to 599, found {status}"));
            }
            Kind::ClampedPages { limit: 0 } => {
                return Err("limit must be 1 or more, found 0".to_owned());
            }
            Kind::Drip { chunk: 0, .. } => {
                return Err("chunk must be 1 or more, found 0".to_owned());
            }
            _ => {}
        }
        Ok(Self { kind, operation, client_id, probability, times })
    }

    fn concerns(&self, operation: Operation, client_id: Option<&str>) -> bool {
        self.operation.is_none_or(|wanted| wanted == operation)
            && self.client_id.as_deref().is_none_or(|wanted| client_id == Some(wanted))
    }
}

impl Faults {
    /// No faults. The seed decides the throws of those that have a probability.
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, rng: StdRng::seed_from_u64(seed), faults: Vec::new() }
    }

    /// Puts the faults of a body `{"faults": […]}` in place of the present ones, or changes nothing and says why.
    pub(super) fn replace(&mut self, body: &Value) -> Result<(), String> {
        let list = match body {
            Value::Object(fields) if fields.len() == 1 => fields.get("faults").and_then(Value::as_array),
            _ => None,
        };
        let Some(list) = list else {
            return Err(r#"expected {"faults": [...]} and nothing else"#.to_owned());
        };
        let parse = |(nth, value)| Fault::parse(value).map_err(|error| format!("faults[{nth}]: {error}"));
        self.faults = list.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
        self.rng = StdRng::seed_from_u64(self.seed);
        Ok(())
    }

    /// The faults in force, in the form `replace` takes.
    pub(super) fn to_value(&self) -> Value {
        json!({ "faults": self.faults })
    }

    /// Which faults fire for a request, in the order in which they were set.
    pub(super) fn fire(&mut self, operation: Operation, client_id: Option<&str>) -> Vec<Kind> {
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

    /// Dice for faults that deal at random.
    pub(super) fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }
}

#[cfg(test)]
mod tests;

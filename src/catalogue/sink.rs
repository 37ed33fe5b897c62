//! Where the samples of a row go: text for a scrape, or anything else that takes
//! labels and a value.

use crate::model::Timestamp;

/// A sample value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A count.
    Unsigned(u64),
    /// A whole number.
    Signed(i64),
    /// Any number.
    Float(f64),
}

impl Value {
    /// As a floating-point number.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Unsigned(n) => n as f64,
            Self::Signed(n) => n as f64,
            Self::Float(n) => n,
        }
    }
}

impl From<bool> for Value {
    fn from(is: bool) -> Self {
        Self::Unsigned(u64::from(is))
    }
}

impl From<u8> for Value {
    fn from(n: u8) -> Self {
        Self::Unsigned(u64::from(n))
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Self {
        Self::Unsigned(n)
    }
}

impl From<usize> for Value {
    fn from(n: usize) -> Self {
        Self::Unsigned(n as u64)
    }
}

impl From<f64> for Value {
    fn from(n: f64) -> Self {
        Self::Float(n)
    }
}

impl From<Timestamp> for Value {
    /// Unix seconds.
    fn from(at: Timestamp) -> Self {
        Self::Signed(at.as_second())
    }
}

/// Takes the samples of one family for one row.
pub trait Sink {
    /// Takes a sample: the values of the labels that the family has beyond the
    /// ids of its row, in the order of its labels, and the sample's value.
    fn sample(&mut self, labels: &[&str], value: Value);
}

impl dyn Sink + '_ {
    /// A sample without further labels; none if there is no value.
    pub(super) fn value(&mut self, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.sample(&[], value.into());
        }
    }

    /// A sample of value 1 with one further label; none if there is no text.
    pub(super) fn word(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.sample(&[text], Value::Unsigned(1));
        }
    }

    /// A sample for each of these states: 1 for the current one, 0 for the others.
    pub(super) fn states(&mut self, all: &[&str], current: &str) {
        for state in all {
            self.sample(&[state], (*state == current).into());
        }
    }
}

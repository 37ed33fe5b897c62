//! A strict parser of the text format, version 0.0.4, written from its
//! specification: whatever it does not expect is a failed test.

use std::collections::{BTreeMap, BTreeSet};

/// A sample's name and labels, the labels in the order of exposition.
pub type Series = (String, Vec<(String, String)>);

/// Series and their values.
pub type SeriesMap = BTreeMap<Series, f64>;

/// A parsed body.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposition {
    /// Families by name.
    pub families: BTreeMap<String, Family>,
    /// Names of the families in order.
    pub order: Vec<String>,
}

/// One family.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Family {
    /// The text of HELP.
    pub help: String,
    /// The word of TYPE.
    pub kind: String,
    /// The samples.
    pub series: SeriesMap,
}

impl Exposition {
    /// Parses a whole body.
    ///
    /// # Panics
    ///
    /// If it is not one.
    pub fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "expected a line feed at the end");
        let mut parsed = Self { families: BTreeMap::new(), order: Vec::new() };
        let mut current = String::new();
        let mut seen = BTreeSet::new();
        for line in text.strip_suffix('\n').unwrap().split('\n') {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("no help in {line:?}"));
                let family = Family { help: help.to_owned(), ..Family::default() };
                assert!(parsed.families.insert(name.to_owned(), family).is_none(), "{name} comes twice");
                parsed.order.push(name.to_owned());
                name.clone_into(&mut current);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap_or_else(|| panic!("no type in {line:?}"));
                assert_eq!(name, current, "TYPE without HELP before it");
                assert!(["gauge", "counter", "histogram"].contains(&kind), "unknown type in {line:?}");
                let family = parsed.families.get_mut(name).unwrap();
                assert!(family.kind.is_empty() && family.series.is_empty(), "TYPE of {name} comes late or twice");
                kind.clone_into(&mut family.kind);
            } else {
                let (series, value) = sample(line);
                let family = parsed.families.get_mut(&current).unwrap_or_else(|| panic!("no family for {line:?}"));
                let suffix = series.0.strip_prefix(&current).unwrap_or_else(|| panic!("{line:?} is not of {current}"));
                match family.kind.as_str() {
                    "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&suffix), "{line:?}"),
                    _ => assert_eq!(suffix, "", "{line:?} is not of {current}"),
                }
                assert!(seen.insert(series.clone()), "{series:?} comes twice");
                family.series.insert(series, value);
            }
        }
        for (name, family) in &parsed.families {
            assert!(!family.series.is_empty(), "{name} has a header and no samples");
        }
        parsed
    }

    /// All series of the families that `wanted` names.
    pub fn series(&self, wanted: impl Fn(&str) -> bool) -> SeriesMap {
        let families = self.families.iter().filter(|(name, _)| wanted(name));
        families.flat_map(|(_, family)| family.series.clone()).collect()
    }

    /// The series of a family that have these labels.
    pub fn matching(&self, name: &str, labels: &[(&str, &str)]) -> SeriesMap {
        let has = |(series, _): &(&Series, &f64)| {
            labels.iter().all(|(name, value)| series.1.iter().any(|(n, v)| n == name && v == value))
        };
        let family = self.families.get(name).map(|family| &family.series);
        family.into_iter().flatten().filter(has).map(|(series, value)| (series.clone(), *value)).collect()
    }

    /// The value of the only series of a family with these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let found = self.matching(name, labels);
        assert!(found.len() <= 1, "expected one series of {name} with {labels:?}, found {found:?}");
        found.into_values().next()
    }

    /// The sum over all series of a family with these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.matching(name, labels).values().sum()
    }
}

fn is_name(text: &str, colon: bool) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
    text.chars().all(good) && text.chars().next().is_some_and(|c| !c.is_ascii_digit())
}

/// One line of `name{label="value",…} value`, without a timestamp.
fn sample(line: &str) -> (Series, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line:?}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name, true), "no metric name: {line:?}");
    let mut labels: Vec<(String, String)> = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line:?}"));
            assert!(is_name(label, false), "no label name: {label:?} in {line:?}");
            assert!(labels.iter().all(|(l, _)| l != label), "{label} comes twice in {line:?}");
            let (value, after) = label_value(value, line);
            labels.push((label.to_owned(), value));
            match after.split_at(1) {
                (",", more) => rest = more,
                ("}", more) => {
                    rest = more;
                    break;
                }
                _ => panic!("expected a comma or a brace in {line:?}"),
            }
        }
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no value: {line:?}"));
    let number = match value {
        "+Inf" => f64::INFINITY,
        _ => {
            let digits = value.bytes().all(|b| b.is_ascii_digit() || b".-+e".contains(&b));
            assert!(digits, "expected a number, found {value:?} in {line:?}");
            value.parse().unwrap_or_else(|_| panic!("expected a number, found {value:?} in {line:?}"))
        }
    };
    ((name.to_owned(), labels), number)
}

/// A label value up to its closing quote, and what follows it.
fn label_value<'a>(text: &'a str, line: &str) -> (String, &'a str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match chars.next() {
                Some((_, 'n')) => '\n',
                Some((_, c @ ('\\' | '"'))) => c,
                other => panic!("unknown escape {other:?} in {line:?}"),
            }),
            c => value.push(c),
        }
    }
    panic!("a label value without an end in {line:?}")
}

//! What a Prometheus that scrapes once a minute would have stored, as input of `promtool test rules`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::files::{RULES, captures, read};

/// The labels of the scraped target.
const TARGET: &str = r#"job="whatsapp", instance="a:10360""#;

/// Series by name and labels, minute by minute.
#[derive(Debug)]
pub(super) struct Recording {
    /// Families that the rules read.
    wanted: BTreeSet<String>,
    /// Unix time of the first minute: `promtool` begins at 0.
    epoch: i64,
    minutes: usize,
    series: BTreeMap<String, Track>,
}

/// One series.
#[derive(Debug, Default)]
struct Track {
    /// What is written so far.
    written: String,
    /// The last value, and for how many minutes it lasts; none while the series is missing.
    last: Option<String>,
    lasts: usize,
    /// Minutes that the track covers.
    minutes: usize,
}

impl Track {
    fn flush(&mut self) {
        if self.lasts == 0 {
            return;
        }
        let separator = if self.written.is_empty() { "" } else { " " };
        // Writing to a string cannot fail. `1x2` stands for three samples, `_x2` for two that are missing.
        let _ = match (&self.last, self.lasts) {
            (Some(value), 1) => write!(self.written, "{separator}{value}"),
            (Some(value), n) => write!(self.written, "{separator}{value}x{}", n - 1),
            (None, n) if self.written.is_empty() => write!(self.written, "_x{n}"),
            (None, 1) => write!(self.written, " stale"),
            (None, n) => write!(self.written, " stale _x{}", n - 1),
        };
        self.lasts = 0;
    }

    fn push(&mut self, value: Option<&str>, minutes: usize) {
        if self.last.as_deref() != value {
            self.flush();
            self.last = value.map(str::to_owned);
        }
        self.lasts += minutes;
        self.minutes += minutes;
    }
}

impl Recording {
    pub(super) fn new(epoch: i64) -> Self {
        let mut wanted: BTreeSet<_> = captures(r"(?:^|[^:\w])(d360_\w+)", &read(RULES)).into_iter().collect();
        wanted.insert("process_start_time_seconds".to_owned());
        Self { wanted, epoch, minutes: 0, series: BTreeMap::new() }
    }

    /// One scrape of an exporter that started at `started`; no body if nothing responded.
    pub(super) fn scraped(&mut self, body: Option<&str>, started: i64) {
        self.put("up{}", if body.is_some() { "1" } else { "0" });
        for line in body.unwrap_or_default().lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap_or_default();
            if !self.wanted.contains(name) {
                continue;
            }
            if name == "process_start_time_seconds" {
                self.put(series, &(started - self.epoch).to_string());
            } else if name.ends_with("_timestamp_seconds") {
                let moved = value.parse::<f64>().unwrap() - self.epoch as f64;
                self.put(series, format!("{moved:.3}").trim_end_matches('0').trim_end_matches('.'));
            } else {
                self.put(series, value);
            }
        }
        self.minutes += 1;
        let minutes = self.minutes;
        for track in self.series.values_mut().filter(|track| track.minutes < minutes) {
            track.push(None, minutes - track.minutes);
        }
    }

    fn put(&mut self, series: &str, value: &str) {
        let minutes = self.minutes;
        if let Some(track) = self.series.get_mut(series) {
            return track.push(Some(value), 1);
        }
        let mut track = Track::default();
        if minutes > 0 {
            track.push(None, minutes);
        }
        track.push(Some(value), 1);
        self.series.insert(series.to_owned(), track);
    }

    /// Minutes so far.
    pub(super) fn minutes(&self) -> usize {
        self.minutes
    }

    /// Every series with its values, in the words of `promtool`.
    pub(super) fn into_series(self) -> impl Iterator<Item = (String, String)> {
        self.series.into_iter().map(|(series, mut track)| {
            track.flush();
            let name = match series.split_once('{') {
                None => format!("{series}{{{TARGET}}}"),
                Some((name, "}")) => format!("{name}{{{TARGET}}}"),
                Some((name, labels)) => format!("{name}{{{TARGET}, {labels}"),
            };
            (name, track.written)
        })
    }
}

#[test]
fn a_recording_says_what_a_prometheus_would_have_stored() {
    let mut recording = Recording::new(100);
    recording.scraped(Some("# HELP\nother 1\nd360_partner_up{partner_id=\"p\"} 1\n"), 100);
    recording.scraped(Some("d360_partner_up{partner_id=\"p\"} 1\nd360_client_up{client_id=\"c\"} 0\n"), 100);
    recording.scraped(None, 100);
    recording.scraped(None, 100);
    recording.scraped(Some("process_start_time_seconds 200\n"), 340);
    let target = r#"job="whatsapp", instance="a:10360""#;
    assert_eq!(recording.minutes(), 5);
    assert_eq!(
        recording.into_series().collect::<Vec<_>>(),
        [
            (format!("d360_client_up{{{target}, client_id=\"c\"}}"), "_x1 0 stale _x2".to_owned()),
            (format!("d360_partner_up{{{target}, partner_id=\"p\"}}"), "1x1 stale _x2".to_owned()),
            (format!("process_start_time_seconds{{{target}}}"), "_x4 240".to_owned()),
            (format!("up{{{target}}}"), "1x1 0x1 1".to_owned()),
        ]
    );
}

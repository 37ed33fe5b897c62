//! The signal: what turns the exporter's metrics into somebody who knows. Dashboards, rules, runbooks and `deploy/` are
//! read here, judged, and run on the real programs.
//!
//! * `files`, `promql`, `programs`: what the files say, which names their expressions read and return, and what runs them.
//! * `lint`, `names`, `rules`, `runbooks`: tests of the files as they stand.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper that can't go on fails its test")]

mod files;
mod lint;
mod names;
mod programs;
mod promql;
mod rules;
mod runbooks;

//! The integration tests, in one binary: one link, one harness.
//!
//! | module | judges |
//! |---|---|
//! | [`upstream`] | what happens when the Partner API misbehaves, over real HTTP |
//! | [`signal`] | rules, dashboards and runbooks, and the chain from a rating drop to a page |
//! | [`paused`] | the same where waits are minutes, on paused time |
//! | [`fuzz_seeds`] | the fuzz targets on their seeds |
//! | [`truth`] | that `/metrics` holds the simulator's fleet, and nothing else |
//! | [`snapshots`] | whole bodies |
//! | [`canary`] | that the API key gets out nowhere |
//! | [`prometheus`] | a real Prometheus, and promtool |
//! | [`negotiation`] | formats, encodings, filters |
//! | [`catalogue`] | that catalogue, `/metrics`, flags and documents agree |
//! | [`restart`] | the state file, good and bad |
//! | [`command_line`] | exit codes, help, signals |
//! | [`structure`] | which module may import which |

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that fails panics")]
#![allow(missing_docs, unreachable_pub, reason = "a binary of tests has no users")]

mod canary;
mod catalogue;
mod command_line;
mod fuzz_seeds;
mod harness;
mod negotiation;
mod paused;
mod prometheus;
mod restart;
mod signal;
mod snapshots;
mod structure;
mod truth;
mod upstream;

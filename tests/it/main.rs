//! The integration tests, in one binary: one link, one harness.
//!
//! | module | judges |
//! |---|---|
//! | [`commands`] | the commands for people: output, exit codes, terminals and pipes |
//! | [`upstream`] | what happens when the Partner API misbehaves, over real HTTP |
//! | [`signal`] | rules, dashboards and runbooks, and the chain from a rating drop to a page |
//! | [`truth`] | that `/metrics` holds the simulator's fleet, and nothing else |

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that fails panics")]
#![allow(missing_docs, unreachable_pub, reason = "a binary of tests has no users")]

mod commands;
mod harness;
mod signal;
mod truth;
mod upstream;

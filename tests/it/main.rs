//! The integration tests, in one binary: one link, one harness.
//!
//! | module | judges |
//! |---|---|
//! | [`commands`] | the commands for people: output, exit codes, terminals and pipes |
//! | [`outbound`] | proxies, certificates and where the key goes |
//! | [`upstream`] | what happens when the Partner API misbehaves, over real HTTP |
//! | [`signal`] | rules, dashboards, runbooks and `deploy/`, and the chain from a rating drop to a page |
//! | [`paused`] | the same where waits are minutes, on paused time |
//! | [`faults`] | every fault of the simulator, alone and in pairs, on paused time |
//! | [`simulator`] | the simulator's page: examples, faults and requests |
//! | [`fuzz_seeds`] | the fuzz targets on their seeds |
//! | [`siege`] | floods, half headers, guesses and readers that do not read |
//! | [`web_server`] | hosts, headers, prefixes, listeners from systemd |
//! | [`truth`] | that `/metrics` holds the simulator's fleet, and nothing else |
//! | [`snapshots`] | whole bodies |
//! | [`canary`] | that the API key gets out nowhere |
//! | [`prometheus`] | a real Prometheus, and promtool |
//! | [`docs`] | that documents are true: links, commands, names, figures |
//! | [`packaging`] | `make install`, the image, the release and what is built in |
//! | [`page`] | the status page, as text and in a real browser |
//! | [`negotiation`] | formats, encodings, filters |
//! | [`catalogue`] | that catalogue, `/metrics`, flags and documents agree |
//! | [`reload`] | a configuration that changes while the exporter runs |
//! | [`health`] | what shows whether a number can send, what got worse, what is gone |
//! | [`restart`] | the state file, good and bad |
//! | [`command_line`] | exit codes, help, signals |
//! | [`hangs`] | that a stuck log, disk, name server or clock, and signals, stop nothing |
//! | [`structure`] | which module may import which, and how long a file may be |
//! | [`words`] | the field's words, in code and documents |
//! | [`web_config`] | TLS, basic auth and the rest of `--web.config.file` |

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that fails panics")]
#![allow(clippy::duplicate_mod, reason = "the fuzz targets bring the harness's parser, which they share")]
#![allow(missing_docs, unreachable_pub, reason = "a binary of tests has no users")]

mod canary;
mod catalogue;
mod command_line;
mod commands;
mod docs;
mod faults;
mod fuzz_seeds;
mod hangs;
mod harness;
mod health;
mod log;
mod negotiation;
mod outbound;
mod packaging;
mod page;
mod paused;
mod prometheus;
mod reload;
mod restart;
mod siege;
mod signal;
mod simulator;
mod snapshots;
mod structure;
mod truth;
mod upstream;
mod web_config;
mod web_server;
mod words;

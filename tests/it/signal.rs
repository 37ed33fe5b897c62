//! The signal: what turns the exporter's metrics into somebody who knows. Dashboards, rules, runbooks and `deploy/` are
//! read here, judged, and run on the real programs.
//!
//! * `files`, `promql`: what the files say, and which names their expressions read and return.
//! * `simulation`: days of incidents and faults on virtual time.
//! * `lint`, `names`, `rules`, `runbooks`, `deploy`, `helm`: tests of the files as they stand.
//! * `programs`, `daemon`, `stack`: other programs, run, started and stopped.
//! * `boards`, `chain`, `notifications`, `queries`, `demo_stack`: tests of the whole, from a change in the simulator to a
//!   notification and a panel.

mod boards;
mod chain;
mod daemon;
mod demo_stack;
mod deploy;
mod files;
mod helm;
mod lint;
mod names;
mod notifications;
mod programs;
pub(crate) mod promql;
mod queries;
mod rules;
mod runbooks;
mod simulation;
mod stack;

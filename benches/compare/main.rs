//! What scripts/bench-compare needs of Rust: pairs that are measured in one
//! process, in alternation, and a server over the `prometheus` crate's registry.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a rig: it prints, and stops where it can't go on")]

#[allow(dead_code, reason = "each benchmark uses its part of it")]
#[path = "../world/mod.rs"]
mod world;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use clap::{Args, Parser};
use tokio::time::Instant;

use world::registry::Baseline;
use world::{Pages, Shape, World};

#[derive(Debug, Parser)]
enum Command {
    /// Measures the pairs and prints their times in seconds as JSON.
    Pairs {
        #[command(flatten)]
        fleet: FleetFlags,
        /// Which of them: all, if it is not said.
        #[arg(long)]
        only: Option<Half>,
        /// How often each pair is measured.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Serves the fleet from a registry, encoded and compressed at every scrape.
    Registry {
        #[command(flatten)]
        fleet: FleetFlags,
        #[arg(long)]
        listen: String,
    },
}

/// A part of the pairs, for a profiler that should see nothing else.
#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
enum Half {
    Publications,
    BulkReads,
}

#[derive(Debug, Args)]
struct FleetFlags {
    #[arg(long)]
    clients: usize,
    #[arg(long)]
    channels_per_client: usize,
}

impl FleetFlags {
    fn shape(&self) -> Shape {
        Shape { clients: self.clients, channels_per_client: self.channels_per_client }
    }
}

fn main() {
    // `cargo bench` adds a flag for harnesses.
    match Command::parse_from(std::env::args().filter(|arg| arg != "--bench")) {
        Command::Pairs { fleet, only, rounds } => {
            println!("{}", serde_json::to_string(&pairs(fleet.shape(), only, rounds)).unwrap());
        }
        Command::Registry { fleet, listen } => serve(fleet.shape(), &listen),
    }
}

/// Changes of one client that are published for one figure: a single one is so
/// short that a look away of the machine would show.
const SINGLE_CHANGES: u32 = 50;

type Times = BTreeMap<&'static str, Vec<f64>>;

/// Every time that is one half of a ratio, each round all of them in turn.
fn pairs(shape: Shape, only: Option<Half>, rounds: usize) -> Times {
    let mut times = Times::new();
    if only != Some(Half::BulkReads) {
        publications(shape, rounds, &mut times);
    }
    if only != Some(Half::Publications) {
        bulk_reads(shape, rounds, &mut times);
    }
    times
}

fn publications(shape: Shape, rounds: usize, times: &mut Times) {
    let mut large = World::of(&Pages::of(shape));
    let mut small = World::of(&Pages::of(shape.with_channels(1000)));
    let baseline = Baseline::of(&large.fleet);
    assert_eq!(baseline.series(), large.series(), "the baseline holds the same series");
    for _ in 0..rounds {
        note(times, "publish_one_small", singles(&mut small));
        note(times, "publish_one_large", singles(&mut large));
        note(times, "publish_all", large.publish_all());
        note(times, "registry_scrape", timed(|| baseline.scrape()));
    }
}

/// The mean of several publications after one client changed.
fn singles(world: &mut World) -> Duration {
    (0..SINGLE_CHANGES).map(|_| world.publish_one()).sum::<Duration>() / SINGLE_CHANGES
}

fn bulk_reads(shape: Shape, rounds: usize, times: &mut Times) {
    let pages = Pages::of(shape);
    let mut fleet = pages.fleet();
    let _ = fleet.take_changes();
    // Short beside the others, so that more of them fit into a round.
    for _ in 0..rounds * 4 {
        note(times, "parse_only", timed(|| pages.parse_only()));
        note(times, "decode_apply", timed(|| pages.read_into(&mut fleet)));
        // Publication takes the changes, and is not part of this.
        let _ = fleet.take_changes();
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    let result = black_box(work());
    let took = started.elapsed();
    drop(result);
    took
}

fn note(times: &mut Times, what: &'static str, took: Duration) {
    times.entry(what).or_default().push(took.as_secs_f64());
}

#[tokio::main]
async fn serve(shape: Shape, listen: &str) {
    let baseline = Arc::new(Baseline::of(&Pages::of(shape).fleet()));
    let scrape = move || {
        let baseline = baseline.clone();
        async move {
            let body = tokio::task::spawn_blocking(move || baseline.scrape()).await.unwrap();
            let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4"), (header::CONTENT_ENCODING, "gzip")];
            (headers, body)
        }
    };
    let router = Router::new().route("/metrics", get(scrape));
    let listener = tokio::net::TcpListener::bind(listen).await.unwrap();
    axum::serve(listener, router).await.unwrap();
}

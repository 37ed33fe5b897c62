//! `make bench`: the parts by themselves, in one process, on a simulated fleet.
//!
//! Times of one machine; what the exporter promises are ratios, and
//! scripts/bench-compare measures those.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that can't go on should stop where it stands")]

#[allow(dead_code, reason = "each benchmark uses its part of it")]
#[path = "../world/mod.rs"]
mod world;

use std::hint::black_box;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use d360_exporter::partner_api::pager::{Bounds, Pager};
use d360_exporter::partner_api::wire;
use tower::ServiceExt as _;

use world::registry::Baseline;
use world::{Pages, Shape, World};

const LARGE: Shape = Shape { clients: 20_000, channels_per_client: 5 };
const SMALL: Shape = Shape { clients: 200, channels_per_client: 5 };

/// Sums what one of `n` repetitions says that it took.
fn sum(n: u64, mut once: impl FnMut() -> Duration) -> Duration {
    (0..n).map(|_| once()).sum()
}

fn publication(c: &mut Criterion) {
    let mut group = c.benchmark_group("publication");
    for shape in [SMALL, LARGE] {
        let mut world = World::of(&Pages::of(shape));
        group.bench_function(BenchmarkId::new("one client changed", shape.channels()), |b| {
            b.iter_custom(|n| sum(n, || world.publish_one()));
        });
        group.sample_size(10);
        group.bench_function(BenchmarkId::new("everything changed", shape.channels()), |b| {
            b.iter_custom(|n| sum(n, || world.publish_all()));
        });
    }
    group.finish();
}

fn scrape(c: &mut Criterion) {
    let mut group = c.benchmark_group("scrape");
    group.sample_size(10);
    let world = World::of(&Pages::of(LARGE));
    for (name, gzip) in [("gzip", true), ("identity", false)] {
        group.throughput(Throughput::Bytes(world.scrape(gzip).len()));
        group
            .bench_function(name, |b| b.iter(|| world.scrape(gzip).map(|piece| black_box(piece).len()).sum::<usize>()));
    }
    let baseline = Baseline::of(&world.fleet);
    assert_eq!(baseline.series(), world.series(), "the baseline holds the same series");
    group.bench_function("registry, encoded and compressed", |b| b.iter(|| baseline.scrape().len()));
    group.finish();
}

fn decoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("bulk read");
    group.sample_size(10);
    let pages = Pages::of(LARGE);
    let mut fleet = pages.fleet();
    let _ = fleet.take_changes();
    group.throughput(Throughput::Bytes(pages.channels.iter().map(|body| body.len() as u64).sum()));
    group.bench_function("parse into wire types", |b| b.iter(|| pages.parse_only()));
    group.bench_function("decode", |b| {
        b.iter(|| pages.channels.iter().map(|body| wire::decode_channels(body).unwrap().items.len()).sum::<usize>());
    });
    group.bench_function("decode and apply", |b| {
        b.iter(|| {
            pages.read_into(&mut fleet);
            fleet.take_changes()
        });
    });
    group.finish();

    let ids: Vec<String> = (0..LARGE.channels()).map(|i| format!("{i:06}CH")).collect();
    c.bench_function("pager/100000 ids", |b| {
        b.iter(|| {
            let mut pager: Pager<&str> = Pager::new(Bounds::growing_from(None));
            ids.iter().filter(|id| pager.is_new(id.as_str())).count()
        });
    });
}

/// A page is made within 20 ms.
fn pages(c: &mut Criterion) {
    let mut group = c.benchmark_group("page of 10000 channels");
    group.sample_size(20);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let router = World::of(&Pages::of(Shape { clients: 2_500, channels_per_client: 4 })).router();
    for path in ["/", "/?page=1", "/?q=cafe", "/?page=1&sort=display_name", "/clients", "/api/v1/channels?per_page=500"]
    {
        group.bench_function(path, |b| {
            b.iter(|| {
                let request = Request::get(path).header("Host", "localhost").body(Body::empty()).unwrap();
                let response = runtime.block_on(router.clone().oneshot(request)).unwrap();
                assert_eq!(response.status(), 200, "{path}");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, publication, scrape, decoding, pages);
criterion_main!(benches);

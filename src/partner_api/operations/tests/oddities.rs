//! What was odd is counted every time, logged once, and costs no more than
//! itself.

use std::io;
use std::sync::{Arc, Mutex};

use super::*;

/// Log lines, kept.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Keeps what this thread logs until the guard is dropped.
    fn keep(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || log.clone())
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(|l| l.trim().to_owned()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_value_is_counted_every_time_and_logged_once() {
    let log = Log::default();
    let _guard = log.keep();
    let odd = |rating: &str| json!([{"id": "x", "status": "ready", "availability_status": "ready", "current_quality_rating": rating}]);
    let fake = Fake::script(["Purple", "Purple", "Pink"].map(|rating| ok(&odd(rating))));
    let (api, telemetry) = api(&fake);
    for _ in 0..3 {
        api.client_channels(&"aCL".into(), Retries::Transient).await.unwrap();
    }
    assert_eq!(counts(&telemetry), ["requests{client_channels} 3", "unknown_values{quality_rating} 3"]);
    assert_eq!(
        log.lines(),
        ["Purple", "Pink"].map(|value| format!(
            "WARN the API sent a value that this version does not know partner=examplePA field=\"quality_rating\" value=\"{value}\""
        ))
    );
}

#[tokio::test(start_paused = true)]
async fn so_many_unknown_values_that_they_are_nonsense_do_not_fill_the_log() {
    let log = Log::default();
    let _guard = log.keep();
    let odd = |i| json!({"id": i, "status": format!("{i}{}", "x".repeat(1_000)), "availability_status": "ready"});
    let fake = Fake::script([ok(&(0..300).map(odd).collect())]);
    let (api, telemetry) = api(&fake);
    api.client_channels(&"aCL".into(), Retries::Transient).await.unwrap();
    assert_eq!(counts(&telemetry), ["requests{client_channels} 1", "unknown_values{status} 300"]);
    assert_eq!(log.lines().len(), 256);
    assert!(log.lines().iter().all(|line| line.len() < 250));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_item_is_counted_and_the_rest_is_used_but_proves_nothing_gone() {
    let fake = Fake::script([ok(&json!([channel("x"), {"status": "ready"}, 7]))]);
    let (api, telemetry) = api(&fake);
    let listing = api.client_channels(&"aCL".into(), Retries::Transient).await.unwrap();
    assert_eq!((channel_ids(&listing), listing.is_complete()), (vec!["x"], false));
    assert_eq!(counts(&telemetry), ["rejected_items{client_channels,unreadable} 2", "requests{client_channels} 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_comes_twice_in_a_response_counts_once_and_is_rejected_once() {
    for response in [
        json!([channel("x"), channel("y"), channel("x")]),
        json!({"channels": [channel("x"), channel("y"), channel("x")], "total": 2}),
    ] {
        let fake = Fake::script([ok(&response)]);
        let (api, telemetry) = api(&fake);
        let listing = api.client_channels(&"aCL".into(), Retries::Transient).await.unwrap();
        assert_eq!((channel_ids(&listing), listing.is_complete()), (vec!["x", "y"], true));
        assert_eq!(counts(&telemetry), ["rejected_items{client_channels,duplicate} 1", "requests{client_channels} 1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_total_that_counts_a_channel_twice_is_asked_for_the_rest_that_there_may_be() {
    for (rest, all, complete) in [("x", vec!["x", "y"], true), ("z", vec!["x", "y", "z"], true)] {
        let fake = Fake::script([
            ok(&json!({"channels": [channel("x"), channel("y"), channel("x")], "total": 3})),
            ok(&json!({"channels": [channel(rest)], "total": 3})),
        ]);
        let (api, _) = api(&fake);
        let listing = api.client_channels(&"aCL".into(), Retries::Transient).await.unwrap();
        assert_eq!((channel_ids(&listing), listing.is_complete()), (all, complete));
        assert_eq!(fake.lines(), ["GET clients/aCL/channels", "GET clients/aCL/channels?limit=2&offset=2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_total_that_is_too_low_does_not_shorten_a_clients_channels() {
    let fake = Fake::script([
        ok(&json!({"channels": [channel("x"), channel("y")], "total": 1})),
        ok(&json!({"channels": [channel("z")], "total": 1})),
        ok(&json!({"channels": [], "total": 1})),
    ]);
    let (api, _) = api(&fake);
    let listing = api.client_channels(&"aCL".into(), Retries::Transient).await.unwrap();
    assert_eq!(channel_ids(&listing), ["x", "y", "z"]);
}

#[tokio::test(start_paused = true)]
async fn ownerless_channels_are_counted_as_rejected() {
    let (api, telemetry) = api(&Fake::script([]));
    api.count_ownerless(0);
    assert_eq!(counts(&telemetry), [""; 0]);
    api.count_ownerless(3);
    assert_eq!(counts(&telemetry), ["rejected_items{partner_channels,ownerless} 3"]);
}

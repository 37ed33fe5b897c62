//! Days of incidents and faults on virtual time: the exporter's parts over the simulator, Prometheus' own rule engine over
//! what a scrape a minute would have stored, and what fired compared with what was true.
//!
//! `make simulate-month` plays thirty days; the ordinary run plays eight hours.

mod firings;
mod judge;
mod recording;
mod story;

use std::time::Duration;

use d360_exporter::exposition::Filter;
use d360_exporter::partner_api::PageSize;
use d360_exporter::poller::Strategy;
use serde_json::json;

use crate::harness::fleet;
use crate::paused::rig::{Rig, Scene};
use recording::Recording;
use story::{Member, Story};

const MINUTE: Duration = Duration::from_secs(60);

/// Results of the exporter are taken in so often.
const STEP: Duration = Duration::from_secs(15);

async fn rig(clients: usize) -> Rig {
    let scene = Scene {
        options: fleet(clients, 3),
        interval: 5 * MINUTE,
        max_staleness: 30 * MINUTE,
        strategy: Strategy::PerClient,
        page_size: PageSize::Fixed(200),
        max_rate: 10,
        timeout: Duration::from_secs(30),
    };
    Rig::of(scene).await
}

/// Makes every channel a healthy one, so that all trouble is the story's.
fn heal(rig: &Rig) -> Vec<Member> {
    let truth = rig.fleet_as_it_is();
    let id = |value: &serde_json::Value| value["id"].as_str().unwrap().to_owned();
    let mut members = Vec::new();
    for client in truth["clients"].as_array().unwrap() {
        let channels = client["channels"].as_array().unwrap();
        let healthy = json!({
            "status": "ready", "hub_status": "live", "availability_status": "ready", "current_limit": "TIER_10K",
            "current_quality_rating": "High", "current_quality_update_event": null, "cancelled_at": null,
            "terminated_at": null, "setup_info": { "new_name_status": null },
        });
        channels.iter().for_each(|channel| rig.patch_channel(&id(channel), &healthy));
        rig.control("PATCH", &format!("clients/{}", id(client)), &json!({ "max_channels": 100 }));
        let waba = id(&channels[0]["waba_account"]);
        rig.control("PATCH", &format!("waba_accounts/{waba}"), &json!({ "status": "approved" }));
        members.push((id(client), waba, channels.iter().map(id).collect()));
    }
    members
}

/// Plays a story and records what was scraped.
async fn play(rig: &mut Rig, story: &Story, minutes: usize) -> Recording {
    let mut recording = Recording::new(rig.now());
    let (mut started, mut down, mut state) = (rig.now(), 0, Vec::new());
    rig.declare();
    for minute in 0..minutes {
        for (method, path, body) in story.incidents.iter().filter_map(|incident| incident.at(minute)) {
            rig.control(method, &path, &body);
        }
        for outage in &story.outages {
            if minute == outage.begin {
                rig.faults(&outage.faults);
            } else if minute == outage.end {
                rig.faults(&json!([]));
            }
        }
        if let Some((_, lasts)) = story.restarts.iter().find(|(at, _)| *at == minute) {
            (state, down) = (rig.shut_down(), *lasts);
        } else if down > 0 {
            down -= 1;
            if down == 0 {
                rig.start_again(Some(&state));
                rig.declare();
                started = rig.now();
            }
        }
        let body = (down == 0).then(|| rig.body(&Filter::All));
        recording.scraped(body.as_deref(), started);
        if down == 0 {
            for _ in 0..MINUTE.as_secs() / STEP.as_secs() {
                rig.sleep(STEP).await;
            }
        } else {
            tokio::time::sleep(MINUTE).await;
        }
    }
    recording
}

/// Plays so many minutes and judges what fired.
async fn simulate(seed: u64, clients: usize, minutes: usize) {
    let mut rig = rig(clients).await;
    let members = heal(&rig);
    let story = Story::new(seed, minutes, &members);
    let recording = play(&mut rig, &story, minutes).await;
    let all = firings::firings(recording);
    judge::judge(&story, &all, minutes, seed);
}

#[tokio::test(start_paused = true)]
async fn over_hours_of_faults_every_incident_fires_once_and_nothing_else_does() {
    let setting = |name: &str, or: usize| std::env::var(name).ok().map_or(or, |text| text.parse().unwrap());
    let minutes = 60 * setting("SIMULATION_HOURS", 8);
    for seed in (1..).take(setting("SIMULATION_RUNS", 1)) {
        simulate(seed, setting("SIMULATION_CLIENTS", 8), minutes).await;
    }
}

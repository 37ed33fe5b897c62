//! Prints spare a look at what is as it was. They hide no change.

use super::*;
use crate::fleet::client::LINEAR_SCAN_LIMIT;
use crate::model::{AccountMode, HubStatus, WabaAccount};

fn change(fleet: &mut Fleet, observation: Observation) -> Option<Change> {
    fleet.apply(observation);
    fleet.take_changes().clients.remove("a")
}

#[test]
fn one_changed_channel_is_seen_wherever_it_stands_among_few_and_many() {
    for count in [1, LINEAR_SCAN_LIMIT, LINEAR_SCAN_LIMIT + 1, 3 * LINEAR_SCAN_LIMIT] {
        let channels: Vec<Channel> = (0..count).map(|n| good(&format!("c{n:02}"))).collect();
        let mut fleet = fleet();
        fleet.apply(listed(0, &["a"]));
        assert_eq!(change(&mut fleet, read_as(0, "a", channels.clone())), Some(Change::Data));
        for place in 0..count {
            let mut changed = channels.clone();
            changed[place].quality = QualityRating::Low;
            assert_eq!(change(&mut fleet, read_as(10, "a", changed.clone())), Some(Change::Data), "{place} of {count}");
            let shown: Vec<Channel> =
                fleet.clients(..).flat_map(|a| &a.channels).map(|c| Channel::clone(&c.channel)).collect();
            assert_eq!(shown, changed);
            assert_eq!(change(&mut fleet, read_as(20, "a", changed)), Some(Change::Freshness), "{place} of {count}");
            assert_eq!(
                change(&mut fleet, read_as(30, "a", channels.clone())),
                Some(Change::Data),
                "{place} of {count}"
            );
        }
    }
}

#[test]
fn a_change_of_any_field_is_seen() {
    let changes: [fn(&mut Channel); 20] = [
        |c| c.availability = Availability::Error,
        |c| c.quality = QualityRating::Medium,
        |c| c.limit = Some(MessagingLimit::Unlimited),
        |c| c.status = LifecycleStatus::Unknown,
        |c| c.hub_status = Some(HubStatus::Unknown),
        |c| c.last_quality_event = Some("flagged".into()),
        |c| c.official_business_account = Some(false),
        |c| c.phone_number = Some("4930".into()),
        |c| c.display_name = Some("a name that is longer than 24 bytes".into()),
        |c| c.waba = Some(WabaAccount::new("w").into()),
        |c| c.waba = Some(WabaAccount { status: Some("banned".into()), ..WabaAccount::new("w") }.into()),
        |c| c.new_name_status = Some("pending".into()),
        |c| c.setup_error = Some("".into()),
        |c| c.on_business_app = Some(true),
        |c| c.created_at = Some(at(1)),
        |c| c.cancelled_at = Some(at(1)),
        |c| c.terminated_at = Some(at(1)),
        |c| c.account_mode = Some(AccountMode::ALL[0]),
        |c| c.billing_started_at = Some(at(1)),
        |c| c.version = Some(1),
    ];
    for (nth, make) in changes.iter().enumerate() {
        let mut fleet = known();
        let mut changed = good("y");
        make(&mut changed);
        let seen = change(&mut fleet, read_as(10, "a", vec![good("x"), changed]));
        assert_eq!(seen, Some(Change::Data), "change {nth}");
    }
}

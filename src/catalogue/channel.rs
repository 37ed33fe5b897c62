//! The families of channels.

use super::entry::{Entry, families, polled};
use crate::family::Values;
use crate::fleet::{Direction, GoneReason, WatchedField};
use crate::model::{Availability, HubStatus, LifecycleStatus, MessagingLimit, QualityRating};

/// One entry per family.
pub(super) const FAMILIES: &[Entry] = families! {
    Channel Gauge "d360_channel_info" [
        "client_name" = Values::Text("name of the client", "Bakery One"),
        "phone_number" = Values::Text("phone number, as --metrics.phone-number allows", "4930000001"),
        "display_name" = Values::Text("name that recipients see", "Bakery One"),
        "waba_account_id" = super::WABA_ACCOUNT_ID,
    ],
        polled!("Information about the channel; always 1."),
        |row, out| out.sample(&[
            row.client_name,
            row.phone_number,
            row.channel.display_name.as_deref().unwrap_or_default(),
            row.channel.waba_account_id().unwrap_or_default(),
        ], 1_u64.into());
    Channel Gauge "d360_channel_availability_status" ["status" = Values::Of(Availability::TEXTS)],
        polled!("Availability of the channel: 1 for its current state, 0 for the others."),
        |row, out| out.states(Availability::TEXTS, row.channel.availability.as_str());
    Channel Gauge "d360_channel_quality_rating" ["rating" = Values::Of(QualityRating::TEXTS)],
        polled!("Meta's quality rating of the channel: 1 for its current rating, 0 for the others."),
        |row, out| out.states(QualityRating::TEXTS, row.channel.quality.as_str());
    Channel Gauge "d360_channel_quality_score" [],
        polled!("Meta's quality rating of the channel as a number: 3 high, 2 medium, 1 low; absent if not rated."),
        |row, out| out.value(row.channel.quality.score());
    Channel Gauge "d360_channel_messaging_limit" [],
        polled!("Users that the channel may start conversations with per rolling 24 h; +Inf if unlimited, absent if not set. All numbers of a business portfolio share one limit: do not sum."),
        |row, out| out.value(row.channel.limit.map(|limit| match limit {
            MessagingLimit::Recipients(n) => n.into(),
            MessagingLimit::Unlimited => super::Value::Float(f64::INFINITY),
        }));
    Channel Gauge "d360_channel_status" ["status" = Values::Of(LifecycleStatus::TEXTS)],
        polled!("Current lifecycle status of the channel; always 1."),
        |row, out| out.word(Some(row.channel.status.as_str()));
    Channel Gauge "d360_channel_hub_status" ["status" = Values::Of(HubStatus::TEXTS)],
        polled!("Current hub status of the channel; always 1. Deprecated by 360dialog, but the only field that shows pending_deletion."),
        |row, out| out.word(row.channel.hub_status.map(HubStatus::as_str));
    Channel Gauge "d360_channel_last_quality_event" ["event" = Values::Text("Meta's event, lower case", "flagged")],
        polled!("Meta's last event about the quality of the channel; always 1, absent if there was none."),
        |row, out| out.word(row.channel.last_quality_event.as_deref());
    Channel Gauge "d360_channel_official_business_account" [],
        polled!("1 if Meta lists the channel as an Official Business Account, 0 if not, absent if unknown."),
        |row, out| out.value(row.channel.official_business_account);
    Channel Gauge "d360_channel_new_name_status" ["status" = Values::Text("status as the Partner API writes it, lower case", "pending")],
        polled!("State of the request for a new display name; always 1, absent if there is none."),
        |row, out| out.word(row.channel.new_name_status.as_deref());
    Channel Gauge "d360_channel_setup_error" [],
        polled!("1 if the set-up of the channel reports an error, 0 if not, absent if unknown. `channels list` shows the text."),
        |row, out| out.value(row.channel.setup_error.as_deref().map(|text| !text.is_empty()));
    Channel Gauge "d360_channel_on_business_app" [],
        polled!("1 if the number is also in use in the WhatsApp Business app (coexistence), 0 if not, absent if unknown."),
        |row, out| out.value(row.channel.on_business_app);
    Channel Gauge "d360_channel_created_timestamp_seconds" [],
        polled!("When the channel was created, in Unix seconds."),
        |row, out| out.value(row.channel.created_at);
    Channel Gauge "d360_channel_cancelled_timestamp_seconds" [],
        polled!("When the channel's cancellation was registered, in Unix seconds; absent if it is not cancelled."),
        |row, out| out.value(row.channel.cancelled_at);
    Channel Gauge "d360_channel_termination_timestamp_seconds" [],
        polled!("When the channel ends, in Unix seconds, past or future; absent if no end is set."),
        |row, out| out.value(row.channel.terminated_at);
    Channel Gauge "d360_channel_last_change_timestamp_seconds" [
        "field" = Values::Of(WatchedField::TEXTS),
        "from" = Values::Text("previous value, none if it was absent", "ready"),
        "to" = Values::Text("new value, none if it is absent", "error"),
        "direction" = Values::Of(Direction::TEXTS),
    ],
        polled!("When the exporter saw the last change of this field of the channel, in Unix seconds; absent until it saw one. Kept over restarts in the state file."),
        |row, out| for change in row.history.iter() {
            let labels = [change.field.as_str(), &change.from, &change.to, change.direction.as_str()];
            out.sample(&labels, change.at.into());
        };
    GoneChannel Gauge "d360_channel_gone_timestamp_seconds" [
        "client_name" = Values::Text("name of the client", "Bakery One"),
        "phone_number" = Values::Text("phone number, as --metrics.phone-number allows", "4930000001"),
        "display_name" = Values::Text("name that recipients saw", "Bakery One"),
        "reason" = Values::Of(GoneReason::TEXTS),
    ],
        "When background polling found that the channel no longer exists, in Unix seconds. Stays for 7 days, over restarts with the state file, or until the channel is back.",
        |row, out| out.sample(&[
            row.gone.client_name.as_deref().unwrap_or_default(),
            row.phone_number,
            row.gone.last.channel.display_name.as_deref().unwrap_or_default(),
            row.gone.reason.as_str(),
        ], row.gone.at.into());
};

//! Connecting to one partner's API: transport, rate limit and instruments put
//! together. Never here: what is asked of it.

use crate::clock::Clock;
use crate::config::PartnerConfig;
use crate::partner_api::http::HttpTransport;
use crate::partner_api::wire::BYTES_PER_ITEM;
use crate::partner_api::{Pacer, PartnerApi, Settings};
use crate::telemetry::Telemetry;

/// One partner's API, with its own connections and rate limit. What it does is
/// counted by `telemetry`.
///
/// # Errors
///
/// Fails if the HTTP client cannot be built, such as for a CA bundle that cannot
/// be read.
pub fn connect_counted(
    partner: &PartnerConfig,
    telemetry: &Telemetry,
    clock: Clock,
) -> anyhow::Result<PartnerApi<HttpTransport>> {
    let transport = HttpTransport::new(partner.settings.http.clone())?;
    Ok(connect_through(transport, partner, telemetry, clock))
}

/// The same, with a transport that was built before: nothing can fail.
pub(super) fn connect_through(
    transport: HttpTransport,
    partner: &PartnerConfig,
    telemetry: &Telemetry,
    clock: Clock,
) -> PartnerApi<HttpTransport> {
    let instruments = telemetry.partner(&partner.id);
    let settings = &partner.settings;
    instruments.shard(settings.poll.shard.index, settings.poll.shard.total);
    let pacer = Pacer::new(settings.min_rate, settings.max_rate, instruments.clone());
    let settings = Settings {
        partner: partner.id.clone(),
        page_size: settings.page_size,
        max_items: settings.http.max_response_size / BYTES_PER_ITEM,
    };
    PartnerApi::new(transport, settings, partner.key.clone(), pacer, instruments, clock)
}

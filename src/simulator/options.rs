//! What to simulate: the options of a simulator. Never here: parsing of flags.

use std::time::Duration;

use jiff::Timestamp;

/// What to simulate.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The partner that owns the clients. Requests for any other id get 404.
    pub partner_id: String,
    /// The key that must come in `X-API-Key`.
    pub api_key: String,
    /// Number of clients at the start.
    pub clients: usize,
    /// Number of channels of each client at the start.
    pub channels_per_client: usize,
    /// Decides the fleet and the incidents.
    pub seed: u64,
    /// How long every response of the API takes.
    pub latency: Duration,
    /// Requests above this rate get 429.
    pub rate_limit: Option<RateLimit>,
    /// Larger `limit`s are clamped to this.
    pub max_page: usize,
    /// Incidents per minute; 0 disables them.
    pub incidents_per_minute: f64,
    /// The shape of the channel list of one client.
    pub channels_envelope: ChannelsEnvelope,
    /// The time of day when the simulator starts.
    pub started_at: Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            partner_id: "examplePA".to_owned(),
            api_key: "demo-key".to_owned(),
            clients: 40,
            channels_per_client: 3,
            seed: 1,
            latency: Duration::ZERO,
            rate_limit: None,
            max_page: 1000,
            incidents_per_minute: 0.0,
            channels_envelope: ChannelsEnvelope::Array,
            // A fixed date so runs are reproducible; pass your own to override.
            started_at: Timestamp::constant(1_767_225_600, 0),
        }
    }
}

/// At most `requests` in any `window`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// Requests that are let through.
    pub requests: u32,
    /// The time over which they are counted.
    pub window: Duration,
}

/// The shape of the channel list of one client. The documentation leaves it open.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ChannelsEnvelope {
    /// A bare array of all channels.
    #[default]
    Array,
    /// An object with `limit`, `offset`, `total`, `count` and `channels`, paged.
    Object,
}

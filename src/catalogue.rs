//! Every family that the exporter exposes: name, type, labels, help.
//!
//! One place, because three parts need it: the fleet's renderer, the registry of
//! the exporter's own instruments, and the tests that hold documents, dashboards
//! and rules to what really exists. A family that is not here does not exist.
//!
//! Never here: values.

/// The type that the exposition declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up; its name ends in `_total`.
    Counter,
    /// Counts by bucket.
    Histogram,
}

impl Kind {
    /// The word of the TYPE line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// What the series of a family speak of, and so who renders them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// A channel.
    Channel,
    /// A client.
    Client,
    /// A partner.
    Partner,
    /// Requests to the Partner API.
    Api,
    /// The exporter itself.
    Exporter,
}

/// One family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// The name of the family and, but for histograms, of its samples.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it speaks of.
    pub scope: Scope,
    /// Its labels, in the order of exposition.
    pub labels: &'static [&'static str],
    /// Its HELP text.
    pub help: &'static str,
}

const CHANNEL: &[&str] = &["partner_id", "client_id", "channel_id"];
const CLIENT: &[&str] = &["partner_id", "client_id"];
const PARTNER: &[&str] = &["partner_id"];

/// Defines the families, and for those of the fleet a constant index each.
macro_rules! families {
    ($( $scope:ident $kind:ident $name:literal $labels:expr, $help:expr; )+) => {
        /// Every family, sorted by name: the order of exposition.
        pub const FAMILIES: &[Family] = &[ $( Family {
            name: $name,
            kind: Kind::$kind,
            scope: Scope::$scope,
            labels: $labels,
            help: $help,
        } ),+ ];
    };
}

/// The writing rules for exporters ask cached data to say so in its help.
macro_rules! polled {
    ($help:literal) => {
        concat!($help, " From background polling: the age is in d360_client_last_refresh_timestamp_seconds.")
    };
}

families! {
    Api Gauge "d360_api_budget_requests_per_second" PARTNER,
        "Requests per second that the adaptive pacer allows now.";
    Api Counter "d360_api_rejected_items_total" &["partner_id", "endpoint"],
        "Items of answers that were left out: not readable, or an id that came before.";
    Api Histogram "d360_api_request_duration_seconds" &["endpoint"],
        "Duration of requests to the Partner API, from start to last byte.";
    Api Counter "d360_api_request_failures_total" &["partner_id", "endpoint", "reason"],
        "Requests to the Partner API, or walks through its pages, that failed.";
    Api Counter "d360_api_requests_total" &["partner_id", "endpoint"],
        "Requests sent to the Partner API, repeated ones included.";
    Api Counter "d360_api_retries_total" &["partner_id", "reason"],
        "Requests to the Partner API that were sent again.";
    Api Counter "d360_api_throttled_seconds_total" PARTNER,
        "Time that requests waited for the budget.";
    Api Counter "d360_api_unknown_values_total" &["partner_id", "field"],
        "Values in answers that this version of the exporter does not know.";
    Channel Gauge "d360_channel_availability_status" &["partner_id", "client_id", "channel_id", "status"],
        polled!("Availability of the channel: 1 for the state it is in, 0 for the others.");
    Channel Gauge "d360_channel_cancelled_timestamp_seconds" CHANNEL,
        polled!("When the channel's cancellation was registered, in Unix seconds; absent if it was not.");
    Channel Gauge "d360_channel_created_timestamp_seconds" CHANNEL,
        polled!("When the channel was created, in Unix seconds.");
    Channel Gauge "d360_channel_hub_status" &["partner_id", "client_id", "channel_id", "status"],
        polled!("Hub status of the channel now; deprecated upstream, the only place that shows pending_deletion.");
    Channel Gauge "d360_channel_info" &["partner_id", "client_id", "channel_id", "client_name", "phone_number", "display_name", "waba_account_id"],
        polled!("Names of the channel, with value 1.");
    Channel Gauge "d360_channel_last_quality_event" &["partner_id", "client_id", "channel_id", "event"],
        polled!("Meta's last event about the channel's quality; absent if there was none.");
    Channel Gauge "d360_channel_messaging_limit" CHANNEL,
        polled!("Users that the channel may open conversations with in a rolling 24 h, +Inf if unlimited, absent if not set. Numbers of a business portfolio share it: do not sum.");
    Channel Gauge "d360_channel_official_business_account" CHANNEL,
        polled!("Whether Meta lists the channel as an Official Business Account.");
    Channel Gauge "d360_channel_quality_rating" &["partner_id", "client_id", "channel_id", "rating"],
        polled!("Meta's quality rating of the channel: 1 for the rating it has, 0 for the others.");
    Channel Gauge "d360_channel_quality_score" CHANNEL,
        polled!("Meta's quality rating of the channel as a number: 3 high, 2 medium, 1 low; absent if not rated.");
    Channel Gauge "d360_channel_status" &["partner_id", "client_id", "channel_id", "status"],
        polled!("Lifecycle status of the channel now.");
    Channel Gauge "d360_channel_termination_timestamp_seconds" CHANNEL,
        polled!("When the channel ends, in Unix seconds, past or future; absent if no end is set.");
    Partner Counter "d360_channel_transitions_total" &["partner_id", "field", "from", "to"],
        "Changes of watched fields of channels, as seen by background polling.";
    Client Gauge "d360_client_channels" CLIENT,
        polled!("Channels that the client has.");
    Client Gauge "d360_client_created_timestamp_seconds" CLIENT,
        polled!("When the client was created, in Unix seconds.");
    Client Gauge "d360_client_info" &["partner_id", "client_id", "client_name"],
        polled!("Name of the client, with value 1.");
    Client Gauge "d360_client_last_refresh_timestamp_seconds" CLIENT,
        "When background polling last read the client's channels, in Unix seconds.";
    Client Gauge "d360_client_max_channels" CLIENT,
        polled!("Most channels that the client may have; absent if there is no bound.");
    Client Gauge "d360_client_status" &["partner_id", "client_id", "status"],
        polled!("Status of the client now, as the Partner API says.");
    Client Gauge "d360_client_up" CLIENT,
        "Whether the last attempt of background polling to read the client's channels succeeded.";
    Exporter Gauge "d360_exporter_build_info" &["version", "revision"],
        "Version of the exporter, with value 1.";
    Exporter Gauge "d360_exporter_config_last_reload_success_timestamp_seconds" &[],
        "When the configuration was last loaded successfully, in Unix seconds.";
    Exporter Gauge "d360_exporter_config_last_reload_successful" &[],
        "Whether the last attempt to load the configuration succeeded.";
    Exporter Counter "d360_exporter_http_requests_total" &["handler", "code"],
        "Answers of the exporter's web server.";
    Exporter Gauge "d360_exporter_max_staleness_seconds" &[],
        "How long data that can't be refreshed stays exposed.";
    Exporter Gauge "d360_exporter_poll_interval_seconds" &[],
        "Intended time from one full polling cycle to the next.";
    Exporter Gauge "d360_exporter_publish_duration_seconds" &[],
        "How long the last publication of changed data took.";
    Exporter Gauge "d360_exporter_series" &[],
        "Series of channels, clients and partners that are exposed.";
    Partner Gauge "d360_partner_last_refresh_timestamp_seconds" PARTNER,
        "When the last full cycle of background polling ended, in Unix seconds.";
    Partner Gauge "d360_partner_refresh_duration_seconds" PARTNER,
        "How long the last full cycle of background polling took.";
    Partner Gauge "d360_partner_up" PARTNER,
        "Whether the last attempt of background polling to list the partner's clients succeeded.";
    Exporter Counter "process_cpu_seconds_total" &[],
        "Total user and system CPU time spent in seconds.";
    Exporter Gauge "process_max_fds" &[],
        "Maximum number of open file descriptors.";
    Exporter Gauge "process_open_fds" &[],
        "Number of open file descriptors.";
    Exporter Gauge "process_resident_memory_bytes" &[],
        "Resident memory size in bytes.";
    Exporter Gauge "process_start_time_seconds" &[],
        "Start time of the process since unix epoch in seconds.";
    Exporter Gauge "process_threads" &[],
        "Number of OS threads in the process.";
    Exporter Gauge "process_virtual_memory_bytes" &[],
        "Virtual memory size in bytes.";
}

/// The position of a family in [`FAMILIES`]. Meant for constants: a name that
/// does not exist fails to compile there.
///
/// # Panics
///
/// If there is no family of that name.
pub const fn index(name: &str) -> usize {
    let mut i = 0;
    while i < FAMILIES.len() {
        if same(FAMILIES[i].name, name) {
            return i;
        }
        i += 1;
    }
    panic!("no family has that name")
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// The labels of a family in order, empty if there is none of that name.
pub fn labels(name: &str) -> &'static [&'static str] {
    FAMILIES.iter().find(|f| f.name == name).map_or(&[], |f| f.labels)
}

/// The HELP text of a family, empty if there is none of that name.
pub fn help(name: &str) -> &'static str {
    FAMILIES.iter().find(|f| f.name == name).map_or("", |f| f.help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_sorted_by_name_and_each_is_there_once() {
        let names: Vec<_> = FAMILIES.iter().map(|f| f.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    #[test]
    fn counters_and_only_counters_end_in_total() {
        for family in FAMILIES {
            assert_eq!(family.name.ends_with("_total"), family.kind == Kind::Counter, "{}", family.name);
        }
    }

    #[test]
    fn help_of_the_fleets_gauges_says_that_values_come_from_background_polling() {
        for family in FAMILIES.iter().filter(|f| f.scope < Scope::Api) {
            assert!(family.help.contains("ackground polling"), "{}", family.name);
        }
    }
}

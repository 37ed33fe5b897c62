//! Good and bad values, setting by setting.

use super::*;

/// Reads one partner's setting for each value.
fn read<T>(flag: &str, values: &[&str], setting: impl Fn(Config) -> T) -> Vec<T> {
    let arg = |value: &&str| format!("{flag}={value}");
    values.iter().map(|value| setting(load_partner(&[&arg(value)]).unwrap())).collect()
}

/// Checks that each value is refused with these words.
#[track_caller]
fn refused(flag: &str, values: &[&str], expected: &str) {
    for value in values {
        let error = format!("{flag}: expected {expected}, found `{value}`");
        assert_eq!(errors(&[&format!("{flag}={value}")]), [error]);
    }
}

#[test]
fn durations_have_units_and_bounds() {
    let timeouts =
        read("--api.timeout", &["500ms", "30s", "5m", "1h 30m"], |c| c.partners[0].settings.http.timeout.as_millis());
    assert_eq!(timeouts, [500, 30_000, 300_000, 5_400_000]);
    for flag in ["--api.timeout", "--poll.interval"] {
        refused(flag, &["", "5", "-1s", "soon", "5 parsecs"], "a duration such as `30s`, `5m` or `500ms`");
    }
    // A month is `M` for humantime, and five of them are no five minutes.
    refused("--poll.interval", &["5M", "1y", "584000000000y"], "a duration such as `30s`, `5m` or `500ms`");
    refused("--api.timeout", &["0s", "2d"], "a duration from 1ms to 1d");
    refused("--poll.interval", &["0s", "31d"], "a duration from 1ms to 30d");
    refused("--poll.max-staleness", &["never"], "a duration such as `30s`, `5m` or `500ms`");
}

#[test]
fn the_interval_goes_to_the_poller_too() {
    let config = load_partner(&["--poll.interval=90s", "--poll.max-staleness=90s"]).unwrap();
    let ninety = Duration::from_secs(90);
    assert_eq!(
        (config.poll_interval, config.partners[0].settings.poll.interval, config.max_staleness),
        (ninety, ninety, ninety)
    );
    assert_eq!(
        errors(&["--poll.interval=90s", "--poll.max-staleness=89s"]),
        [
            "--poll.max-staleness: expected at least --poll.interval (90s), found `89s`; data would expire before it can be read again"
        ]
    );
}

#[test]
fn sizes_have_units_and_bounds() {
    let sizes = read("--api.max-response-size", &["1KiB", "64KiB", "32 MiB", "1GB"], |c| {
        c.partners[0].settings.http.max_response_size
    });
    assert_eq!(sizes, [1_024, 65_536, 33_554_432, 1_000_000_000]);
    refused("--api.max-response-size", &["", "-1", "big", "32 miles"], "a size such as `32MiB`");
    refused("--api.max-response-size", &["0", "1023", "5GiB"], "a size from 1.0 KiB to 4.0 GiB");
}

#[test]
fn counts_are_whole_numbers_within_bounds() {
    assert_eq!(
        read("--api.page-size", &["1", "1000"], |c| c.partners[0].settings.page_size),
        [PageSize::Fixed(1), PageSize::Fixed(1_000)]
    );
    assert_eq!(read("--poll.concurrency", &["1", "64"], |c| c.partners[0].settings.poll.concurrency), [1, 64]);
    let bounds = [
        ("--api.page-size", "`auto` or a whole number from 1 to 100000"),
        ("--poll.concurrency", "a whole number from 1 to 1000"),
        ("--total-shards", "a whole number from 1 to 10000"),
    ];
    for (flag, expected) in bounds {
        refused(flag, &["", "0", "-1", "1.5", "many", "99999999999999999999"], expected);
    }
    refused("--web.max-connections", &["7", "1000001"], "a whole number from 8 to 1000000");
    refused("--metrics.max-label-length", &["15", "65537"], "a whole number from 16 to 65536");
    assert_eq!(read("--web.max-requests", &["0", "40"], |c| c.web.max_requests), [0, 40]);
    let too_many = (1_u64 << 63).to_string();
    refused("--web.max-requests", &["", "-1", "many", &too_many], "a whole number from 0 to 100000");
}

#[test]
fn rates_are_counts_per_time() {
    let rates = |flag, values: &[&str]| {
        read(flag, values, |c| {
            [c.partners[0].settings.min_rate, c.partners[0].settings.max_rate].map(|r| (r.count, r.per.as_millis()))
        })
    };
    let lower = rates("--api.min-rate", &["10/s", "5/30s", "10/min", " 1 / 1h"]);
    assert_eq!(
        lower.iter().map(|r| r[0]).collect::<Vec<_>>(),
        [(10, 1_000), (5, 30_000), (10, 60_000), (1, 3_600_000)]
    );
    let upper = rates("--api.max-rate", &["1000/s", "1/100ms", "10/min"]);
    assert_eq!(upper.iter().map(|r| r[1]).collect::<Vec<_>>(), [(1_000, 1_000), (1, 100), (10, 60_000)]);
    for flag in ["--api.min-rate", "--api.max-rate"] {
        let bad = ["", "10", "0/s", "-1/s", "1.5/s", "/s", "10/", "10/0s", "10/parsec"];
        refused(flag, &bad, "a rate such as `10/s`, `5/30s` or `10/min`");
    }
    assert_eq!(
        errors(&["--api.min-rate=11/s"]),
        ["--api.min-rate: expected at most --api.max-rate (`10/s`), found `11/s`"]
    );
}

#[test]
fn base_urls_are_https_or_loopback() {
    let good = [
        "https://hub.360dialog.io/api/v2",
        "https://mock.example/prefix/",
        "https://10.0.0.1:8443",
        "http://127.0.0.1:10361/api/v2",
        "http://127.8.8.8",
        "http://[::1]:10361",
        "http://localhost:10361/api/v2",
    ];
    let urls = read("--api.base-url", &good, |c| c.partners[0].settings.http.base_url.clone());
    assert_eq!(urls, good.map(|url| Url::parse(url).unwrap()));

    let plain = [
        "http://hub.360dialog.io/api/v2",
        "http://10.0.0.1",
        "http://localhost.example",
        "http://api.localhost",
        "ftp://127.0.0.1",
        "file:///etc",
    ];
    refused("--api.base-url", &plain, "an https URL, because the API key goes there (http is for loopback addresses)");
    refused(
        "--api.base-url",
        &["hub.360dialog.io"],
        "a URL such as `https://hub.360dialog.io/api/v2` (relative URL without a base)",
    );
    refused("--api.base-url", &[""], "a URL such as `https://hub.360dialog.io/api/v2` (relative URL without a base)");
}

#[test]
fn choices_name_their_values() {
    use poller::Strategy;
    let strategies = read("--poll.strategy", &["auto", "per-client", "bulk"], |c| c.partners[0].settings.poll.strategy);
    assert_eq!(strategies, [Strategy::Auto, Strategy::PerClient, Strategy::Bulk]);
    refused("--poll.strategy", &["", "Bulk", "per_client"], "`auto`, `per-client` or `bulk`");
    let shown = read("--metrics.phone-number", &["full", "masked", "off"], |c| c.render.phone_numbers);
    assert_eq!(shown, [PhoneNumbers::Full, PhoneNumbers::Masked, PhoneNumbers::Off]);
    refused("--metrics.phone-number", &["", "none"], "`full`, `masked` (last four digits) or `off`");
}

#[test]
fn shards_are_counted_from_zero() {
    let config = load_partner(&["--shard=2", "--total-shards=3"]).unwrap();
    assert_eq!(config.partners[0].settings.poll.shard, Shard { index: 2, total: 3 });
    refused("--shard", &["", "-1", "first"], "a whole number from 0 to 9999");
    assert_eq!(
        errors(&["--shard=3", "--total-shards=3"]),
        ["--shard: expected a number from 0 to 2, found `3`; shards are counted from 0"]
    );
}

#[test]
fn excluded_families_are_an_expression_for_the_whole_name() {
    load_partner(&["--metrics.exclude=d360_channel_(info|status)|d360_client_.*"]).unwrap();
    assert_eq!(
        errors(&["--metrics.exclude=("]),
        ["--metrics.exclude: expected a regular expression (found open group without closing ')'), found `(`"]
    );
}

#[test]
fn listen_addresses_are_those_of_go_programs() {
    let addresses = |args: &[&str]| -> Vec<String> {
        load_partner(args).unwrap().web.listen.iter().map(ToString::to_string).collect()
    };
    assert_eq!(addresses(&["--web.listen-address=:9100"]), [":9100"]);
    assert_eq!(
        addresses(&[
            "--web.listen-address=127.0.0.1:1",
            "--web.listen-address=[::1]:2",
            "--web.listen-address=localhost:3"
        ]),
        ["127.0.0.1:1", "[::1]:2", "localhost:3"]
    );
    assert_eq!(
        addresses(&["--web.listen-address=0.0.0.0:1, :2 ,monitoring.example:3"]),
        ["0.0.0.0:1", ":2", "monitoring.example:3"]
    );
    let bad = ["", "9100", ":", ":x", ":65536", "127.0.0.1", "a b:80", "[::1]", "::1:2", "[::1:2", "[x]:2"];
    let expected = "an address such as `:10360`, `127.0.0.1:10360`, `[::1]:10360` or `localhost:10360`";
    refused("--web.listen-address", &bad, expected);
}

#[test]
fn telemetry_paths_collide_with_nothing() {
    assert_eq!(
        read("--web.telemetry-path", &["/metrics", "/a/b-c_d.e"], |c| c.web.telemetry_path),
        ["/metrics", "/a/b-c_d.e"]
    );
    let bad =
        ["", "metrics", "/", "/config", "/healthz", "/livez", "/readyz", "/-/healthy", "/-/x", "/{id}", "/a b", "/a?b"];
    refused(
        "--web.telemetry-path",
        &bad,
        "an absolute path such as `/metrics` that does not collide with a built-in endpoint",
    );
}

#[test]
fn switches_may_say_what_they_are() {
    for (text, is_on) in [("true", true), ("1", true), ("FALSE", false), ("off", false)] {
        let config = load_partner(&[&format!("--web.enable-lifecycle={text}")]).unwrap();
        assert_eq!(config.web.enable_lifecycle, is_on, "{text}");
    }
    refused("--web.enable-lifecycle", &["falze", ""], "`true` or `false`");
}

#[test]
fn the_route_prefix_is_the_path_of_the_external_url_unless_it_is_given() {
    let prefix = |args: &[&str]| load_partner(args).unwrap().web.route_prefix;
    let external = "--web.external-url=https://monitoring.example/d360/";
    assert_eq!(prefix(&[]), "");
    assert_eq!(prefix(&[external]), "/d360");
    assert_eq!(prefix(&[external, "--web.route-prefix=/"]), "");
    assert_eq!(prefix(&["--web.route-prefix=a/b/"]), "/a/b");
    refused("--web.route-prefix", &["/a b", "/{x}", "/a//b"], "a path such as `/d360`");
    let url = "a URL such as `https://monitoring.example/d360`, without user, query or fragment";
    for flag in ["--web.external-url", "--web.grafana-url", "--web.runbook-url"] {
        refused(flag, &["", "grafana", "ftp://grafana", "https://a/?b"], url);
    }
}

#[test]
fn balances_are_off_unless_asked_for() {
    use poller::CollectBalance;
    let modes = read("--collect.balance", &["off", "partner", "clients"], |c| c.partners[0].settings.poll.balance);
    assert_eq!(modes, [CollectBalance::Off, CollectBalance::Partner, CollectBalance::Clients]);
    refused("--collect.balance", &["", "on"], "`off`, `partner` or `clients`");
}

#[test]
fn paths_and_switches_are_taken_as_they_are() {
    let config = load_partner(&["--state.file=/tmp/s", "--web.enable-lifecycle"]).unwrap();
    assert_eq!(config.state_file.as_deref(), Some(Path::new("/tmp/s")));
    assert!(config.web.enable_lifecycle);
}

#[test]
fn partner_ids_are_trimmed() {
    let config = load(&["--partner.id= examplePA "], Some("canary-key")).unwrap();
    assert_eq!(config.partners[0].id.as_str(), "examplePA");
    assert_eq!(
        load(&["--partner.id= "], Some("canary-key")).unwrap_err().to_string(),
        "--partner.id: expected the id of your partner account, such as `examplePA`, found ` `"
    );
}

//! All errors at once, and none of them shows a secret.

use super::*;

#[test]
fn the_key_comes_from_the_environment_or_from_a_file() {
    use secrecy::ExposeSecret as _;
    let flags = |args: &[&str]| Line::parse_from([&["--partner.id=examplePA"], args].concat()).flags;
    let key = |config: Result<Config, ConfigErrors>| {
        config.map(|c| c.partners[0].key.current().expose_secret().to_owned()).map_err(|e| e.to_string())
    };
    let env = |value: &'static str| move |name: &str| (name == "D360_API_KEY").then(|| value.to_owned());
    assert_eq!(key(Config::load(&flags(&[]), &env("canary\n"))), Ok("canary".to_owned()));

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, " from-file \n").unwrap();
    let from_file = flags(&[&format!("--partner.api-key-file={}", file.display())]);
    assert_eq!(key(Config::load(&from_file, &|_| None)), Ok("from-file".to_owned()));
    // A byte order mark is what some editors put before it.
    assert_eq!(key(Config::load(&flags(&[]), &env("\u{feff}canary"))), Ok("canary".to_owned()));
    assert_eq!(
        key(Config::load(&from_file, &env("canary"))),
        Err("D360_API_KEY: expected the API key either here or in --partner.api-key-file, found both; unset one of them"
            .to_owned())
    );
    assert_eq!(
        key(Config::load(&flags(&[]), &env("\"canary\""))),
        Err("D360_API_KEY: expected an API key, found one in quotes; write it without them".to_owned())
    );
}

#[test]
fn a_key_that_is_missing_or_broken_is_an_error_that_does_not_show_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    let shown = file.display();
    let error = |args: &[&str], env: Option<&str>| {
        let flags = Line::parse_from([&["--partner.id=examplePA"], args].concat()).flags;
        Config::load(&flags, &|name| env.filter(|_| name == API_KEY_VARIABLE).map(str::to_owned))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[], None),
        "--partner.api-key-file: expected a file with the API key, found neither the flag nor D360_API_KEY; set one of them"
    );
    assert_eq!(error(&[], Some(" ")), error(&[], None), "an empty variable is an unset one");
    for broken in ["canary canary", "canary\u{e9}", "canary\ncanary", "canary\u{0}"] {
        let expected = "D360_API_KEY: expected one API key of visible ASCII characters, found other characters in it";
        assert_eq!(error(&[], Some(broken)), expected);
    }
    let flag = format!("--partner.api-key-file={shown}");
    let remedy = "write the API key, and only it, into that file";
    assert_eq!(
        error(&[&flag], None),
        format!("--partner.api-key-file: cannot read `{shown}`: No such file or directory (os error 2); {remedy}")
    );
    for (content, found) in [
        (&b"  \n"[..], "expected an API key, found nothing"),
        (b"canary canary", "expected one API key of visible ASCII characters, found other characters in it"),
        (b"canary\xff", "stream did not contain valid UTF-8"),
    ] {
        std::fs::write(&file, content).unwrap();
        assert_eq!(error(&[&flag], None), format!("--partner.api-key-file: cannot read `{shown}`: {found}; {remedy}"));
    }
}

#[test]
fn a_key_in_the_place_of_its_file_is_not_shown() {
    let error = |path: &str| {
        let load = load(&["--partner.id=examplePA", &format!("--partner.api-key-file={path}")], None);
        load.unwrap_err().to_string().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let hidden = "--partner.api-key-file: expected the path of a file that holds the API key, but this looks like the key \
                  itself; put it in a file and pass the path";
    for key in [
        "Canary7Key9InTheCoalMine",
        "8f14e45f-ceea-467f-a8d8-1f0c2ca9a1b2",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl",
        "sk_live_canary0123456789",
        "Canary+key/in+base64/Canary==",
        "/Canary+key/in+base64/Canary==",
        &"canary".repeat(100),
    ] {
        assert_eq!(error(key), [hidden], "{key}");
    }
    for path in ["/tmp/nowhere/with-the-partner-key", "partner.key", "key"] {
        let shown = format!(
            "--partner.api-key-file: cannot read `{path}`: No such file or directory (os error 2); write the API key, \
             and only it, into that file"
        );
        assert_eq!(error(path), [shown]);
    }
}

#[test]
fn what_a_base_url_must_not_hold_is_not_shown() {
    for url in [
        "https://user:canary@hub.360dialog.io",
        "https://canary@hub.360dialog.io",
        "https://hub.360dialog.io/api?key=canary",
        "https://hub.360dialog.io/api#canary",
        "https://user:canary@hub.360dialog.io:port",
    ] {
        let errors = errors(&[&format!("--api.base-url={url}")]);
        assert_eq!(errors, ["--api.base-url: expected a URL without user, query or fragment"], "{url}");
    }
}

#[test]
fn every_error_of_a_run_is_reported_at_once_with_its_remedy() {
    let flags = [
        "--api.base-url=http://hub.360dialog.io",
        "--api.timeout=5",
        "--api.max-response-size=big",
        "--api.page-size=0",
        "--api.min-rate=fast",
        "--api.max-rate=faster",
        "--poll.interval=often",
        "--poll.strategy=best",
        "--poll.max-staleness=0s",
        "--poll.concurrency=none",
        "--metrics.phone-number=some",
        "--metrics.exclude=*",
        "--shard=-1",
        "--total-shards=2",
        "--web.listen-address=here",
        "--web.listen-address=there",
        "--web.telemetry-path=metrics",
        "--web.max-requests=few",
    ];
    let errors = Config::load(&Line::parse_from(flags).flags, &|_| None).unwrap_err();
    let lines: Vec<String> = errors.to_string().lines().map(str::to_owned).collect();
    assert_eq!(
        lines,
        [
            "--partner.id: expected the id of your partner account, found nothing; set it, or list partners in --config.file",
            "--partner.api-key-file: expected a file with the API key, found neither the flag nor D360_API_KEY; set one of them",
            "--api.base-url: expected an https URL, because the API key goes there (http is for loopback addresses), found `http://hub.360dialog.io`",
            "--api.timeout: expected a duration such as `30s`, `5m` or `500ms`, found `5`",
            "--api.max-response-size: expected a size such as `32MiB`, found `big`",
            "--api.page-size: expected `auto` or a whole number from 1 to 100000, found `0`",
            "--api.min-rate: expected a rate such as `10/s`, `5/30s` or `10/min`, found `fast`",
            "--api.max-rate: expected a rate such as `10/s`, `5/30s` or `10/min`, found `faster`",
            "--poll.strategy: expected `auto`, `per-client` or `bulk`, found `best`",
            "--poll.concurrency: expected a whole number from 1 to 1000, found `none`",
            "--poll.interval: expected a duration such as `30s`, `5m` or `500ms`, found `often`",
            "--shard: expected a whole number from 0 to 9999, found `-1`",
            "--poll.max-staleness: expected a duration from 1ms to 365d, found `0s`",
            "--metrics.phone-number: expected `full`, `masked` (last four digits) or `off`, found `some`",
            "--metrics.exclude: expected a regular expression (uncounted repetition operator must be applied to a sub-expression), found `*`",
            "--web.listen-address: expected an address such as `:10360`, `127.0.0.1:10360`, `[::1]:10360` or `localhost:10360`, found `here`",
            "--web.listen-address: expected an address such as `:10360`, `127.0.0.1:10360`, `[::1]:10360` or `localhost:10360`, found `there`",
            "--web.telemetry-path: expected an absolute path such as `/metrics` that does not collide with a built-in endpoint, found `metrics`",
            "--web.max-requests: expected a whole number from 0 to 100000, found `few`",
        ]
    );
}

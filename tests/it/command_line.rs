//! The program as a person or a service manager meets it.

use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::harness::{Api, Exporter, Program, fleet, wait_until};

async fn run(args: &[&str]) -> (Option<i32>, String) {
    Program::start(args, &[]).end().await
}

#[tokio::test]
async fn every_command_has_help_and_the_program_a_version() {
    let (code, help) = run(&["--help"]).await;
    assert_eq!(code, Some(0));
    for command in ["serve", "demo", "simulate", "check"] {
        assert!(help.contains(&format!("\n  {command} ")), "{command} in:\n{help}");
        let (code, help) = run(&[command, "--help"]).await;
        assert_eq!(code, Some(0), "{command}");
        assert!(help.contains(&format!("Usage: d360_exporter {command}")), "{help}");
    }
    let (code, version) = run(&["--version"]).await;
    assert_eq!(code, Some(0));
    assert!(version.starts_with(&format!("d360_exporter {} (revision ", d360_exporter::VERSION)), "{version}");
}

#[tokio::test]
async fn an_unknown_flag_is_bad_usage() {
    let (code, output) = run(&["serve", "--poll.intervl=5m"]).await;
    assert_eq!(code, Some(2));
    assert!(output.contains("--poll.interval"), "the flag that was meant is named:\n{output}");
}

#[tokio::test]
async fn all_errors_of_a_configuration_are_reported_at_once() {
    let errors = [
        "--api.base-url=http://example.com/",
        "--api.timeout=0s",
        "--api.max-response-size=big",
        "--api.page-size=0",
        "--api.min-rate=fast",
        "--poll.interval=584000000000y",
        "--poll.strategy=psychic",
        "--poll.max-staleness=-1m",
        "--poll.concurrency=none",
        "--metrics.phone-number=half",
        "--metrics.exclude=(",
        "--shard=3",
        "--total-shards=2",
        "--web.listen-address=here",
        "--web.telemetry-path=/config",
        "--web.max-requests=9223372036854775808",
        "--web.max-connections=few",
        "--web.external-url=here",
        "--web.route-prefix={x}",
        "--web.enable-lifecycle=perhaps",
        "--metrics.max-label-length=0",
        "--collect.balance=everything",
        "--log.level=loud",
        "--log.format=xml",
    ];
    for command in ["serve", "check"] {
        let (code, output) = run(&[&[command], &errors[..]].concat()).await;
        assert_eq!(code, Some(2), "{output}");
        let mut reported: Vec<&str> = output
            .lines()
            .map(|line| line.strip_prefix("error: ").unwrap_or_else(|| panic!("{line:?} is no error")))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        let mut expected: Vec<&str> = errors.iter().map(|flag| flag.split('=').next().unwrap()).collect();
        // Two shards and number three are one error between them.
        expected.retain(|flag| *flag != "--total-shards");
        expected.extend(["--partner.id", "--partner.api-key-file"]);
        expected.sort_unstable();
        reported.sort_unstable();
        assert_eq!(reported, expected, "{output}");
        assert!(output.lines().all(|line| line.contains("expected ")), "each says what was expected:\n{output}");
    }
}

#[tokio::test]
async fn a_good_configuration_passes_the_check() {
    let env = [("D360_PARTNER_ID", "examplePA"), ("D360_API_KEY", "a-secret-key")];
    let (code, output) = Program::start(&["check"], &env).end().await;
    assert_eq!(
        (code, output.as_str()),
        (
            Some(0),
            "partner examplePA: API at https://hub.360dialog.io/api/v2, key from the environment\nthe configuration is valid\n"
        )
    );
}

#[tokio::test]
async fn an_address_that_is_in_use_ends_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = format!("--web.listen-address={address}");
    let env = [("D360_PARTNER_ID", "examplePA"), ("D360_API_KEY", "a-secret-key")];
    for args in [vec!["serve", &listen], vec!["demo", &listen], vec!["simulate", "--listen", &address]] {
        let (code, output) = Program::start(&args, &env).end().await;
        assert_eq!(code, Some(1), "{args:?}: {output}");
        assert!(output.contains(&format!("error: cannot listen on {address}")), "{args:?}: {output}");
    }
}

#[tokio::test]
async fn both_signals_are_a_good_end_for_every_command_that_runs() {
    let env = [("D360_PARTNER_ID", "examplePA"), ("D360_API_KEY", "k"), ("D360_API_BASE_URL", "http://127.0.0.1:9/")];
    let commands = [
        vec!["--web.listen-address=127.0.0.1:0"],
        vec!["serve", "--web.listen-address=127.0.0.1:0"],
        vec!["demo", "--web.listen-address=127.0.0.1:0"],
        vec!["simulate", "--listen=127.0.0.1:0"],
    ];
    for command in commands {
        for signal in [Signal::TERM, Signal::INT] {
            let program = Program::start(&command, &env);
            let up = if command[0] == "simulate" { "Partner API: " } else { "listening" };
            program.line_with(up).await;
            program.signal(signal);
            let (code, output) = program.end().await;
            assert_eq!(code, Some(0), "{command:?} {signal:?}: {output}");
        }
    }
}

/// A reader that takes its time gets the whole body although the exporter has to
/// stop in the middle of it.
#[tokio::test]
async fn a_slow_scrape_is_drained_before_the_end() {
    let api = Api::start(fleet(800, 5)).await;
    let exporter =
        Exporter::start(&api, &["--poll.interval=1h", "--poll.max-staleness=2h", "--poll.strategy=bulk"]).await;
    exporter.ready().await;
    // A small window, so that most of the body waits on the exporter's side.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut stream = socket.connect(exporter.address().parse().unwrap()).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut body = vec![0; 4096];
    let read = stream.read(&mut body).await.unwrap();
    body.truncate(read);
    exporter.signal(Signal::TERM);
    exporter.program.line_with("stopping on SIGTERM").await;
    // New connections are refused while the old one goes on.
    let address = exporter.address().to_owned();
    wait_until("the end of listening", async || TcpStream::connect(&address).await.err()).await;
    stream.read_to_end(&mut body).await.unwrap();
    let text = String::from_utf8(body).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length: usize = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned))
        .unwrap()
        .parse()
        .unwrap();
    assert!(length > 6 * 1024 * 1024, "larger than what the sender's buffer can hold: {length}");
    assert_eq!(body.len(), length);
    let (code, output) = exporter.program.end().await;
    assert_eq!(code, Some(0), "{output}");
}

#[tokio::test]
async fn check_healthy_succeeds_while_an_exporter_runs() {
    let api = Api::start(fleet(1, 1)).await;
    let exporter = Exporter::start(&api, &[]).await;
    let env = [("D360_PARTNER_ID", "examplePA"), ("D360_API_KEY", "k")];
    let listen = format!("--web.listen-address={}", exporter.address());
    let (code, output) = Program::start(&["check", "--healthy", &listen], &env).end().await;
    assert_eq!((code, output.as_str()), (Some(0), "healthy\n"));
    exporter.stop().await;
    let (code, output) = Program::start(&["check", "--healthy", &listen], &env).end().await;
    assert_eq!(code, Some(1), "{output}");
}

/// Every variable of a flag, empty.
fn empty_variables() -> Vec<(&'static str, &'static str)> {
    let flags = d360_exporter::config::flags::FLAGS.iter().chain(d360_exporter::config::flags::LOG_FLAGS);
    let others = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"];
    flags.map(|flag| flag.variable).chain(others).map(|name| (name, "")).collect()
}

#[tokio::test]
async fn an_empty_variable_is_an_unset_one() {
    let mut env = empty_variables();
    let set = [("D360_PARTNER_ID", "examplePA"), ("D360_API_KEY", "a-secret-key")];
    env.retain(|(name, _)| set.iter().all(|(set, _)| set != name));
    env.extend(set);
    let (code, output) = Program::start(&["check"], &env).end().await;
    assert_eq!((code, output.lines().last()), (Some(0), Some("the configuration is valid")), "{output}");
    // And the HTTP client can be built with them.
    let api = Api::start(fleet(1, 1)).await;
    let exporter = Exporter::start_with(&api.base_url(), "demo-key", &[], &empty_variables()).await;
    exporter.ready().await;
    exporter.stop().await;
}

#[tokio::test]
async fn unknown_variables_are_one_warning_with_their_names_and_never_their_values() {
    let env = [
        ("D360_PARTNER_ID", "examplePA"),
        ("D360_API_KEY", "a-secret-key"),
        ("D360_POLL_INTERVL", "canary"),
        ("D360_APIKEY", "canary"),
        ("D360_EXPORTER_SERVICE_HOST", "10.0.0.1"),
        ("D360_EXPORTER_PORT_10360_TCP_ADDR", "10.0.0.1"),
    ];
    let (code, output) = Program::start(&["check"], &env).end().await;
    assert_eq!(code, Some(0), "{output}");
    let warnings: Vec<&str> = output.lines().filter(|line| line.contains("level=WARN")).collect();
    assert_eq!(warnings.len(), 1, "{output}");
    assert!(warnings[0].contains("variables=\"D360_APIKEY, D360_POLL_INTERVL\""), "{output}");
    assert!(!output.contains("canary"), "{output}");
}

#[tokio::test]
async fn a_key_that_others_can_read_is_a_warning_and_a_key_and_a_key_file_are_an_error() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, "\u{feff}a-secret-key\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let shown = file.display().to_string();
    let env = [("D360_PARTNER_ID", "examplePA"), ("D360_API_KEY_FILE", shown.as_str())];
    let (code, output) = Program::start(&["check"], &env).end().await;
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains(&format!("every user of this machine can read the key file `{shown}`")), "{output}");

    let both = [&env[..], &[("D360_API_KEY", "canary")]].concat();
    let (code, output) = Program::start(&["check"], &both).end().await;
    let expected = "error: D360_API_KEY: expected the API key either here or in --partner.api-key-file, found both; unset one of them\n";
    assert_eq!((code, output.as_str()), (Some(2), expected));
}

#[tokio::test]
async fn a_key_file_that_would_block_the_start_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("key");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    let file = format!("--partner.api-key-file={}", fifo.display());
    for command in ["check", "serve"] {
        let (code, output) = run(&[command, "--partner.id=examplePA", &file]).await;
        assert_eq!(code, Some(2), "{output}");
        assert!(output.contains("expected a regular file, found something else"), "{output}");
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_an_error_and_not_left_out() {
    for value in ["not a url", "ftp://proxy.example", "socks5://proxy.example:1080"] {
        let env = [("D360_PARTNER_ID", "examplePA"), ("D360_API_KEY", "k"), ("HTTPS_PROXY", value)];
        for command in ["check", "serve"] {
            let (code, output) = Program::start(&[command], &env).end().await;
            assert_eq!(code, Some(2), "{value}: {output}");
            assert!(output.starts_with("error: HTTPS_PROXY: expected the URL of a proxy"), "{value}: {output}");
        }
    }
}

#[tokio::test]
async fn a_state_file_that_is_not_ours_is_refused_and_nothing_is_moved() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("key"), "a-secret-key").unwrap();
    std::fs::write(at("config.yml"), "partners: []\n").unwrap();
    std::fs::create_dir(at("directory")).unwrap();
    std::os::unix::fs::symlink(at("key"), at("link")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), rustix::fs::Mode::RWXU).unwrap();
    let names = || {
        let entries = std::fs::read_dir(directory.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let before = names();
    let key = format!("--partner.api-key-file={}", at("key").display());
    for (name, found) in [
        ("key", "a file of another program"),
        ("config.yml", "a file of another program"),
        ("directory", "a directory"),
        ("link", "a symbolic link"),
        ("fifo", "a named pipe"),
        ("/dev/null", "a device"),
    ] {
        let state = format!("--state.file={}", at(name).display());
        for command in ["check", "serve"] {
            let (code, output) = run(&[command, "--partner.id=examplePA", &key, &state]).await;
            assert_eq!(code, Some(2), "{name}: {output}");
            assert!(output.contains(&format!("found {found} at")), "{name}: {output}");
        }
    }
    assert_eq!(names(), before);
    assert_eq!(std::fs::read(at("key")).unwrap(), b"a-secret-key");
}

#[tokio::test]
async fn without_arguments_and_settings_one_screen_says_how_to_begin() {
    let (code, output) = run(&[]).await;
    assert_eq!(code, Some(2));
    for said in ["d360_exporter demo", "check --live", "--partner.id=", "--partner.api-key-file=", "--help"] {
        assert!(output.contains(said), "{said} in:\n{output}");
    }
    assert!(output.lines().count() < 24, "{output}");
}

#[tokio::test]
async fn flags_may_stand_before_the_command_and_the_last_of_a_repeated_one_wins() {
    let env = [("D360_API_KEY", "a-secret-key")];
    for args in [
        ["--partner.id=one", "--partner.id=two", "check"],
        ["--partner.id=one", "check", "--partner.id=two"],
        ["check", "--partner.id=one", "--partner.id=two"],
    ] {
        let (code, output) = Program::start(&args, &env).end().await;
        assert_eq!(code, Some(0), "{args:?}: {output}");
        assert!(output.starts_with("partner two: "), "{args:?}: {output}");
    }
}

#[tokio::test]
async fn closing_the_terminal_ends_the_demo() {
    let program = Program::start(&["demo", "--web.listen-address=127.0.0.1:0"], &[]);
    program.line_with("listening").await;
    program.signal(Signal::HUP);
    let (code, output) = program.end().await;
    assert_eq!(code, Some(0), "{output}");
}

#[tokio::test]
async fn every_command_for_people_has_examples() {
    for command in [
        &["channels", "list"][..],
        &["clients", "list"],
        &["clients", "update"],
        &["serve"],
        &["demo"],
        &["simulate"],
        &["check"],
    ] {
        let (code, help) = run(&[command, &["--help"]].concat()).await;
        assert_eq!(code, Some(0));
        let example = format!("      d360_exporter {}", command.join(" "));
        assert!(help.contains("Examples:") && help.contains(&example), "{command:?}:\n{help}");
    }
}

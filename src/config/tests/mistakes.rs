//! All mistakes at once, and none of them shows a secret.

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
    // The flag is the more deliberate one of the two.
    assert_eq!(key(Config::load(&from_file, &env("canary"))), Ok("from-file".to_owned()));
}

#[test]
fn a_key_that_is_missing_or_broken_is_a_mistake_that_does_not_show_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    let shown = file.display();
    let mistake = |args: &[&str], env: Option<&str>| {
        let flags = Line::parse_from([&["--partner.id=examplePA"], args].concat()).flags;
        Config::load(&flags, &|_| env.map(str::to_owned)).unwrap_err().to_string()
    };
    assert_eq!(
        mistake(&[], None),
        "--partner.api-key-file: expected a file with the API key, found neither the flag nor D360_API_KEY; set one of them"
    );
    assert_eq!(mistake(&[], Some(" ")), "D360_API_KEY: expected an API key, found nothing");
    for broken in ["canary canary", "canary\u{e9}", "canary\ncanary", "canary\u{0}"] {
        let expected = "D360_API_KEY: expected one API key of visible ASCII characters, found other characters in it";
        assert_eq!(mistake(&[], Some(broken)), expected);
    }
    let flag = format!("--partner.api-key-file={shown}");
    let remedy = "write the API key, and only it, into that file";
    assert_eq!(
        mistake(&[&flag], None),
        format!("--partner.api-key-file: cannot read `{shown}`: No such file or directory (os error 2); {remedy}")
    );
    for (content, found) in [
        (&b"  \n"[..], "expected an API key, found nothing"),
        (b"canary canary", "expected one API key of visible ASCII characters, found other characters in it"),
        (b"canary\xff", "stream did not contain valid UTF-8"),
    ] {
        std::fs::write(&file, content).unwrap();
        assert_eq!(
            mistake(&[&flag], None),
            format!("--partner.api-key-file: cannot read `{shown}`: {found}; {remedy}")
        );
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
        let mistakes = mistakes(&[&format!("--api.base-url={url}")]);
        assert_eq!(
            mistakes,
            ["--api.base-url: expected a URL of scheme, host and path alone, found more in it"],
            "{url}"
        );
    }
}

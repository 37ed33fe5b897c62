//! The file with several partners.

use super::*;

/// A directory with key files `one` and `two`, and a configuration file.
struct Files(tempfile::TempDir);

impl Files {
    fn new(yaml: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["one", "two"] {
            std::fs::write(dir.path().join(name), format!("canary-{name}")).unwrap();
        }
        let yaml = yaml.replace("KEYS", &dir.path().display().to_string());
        std::fs::write(dir.path().join("config.yml"), yaml).unwrap();
        Self(dir)
    }

    fn load(&self, args: &[&str]) -> Result<Config, ConfigErrors> {
        self.load_with(args, None)
    }

    /// With a key in the environment.
    fn load_with(&self, args: &[&str], key: Option<&str>) -> Result<Config, ConfigErrors> {
        let file = format!("--config.file={}", self.0.path().join("config.yml").display());
        load(&[&[file.as_str()], args].concat(), key)
    }

    /// The errors, with the directory left out.
    fn errors(&self, args: &[&str]) -> Vec<String> {
        self.errors_with(args, None)
    }

    fn errors_with(&self, args: &[&str], key: Option<&str>) -> Vec<String> {
        let directory = format!("{}/", self.0.path().display());
        let errors = self.load_with(args, key).map_or_else(|e| e.to_string(), |_| String::new());
        errors.replace(&directory, "").lines().map(str::to_owned).collect()
    }
}

const TWO: &str = "
partners:
  - id: onePA
    api_key_file: KEYS/one
  - id: twoPA
    api_key_file: KEYS/two
    base_url: http://127.0.0.1:1/api
    page_size: 50
    min_rate: 1/min
    max_rate: 5/30s
    strategy: bulk
";

#[test]
fn partners_of_the_file_have_the_flags_settings_but_for_their_own() {
    use secrecy::ExposeSecret as _;
    let config = Files::new(TWO).load(&["--api.page-size=100", "--poll.interval=1m"]).unwrap();
    let partners: Vec<_> = config
        .partners
        .iter()
        .map(|p| {
            let s = &p.settings;
            (p.id.as_str(), s.http.base_url.as_str(), s.page_size, s.min_rate.count, s.max_rate.count, s.poll.strategy)
        })
        .collect();
    assert_eq!(
        partners,
        [
            ("onePA", "https://hub.360dialog.io/api/v2", PageSize::Fixed(100), 10, 10, poller::Strategy::Auto),
            ("twoPA", "http://127.0.0.1:1/api", PageSize::Fixed(50), 1, 5, poller::Strategy::Bulk),
        ]
    );
    let keys: Vec<String> = config.partners.iter().map(|p| p.key.current().expose_secret().to_owned()).collect();
    assert_eq!(keys, ["canary-one", "canary-two"]);
    assert!(config.partners.iter().all(|p| p.settings.poll.interval == Duration::from_secs(60)));
    assert!(config.effective.contains("twoPA") && !config.effective.contains("canary"), "{}", config.effective);
}

#[test]
fn errors_in_the_file_name_the_partner_and_shared_errors_are_reported_once_per_partner() {
    let files = Files::new(
        "
partners:
  - id: onePA
    api_key_file: KEYS/nowhere
    strategy: best
  - id: twoPA
  - id: twoPA
    api_key_file: KEYS/two
    base_url: http://example.org
",
    );
    assert_eq!(
        files.errors(&["--shard=1"]),
        [
            "partner `onePA` in --config.file: --partner.api-key-file: cannot read `nowhere`: No such file or directory (os error 2); write the API key, and only it, into that file",
            "partner `onePA` in --config.file: --poll.strategy: expected `auto`, `per-client` or `bulk`, found `best`",
            "--shard: expected a number from 0 to 0, found `1`; shards are counted from 0",
            "partner `twoPA` in --config.file: id: expected each partner once, found this one twice; remove one",
            "partner `twoPA` in --config.file: --partner.api-key-file: expected `api_key_file`, found nothing; name a file that holds this partner's API key",
            "partner `twoPA` in --config.file: --api.base-url: expected an https URL, because the API key goes there (http is for loopback addresses), found `http://example.org`",
        ]
    );
}

#[test]
fn partners_are_named_either_by_the_flag_or_in_the_file() {
    assert_eq!(
        Files::new(TWO).errors(&["--partner.id=examplePA"]),
        ["--partner.id: expected partners either here or in --config.file, found both; remove one of them"]
    );
}

#[test]
fn keys_of_the_files_partners_are_nowhere_but_in_their_files() {
    let from_flag = "--partner.api-key-file: expected the key file of each partner as `api_key_file` in --config.file, \
                     found another here or in D360_API_KEY_FILE; remove it";
    let from_variable = "D360_API_KEY: expected the key file of each partner as `api_key_file` in --config.file, found a \
                         key here; unset it";
    let both = "--partner.id: expected partners either here or in --config.file, found both; remove one of them";
    let files = Files::new(TWO);
    assert_eq!(files.errors(&["--partner.api-key-file=KEYS/one"]), [from_flag]);
    assert_eq!(files.errors_with(&[], Some("canary-key")), [from_variable]);
    let all = ["--partner.id=examplePA", "--partner.api-key-file=KEYS/one"];
    assert_eq!(files.errors_with(&all, Some("canary-key")), [both, from_flag, from_variable]);
    // A file that can't be read changes nothing about it.
    let report = Files::new("").errors_with(&all, Some("canary-key"));
    assert_eq!(report[1..], [both, from_flag, from_variable]);
    // An empty variable is what some deployments make of one that is not set.
    for empty in ["", " \n"] {
        assert_eq!(files.errors_with(&[], Some(empty)), [""; 0], "{empty:?}");
    }
}

#[test]
fn a_file_of_another_form_is_refused_by_place_and_remedy_without_showing_what_it_holds() {
    let files = [
        "",
        "canary",
        "[]",
        "partners:",
        "partners: []",
        "partners: canary",
        "partners: [canary]",
        "partners: {id: canary}",
        "partners: &canary [*canary]",
        "partners: !canary 1",
        "partners:\n  - api_key_file: canary",
        "partners:\n  - id:\n    api_key_file: canary",
        "partners:\n  - id: onePA\n    api_key: canary",
        "partners:\n  - id: onePA\n    Canary7Key: x",
        "partners:\n  - id: onePA\n    id: canary",
        "partners:\n  - id: onePA\n    Canary7: x\n    Canary7: x",
        "partners:\n  - id: onePA\n    api_key_file: [canary]",
        "partners:\n  - id: [canary]",
        "partners:\n  - id: onePA\n    page_size: {canary: canary}",
        "partners:\n  - id: onePA\npartner: canary",
        "partners:\n  - id: 'canary",
        "\tid: canary",
        "partners: []\n--- canary",
    ];
    let report = files.map(|yaml| format!("{yaml:?}\n  {}", Files::new(yaml).errors(&[]).join("\n  ")));
    for report in &report {
        let (_, errors) = report.split_once('\n').unwrap();
        assert!(!errors.to_lowercase().contains("canary"), "{report}");
    }
    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn a_file_that_cannot_be_read_is_one_error_beside_all_others() {
    assert_eq!(
        load(&["--config.file=/nowhere/config.yml", "--poll.interval=often", "--api.page-size=0"], None)
            .unwrap_err()
            .to_string(),
        "--config.file: cannot read `/nowhere/config.yml`: No such file or directory (os error 2)\n\
         --api.page-size: expected `auto` or a whole number from 1 to 100000, found `0`\n\
         --poll.interval: expected a duration such as `30s`, `5m` or `500ms`, found `often`"
    );
}

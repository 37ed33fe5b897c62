//! A refused key, and the file that may hold another one.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// A key file, with the API that uses it.
struct Keyed {
    _dir: TempDir,
    file: PathBuf,
    fake: Fake,
    api: PartnerApi<Fake>,
    telemetry: Telemetry,
}

/// An API that takes a second for every response and accepts `right` alone; the
/// file holds `old`.
fn keyed(right: &'static str) -> Keyed {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    fs::write(&file, "old\n").unwrap();
    let fake =
        Fake::slow(Duration::from_secs(1), move |sent| if sent.key == right { ok(&json!([])) } else { status(401) });
    let telemetry = Telemetry::new();
    let api = fake.api(ApiKey::from_file(&file).unwrap(), &telemetry);
    Keyed { _dir: dir, file, fake, api, telemetry }
}

impl Keyed {
    async fn read(&self) -> Result<Listing<Channel>, ApiError> {
        self.api.client_channels(&"aCL".into(), Retries::Transient).await
    }

    fn keys(&self) -> Vec<String> {
        self.fake.sent().into_iter().map(|sent| sent.key).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_401_the_key_file_is_read_again_and_another_key_is_tried() {
    let keyed = keyed("new");
    fs::write(&keyed.file, "new\n").unwrap();
    assert!(nothing(keyed.read().await));
    assert_eq!(keyed.keys(), ["old", "new"]);
    assert_eq!(
        counts(&keyed.telemetry),
        ["request_failures{client_channels,unauthorized} 1", "requests{client_channels} 2"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_file_with_the_same_key_is_no_reason_to_try_again() {
    let keyed = keyed("new");
    assert_eq!(keyed.read().await.unwrap_err().reason, Reason::Unauthorized);
    assert_eq!(keyed.keys(), ["old"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_key_that_is_refused_too_is_the_end_of_it() {
    let keyed = keyed("a third");
    fs::write(&keyed.file, "new").unwrap();
    assert_eq!(keyed.read().await.unwrap_err().reason, Reason::Unauthorized);
    assert_eq!(keyed.keys(), ["old", "new"]);
    assert_eq!(
        counts(&keyed.telemetry),
        ["request_failures{client_channels,unauthorized} 2", "requests{client_channels} 2"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_file_that_cannot_be_read_leaves_the_old_key_in_force() {
    let keyed = keyed("new");
    fs::remove_file(&keyed.file).unwrap();
    assert_eq!(keyed.read().await.unwrap_err().reason, Reason::Unauthorized);
    assert_eq!(keyed.read().await.unwrap_err().reason, Reason::Unauthorized);
    assert_eq!(keyed.keys(), ["old", "old"]);
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_under_way_while_the_key_changes_all_try_the_new_one() {
    let keyed = keyed("new");
    let change = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        fs::write(&keyed.file, "new").unwrap();
    };
    let (first, second, ()) = tokio::join!(keyed.read(), keyed.read(), change);
    assert!(nothing(first) && nothing(second));
    assert_eq!(keyed.keys(), ["old", "old", "new", "new"]);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_repeats_the_key_in_its_message_does_not_get_it_into_the_error() {
    for padding in [0, 195] {
        let said = format!("{}key some-key is not valid: some-key", "x".repeat(padding));
        let body = json!({"message": said}).to_string();
        let fake = Fake::script([Ok(Response { status: 401, retry_after: None, body: body.into() })]);
        let (api, _) = api(&fake);
        let failure = api.client_channels(&"aCL".into(), Retries::Transient).await.unwrap_err();
        assert!(!format!("{failure:?}").contains("some"), "{failure:?}");
    }
}

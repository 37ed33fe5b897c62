//! Retries, waits, and what is sent once only.

use super::*;

/// Seconds between one request and the next.
fn gaps(fake: &Fake) -> Vec<f64> {
    let sent = fake.sent();
    sent.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect()
}

fn transport_failure(reason: Reason) -> Result<Response, ApiError> {
    Err(ApiError::new(reason, "as the transport says"))
}

async fn read(fake: &Fake) -> (Result<Listing<Channel>, ApiError>, Telemetry) {
    let (api, telemetry) = api(fake);
    (api.client_channels(&"aCL".into(), Retries::Transient).await, telemetry)
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_tried_twice_more_with_growing_waits() {
    let transient = [
        (status(500), Reason::ServerError),
        (status(503), Reason::ServerError),
        (status(408), Reason::Timeout),
        (transport_failure(Reason::Timeout), Reason::Timeout),
        (transport_failure(Reason::Connect), Reason::Connect),
    ];
    for (response, reason) in transient {
        let fake = Fake::new(move |_| response.clone());
        let (read, telemetry) = read(&fake).await;
        assert_eq!(read.unwrap_err().reason, reason);
        assert_eq!(
            counts(&telemetry),
            [
                format!("request_failures{{client_channels,{reason}}} 3"),
                "requests{client_channels} 3".to_owned(),
                format!("retries{{{reason}}} 2"),
            ]
        );
        let gaps = gaps(&fake);
        assert!((1.0..=2.01).contains(&gaps[0]) && (2.0..=4.01).contains(&gaps[1]), "{gaps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_is_a_success_with_its_failure_counted() {
    let fake = Fake::script([status(502), ok(&json!([channel("x")]))]);
    let (read, telemetry) = read(&fake).await;
    assert_eq!(channel_ids(&read.unwrap()), ["x"]);
    assert_eq!(
        counts(&telemetry),
        ["request_failures{client_channels,server_error} 1", "requests{client_channels} 2", "retries{server_error} 1"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_sending_again_does_not_help_is_sent_once() {
    let lasting = [
        (status(301), Reason::Redirect),
        (status(400), Reason::Other),
        (status(401), Reason::Unauthorized),
        (status(403), Reason::Forbidden),
        (status(404), Reason::NotFound),
        (status(418), Reason::Other),
        (ok(&json!({"data": []})), Reason::Decode),
        (transport_failure(Reason::TooLarge), Reason::TooLarge),
        (transport_failure(Reason::Decode), Reason::Decode),
        (transport_failure(Reason::Other), Reason::Other),
    ];
    for (response, reason) in lasting {
        let fake = Fake::script([response]);
        let (read, telemetry) = read(&fake).await;
        assert_eq!(read.unwrap_err().reason, reason);
        assert_eq!(
            counts(&telemetry),
            [format!("request_failures{{client_channels,{reason}}} 1"), "requests{client_channels} 1".to_owned()]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_429_nothing_is_sent_before_the_time_that_the_api_names() {
    let cases = [
        (Some("7"), 7.0),
        (Some(" 7 "), 7.0),
        (Some("Thu, 01 Jan 2026 00:00:09 GMT"), 9.0),
        // One window of the only documented limit, where nothing is named.
        (None, 30.0),
        (Some("soon"), 30.0),
        (Some("-5"), 30.0),
        // Five minutes at most.
        (Some("86400"), 300.0),
        (Some("Fri, 01 Jan 2027 00:00:00 GMT"), 300.0),
    ];
    for (retry_after, wait) in cases {
        let fake = Fake::script([too_many(retry_after), ok(&json!([]))]);
        let (read, telemetry) = read(&fake).await;
        assert!(nothing(read));
        assert_eq!(gaps(&fake), [wait], "{retry_after:?}");
        assert_eq!(
            counts(&telemetry),
            [
                "request_failures{client_channels,rate_limited} 1",
                "requests{client_channels} 2",
                "retries{rate_limited} 1"
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_429_that_names_a_time_gone_by_costs_no_wait() {
    for retry_after in ["0", "Wed, 31 Dec 2025 23:00:00 GMT"] {
        let fake = Fake::script([too_many(Some(retry_after)), ok(&json!([]))]);
        read(&fake).await.0.unwrap();
        assert!(gaps(&fake)[0] < 0.01, "{:?}", gaps(&fake));
    }
}

#[tokio::test(start_paused = true)]
async fn a_429_that_does_not_end_is_a_failure_after_two_more_tries() {
    let fake = Fake::new(|_| too_many(Some("3")));
    let (read, telemetry) = read(&fake).await;
    let failure = read.unwrap_err();
    assert_eq!(
        (failure.reason, failure.status, failure.retry_after),
        (Reason::RateLimited, Some(429), Some(Duration::from_secs(3)))
    );
    assert_eq!(gaps(&fake), [3.0, 3.0]);
    assert_eq!(
        counts(&telemetry),
        ["request_failures{client_channels,rate_limited} 3", "requests{client_channels} 3", "retries{rate_limited} 2"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_holds_what_changes_and_nothing_else() {
    let fake = Fake::new(|_| ok(&json!({"id": "aCL", "max_channels": 5})));
    let (api, telemetry) = api(&fake);
    let id = ClientId::from("aCL");
    let updates = [
        ClientUpdate { max_channels: Some(5), partner_payload: None },
        ClientUpdate { max_channels: None, partner_payload: Some("tier=\"gold\"".to_owned()) },
        ClientUpdate { max_channels: Some(0), partner_payload: Some(String::new()) },
    ];
    for update in &updates {
        let client = api.update_client(&id, update).await;
        assert_eq!(client, Ok(Client { max_channels: Some(5), ..Client::new("aCL") }));
    }
    assert_eq!(
        fake.lines(),
        [
            r#"PATCH clients/aCL {"max_channels":5}"#,
            r#"PATCH clients/aCL {"partner_payload":"tier=\"gold\""}"#,
            r#"PATCH clients/aCL {"partner_payload":"","max_channels":0}"#,
        ]
    );
    assert_eq!(counts(&telemetry), ["requests{client_update} 3"]);
}

#[tokio::test(start_paused = true)]
async fn an_update_is_sent_once_whatever_comes_back() {
    let responses = [
        (status(500), Reason::ServerError),
        (too_many(None), Reason::RateLimited),
        (transport_failure(Reason::Timeout), Reason::Timeout),
        (status(404), Reason::NotFound),
        (ok(&json!([])), Reason::Decode),
    ];
    for (response, reason) in responses {
        let fake = Fake::script([response]);
        let (api, telemetry) = api(&fake);
        let failure = api.update_client(&"aCL".into(), &ClientUpdate::default()).await.unwrap_err();
        assert_eq!(failure.reason, reason);
        assert_eq!(
            counts(&telemetry),
            [format!("request_failures{{client_update,{reason}}} 1"), "requests{client_update} 1".to_owned()]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_says_what_the_api_said_in_any_of_its_forms() {
    let bodies = [
        (
            json!({"meta": {"success": false, "http_code": 404, "developer_message": "No such client."}}),
            ": No such client.",
        ),
        (json!({"error": "invalid_grant", "error_description": "Wrong password."}), ": Wrong password."),
        (json!({"error": {"message": "Not found"}}), ": Not found"),
        (json!({"error": "unauthorized"}), ": unauthorized"),
        (json!({"message": "two\nlines\u{7}"}), ": twolines"),
        (json!({"meta": {"details": ["a"]}}), ""),
        (json!([]), ""),
        (json!(null), ""),
    ];
    for (body, said) in bodies {
        let fake = Fake::script([Ok(Response { status: 404, retry_after: None, body: body.to_string().into() })]);
        let (read, _) = read(&fake).await;
        let expected = ApiError {
            reason: Reason::NotFound,
            detail: format!("expected status 200, found 404{said}"),
            status: Some(404),
            retry_after: None,
        };
        assert_eq!(read, Err(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_message_is_cut() {
    let body = json!({"message": "\u{e9}".repeat(10_000)}).to_string();
    let fake = Fake::script([Ok(Response { status: 404, retry_after: None, body: body.into() })]);
    let (read, _) = read(&fake).await;
    assert_eq!(read.unwrap_err().detail, format!("expected status 200, found 404: {}", "\u{e9}".repeat(200)));
}

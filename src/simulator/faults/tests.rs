//! Which faults are accepted, and for which requests they fire.

use super::*;

fn set(faults: Value) -> Result<Faults, String> {
    let mut all = Faults::new(1);
    all.replace(&json!({ "faults": faults })).map(|()| all)
}

fn refused(fault: Value) -> String {
    set(json!([fault])).expect_err("the fault should be refused")
}

#[test]
fn an_unknown_kind_is_refused_with_the_known_ones() {
    assert_eq!(
        refused(json!({"kind": "flood"})),
        format!("faults[0]: unknown kind \"flood\"; known kinds: {}", KINDS.join(", "))
    );
    assert!(refused(json!({})).starts_with("faults[0]: unknown kind null"));
}

#[test]
fn every_kind_is_known_by_the_name_that_the_message_gives() {
    let own = json!({"ms": 1, "status": 500, "chunk": 1, "every_ms": 1, "limit": 1, "total": 1, "keep": 1, "mib": 1});
    for kind in KINDS {
        let fields = match *kind {
            "latency" => vec!["ms"],
            "server_error" => vec!["status"],
            "drip" => vec!["chunk", "every_ms"],
            "clamped_pages" => vec!["limit"],
            "wrong_total" => vec!["total"],
            "short_list" => vec!["keep"],
            "huge_body" => vec!["mib"],
            _ => vec![],
        };
        let mut fault = json!({ "kind": kind });
        for field in fields {
            fault[field] = own[field].clone();
        }
        let mut faults = set(json!([fault])).unwrap();
        assert_eq!(faults.fire(Operation::Clients, None).len(), 1, "{kind}");
        fault["colour"] = json!("red");
        assert!(refused(fault).contains("unknown field `colour`"), "{kind}");
    }
}

#[test]
fn values_out_of_range_are_refused() {
    assert_eq!(
        [
            refused(json!({"kind": "hang", "probability": 2})),
            refused(json!({"kind": "hang", "times": -1})),
            refused(json!({"kind": "hang", "operation": "balance"})),
            refused(json!({"kind": "server_error", "status": 200})),
            refused(json!({"kind": "clamped_pages", "limit": 0})),
            refused(json!({"kind": "drip", "chunk": 0, "every_ms": 1})),
        ],
        [
            "faults[0]: probability must be a number from 0 to 1, found 2",
            "faults[0]: times must be a whole number, 0 or more, found -1",
            "faults[0]: operation must be one of clients, client_channels, partner_channels, client_update, \
             found \"balance\"",
            "faults[0]: status must be from 500 to 599, found 200",
            "faults[0]: limit must be 1 or more, found 0",
            "faults[0]: chunk must be 1 or more, found 0",
        ]
    );
}

#[test]
fn a_refused_set_leaves_the_old_one_in_force() {
    let mut faults = set(json!([{"kind": "hang"}])).unwrap();
    assert!(faults.replace(&json!({"faults": [{"kind": "html"}, {"kind": "flood"}]})).is_err());
    assert_eq!(faults.fire(Operation::Clients, None), [Kind::Hang {}]);
}

#[test]
fn a_fault_fires_for_its_operation_and_client_only() {
    let mut faults = set(json!([{"kind": "forbidden", "operation": "client_channels", "client_id": "aCL"}])).unwrap();
    let fired = [
        faults.fire(Operation::ClientChannels, Some("aCL")),
        faults.fire(Operation::ClientChannels, Some("bCL")),
        faults.fire(Operation::ClientUpdate, Some("aCL")),
        faults.fire(Operation::Clients, None),
    ];
    assert_eq!(fired, [vec![Kind::Forbidden {}], vec![], vec![], vec![]]);
}

#[test]
fn times_counts_the_matching_requests() {
    let mut faults = set(json!([{"kind": "hang", "times": 2, "operation": "clients"}])).unwrap();
    let operations = [Operation::Clients, Operation::ClientUpdate, Operation::Clients, Operation::Clients];
    let fired = operations.map(|operation| faults.fire(operation, None).len());
    assert_eq!(fired, [1, 0, 1, 0]);
}

#[test]
fn probability_is_kept_and_repeats() {
    let throws = |faults: &mut Faults| (0..1000).map(|_| faults.fire(Operation::Clients, None).len()).sum::<usize>();
    let one = throws(&mut set(json!([{"kind": "hang", "probability": 0.2}])).unwrap());
    let two = throws(&mut set(json!([{"kind": "hang", "probability": 0.2}])).unwrap());
    assert_eq!(one, two);
    assert!((150..250).contains(&one), "{one} of 1000");
}

#[test]
fn the_set_is_shown_in_the_form_in_which_it_is_given() {
    let given =
        json!([{"kind": "drip", "chunk": 3, "every_ms": 5, "client_id": "aCL", "probability": 0.5, "times": 4}]);
    let faults = set(given.clone()).unwrap();
    assert_eq!(faults.to_value(), json!({ "faults": given }));
}

//! Which faults are accepted, and which requests they meet.

use super::*;
use crate::simulator::operation::Operation;

fn set(faults: Value) -> Result<Faults<Operation>, String> {
    let mut all = Faults::new(1);
    all.replace(&json!({ "faults": faults })).map(|()| all)
}

fn refused(fault: Value) -> String {
    set(json!([fault])).expect_err("the fault should be refused")
}

/// The kinds, from the message about an unknown one.
fn kinds() -> Vec<String> {
    let message = refused(json!({"kind": "?"}));
    let (_, known) = message.split_once("expected one of ").unwrap();
    known.split(", ").map(|kind| kind.trim_matches('`').to_owned()).collect()
}

#[test]
fn an_unknown_kind_is_refused_with_the_known_ones() {
    assert!(
        refused(json!({"kind": "flood"}))
            .starts_with("faults[0]: unknown variant `flood`, expected one of `latency`, ")
    );
    assert_eq!(refused(json!({})), "faults[0]: missing field `kind`");
    assert_eq!(refused(json!(3)), "faults[0]: invalid type: integer `3`, expected struct Fault");
}

#[test]
fn no_kind_accepts_an_unknown_field() {
    let required = json!({"ms": 1, "status": 500, "chunk": 1, "every_ms": 1, "limit": 1, "total": 1, "keep": 1, "mib": 1,
        "by": 1, "reads": 1, "above": 1, "field": "status", "count": 1});
    for kind in kinds() {
        let mut fault = json!({ "kind": kind });
        // Adds what is missing until nothing is.
        while let Err(message) = set(json!([fault])) {
            let (_, missing) = message.split_once("missing field `").expect("only fields are missing");
            let missing = missing.trim_end_matches('`');
            fault[missing] = required[missing].clone();
        }
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
            refused(json!({"kind": "server_error", "status": 200})),
            refused(json!({"kind": "clamped_pages", "limit": 0})),
            refused(json!({"kind": "drip", "chunk": 0, "every_ms": 1})),
        ],
        [
            "faults[0]: probability must be from 0 to 1, found 2",
            "faults[0]: invalid value: integer `-1`, expected u64",
            "faults[0]: status must be from 500 to 599, found 200",
            "faults[0]: invalid value: integer `0`, expected a nonzero usize",
            "faults[0]: invalid value: integer `0`, expected a nonzero usize",
        ]
    );
    let operation = refused(json!({"kind": "hang", "operation": "shoe"}));
    assert!(operation.starts_with("faults[0]: unknown variant `shoe`, expected one of `clients`, "), "{operation}");
}

#[test]
fn a_refused_set_keeps_the_old_one() {
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
fn a_probability_is_kept_and_repeats() {
    let count =
        |faults: &mut Faults<Operation>| (0..1000).map(|_| faults.fire(Operation::Clients, None).len()).sum::<usize>();
    let one = count(&mut set(json!([{"kind": "hang", "probability": 0.2}])).unwrap());
    let two = count(&mut set(json!([{"kind": "hang", "probability": 0.2}])).unwrap());
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

#[test]
fn a_seed_of_its_own_decides_which_requests_a_probability_meets() {
    let met = |seed: Value| {
        let mut faults = Faults::new(1);
        let half = json!([{"kind": "html", "probability": 0.15}, {"kind": "server_error", "status": 500, "probability": 0.15}]);
        faults.replace(&json!({ "faults": half, "seed": seed })).unwrap();
        (0..64).map(|_| faults.fire(Operation::Clients, None).len()).collect::<Vec<_>>()
    };
    assert_eq!(met(json!(5)), met(json!(5)));
    assert_eq!(met(json!(1)), met(Value::Null));
    assert_ne!(met(json!(5)), met(json!(6)));
}

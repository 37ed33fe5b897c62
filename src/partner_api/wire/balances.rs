//! Balances: an array of them, or one by itself. The amount is `total` or
//! `balance`, a number or a text.

use serde_json::Value;

use crate::model::Balance;
use crate::partner_api::{ApiError, Reason};

/// A currency is a code of three letters; anything much longer is none.
const MAX_CURRENCY_BYTES: usize = 16;

/// Reads balances, one per currency, and counts those whose amount is no number. A
/// balance without an amount is not there, and no error.
///
/// # Errors
///
/// [`Reason::Decode`] if the body is no JSON, or JSON of no known shape.
pub fn decode_balances(body: &[u8]) -> Result<(Vec<Balance>, usize), ApiError> {
    let json: Value =
        serde_json::from_slice(body).map_err(|_| ApiError::new(Reason::Decode, "expected a balance, found no JSON"))?;
    let items = match &json {
        Value::Array(items) => items.as_slice(),
        Value::Object(fields) if ["balance", "total", "currency"].iter().any(|key| fields.contains_key(*key)) => {
            std::slice::from_ref(&json)
        }
        _ => return Err(ApiError::new(Reason::Decode, "expected a balance, found JSON of another shape")),
    };
    let (mut balances, mut unreadable): (Vec<Balance>, _) = (Vec::new(), 0);
    for item in items {
        let Some(fields) = item.as_object() else {
            unreadable += 1;
            continue;
        };
        let sent = ["total", "balance"].iter().find_map(|key| fields.get(*key)).filter(|amount| !amount.is_null());
        let Some(sent) = sent else { continue };
        let currency = currency(fields.get("currency"));
        match amount(sent) {
            Some(amount) if balances.iter().all(|known| known.currency != currency) => {
                balances.push(Balance { currency: currency.as_str().into(), amount });
            }
            // The first one of a currency counts.
            Some(_) => {}
            None => unreadable += 1,
        }
    }
    if balances.is_empty() && unreadable > 0 {
        let found = format!("expected a balance, found {unreadable} without a number");
        return Err(ApiError::new(Reason::Decode, found));
    }
    Ok((balances, unreadable))
}

fn amount(sent: &Value) -> Option<f64> {
    let amount = match sent {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    amount.filter(|amount| amount.is_finite())
}

fn currency(sent: Option<&Value>) -> String {
    let text = sent.and_then(Value::as_str).map(str::trim).unwrap_or_default();
    let usable = !text.is_empty() && text.len() <= MAX_CURRENCY_BYTES && !text.contains(char::is_control);
    if usable { text.to_lowercase() } else { "unknown".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The balances as text, and how many could not be read; `None` for an error.
    fn read(body: &str) -> Option<(Vec<String>, usize)> {
        let (balances, unreadable) = decode_balances(body.as_bytes()).ok()?;
        Some((balances.iter().map(|b| format!("{} {}", b.amount, b.currency)).collect(), unreadable))
    }

    fn found(balances: &[&str], unreadable: usize) -> Option<(Vec<String>, usize)> {
        Some((balances.iter().map(|&text| text.to_owned()).collect(), unreadable))
    }

    #[test]
    fn an_array_and_an_object_are_read_numbers_as_text_too() {
        assert_eq!(
            read(r#"[{"currency":"eur","total":12.5},{"currency":"USD","total":"3"}]"#),
            found(&["12.5 eur", "3 usd"], 0)
        );
        assert_eq!(read(r#"{"balance":" 48.15 ","currency":"eur","usage":[]}"#), found(&["48.15 eur"], 0));
        assert_eq!(read("[]"), found(&[], 0));
    }

    #[test]
    fn zero_and_less_are_balances_and_an_absent_one_is_none() {
        assert_eq!(read(r#"{"balance":0,"currency":"eur"}"#), found(&["0 eur"], 0));
        assert_eq!(read(r#"{"balance":-1.5,"currency":"eur"}"#), found(&["-1.5 eur"], 0));
        assert_eq!(read(r#"{"currency":"eur"}"#), found(&[], 0));
        assert_eq!(read(r#"{"balance":null,"currency":"eur"}"#), found(&[], 0));
    }

    #[test]
    fn what_is_no_number_is_counted_and_the_others_are_read() {
        let body =
            r#"[{"currency":"eur","total":"NaN"},{"currency":"usd","total":1},{"currency":"gbp","total":"1e999"},7]"#;
        assert_eq!(read(body), found(&["1 usd"], 3));
        assert_eq!(read(r#"{"balance":"NaN","currency":"eur"}"#), None);
        assert_eq!(read(r#"{"balance":{},"currency":"eur"}"#), None);
    }

    #[test]
    fn a_huge_balance_is_one_and_each_currency_counts_once() {
        assert_eq!(read(r#"{"balance":1e15,"currency":"eur"}"#), found(&["1000000000000000 eur"], 0));
        assert_eq!(read(r#"[{"currency":"eur","total":1},{"currency":"EUR","total":2}]"#), found(&["1 eur"], 0));
    }

    #[test]
    fn a_currency_that_is_none_is_unknown() {
        for currency in ["null", "\"\"", "7", "\"a currency that is very long\""] {
            assert_eq!(read(&format!(r#"{{"balance":1,"currency":{currency}}}"#)), found(&["1 unknown"], 0));
        }
    }

    #[test]
    fn another_shape_is_an_error_and_no_empty_balance() {
        for body in ["{}", "7", "null", r#"{"error":"no"}"#, "<html>", ""] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}

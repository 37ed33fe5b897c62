//! Repairing what the JSON parser refuses a whole document for.
//!
//! Names are cut to a length somewhere on their way, by bytes or by UTF-16
//! units, and an emoji at the cut leaves half a character. A number may be
//! larger than any float. One value is not worth a page.
//!
//! Never here: documents that are no JSON. They stay refused.

use std::borrow::Cow;

/// What stands for half a character, as an escape.
const REPLACEMENT: &[u8] = br"\ufffd";

/// Length of an escape `\uXXXX`.
const ESCAPE: usize = 6;

/// The body with everything repaired, or `None` if there is nothing to repair.
pub(super) fn body(body: &[u8]) -> Option<Vec<u8>> {
    let texts = texts(body).map_or(Cow::Borrowed(body), Cow::Owned);
    match (numbers(&texts), texts) {
        (Some(repaired), _) | (None, Cow::Owned(repaired)) => Some(repaired),
        (None, Cow::Borrowed(_)) => None,
    }
}

/// The body with U+FFFD for every half character, or `None` if there is none:
/// bytes that are no UTF-8, and escaped surrogates without their other half.
fn texts(body: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(body);
    let bytes = text.as_bytes();
    let mut repaired = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(start) = rest.iter().position(|&b| b == b'\\') {
        let (before, escape) = rest.split_at(start);
        repaired.extend_from_slice(before);
        let (written, length) = match unit(escape) {
            Some(0xd800..0xdc00) if matches!(unit(&escape[ESCAPE..]), Some(0xdc00..0xe000)) => {
                (&escape[..2 * ESCAPE], 2 * ESCAPE)
            }
            Some(0xd800..0xe000) => (REPLACEMENT, ESCAPE),
            Some(_) => (&escape[..ESCAPE], ESCAPE),
            // An escaped backslash does not begin the next escape.
            None => (&escape[..escape.len().min(2)], escape.len().min(2)),
        };
        repaired.extend_from_slice(written);
        rest = &escape[length..];
    }
    repaired.extend_from_slice(rest);
    (repaired != body).then_some(repaired)
}

/// The body with every number that is larger than any float as a text, which is
/// an unknown value then, or `None` if there is none.
fn numbers(body: &[u8]) -> Option<Vec<u8>> {
    let mut repaired = Vec::with_capacity(body.len() + 2);
    let mut rest = body;
    while let Some(start) = rest.iter().position(|b| matches!(b, b'"' | b'-' | b'0'..=b'9')) {
        let (before, token) = rest.split_at(start);
        repaired.extend_from_slice(before);
        let length = if token[0] == b'"' { text_length(token) } else { number_length(token) };
        let (token, after) = token.split_at(length);
        if is_too_large(token) {
            repaired.push(b'"');
            repaired.extend_from_slice(token);
            repaired.push(b'"');
        } else {
            repaired.extend_from_slice(token);
        }
        rest = after;
    }
    repaired.extend_from_slice(rest);
    (repaired.len() != body.len()).then_some(repaired)
}

/// Length of the text, quotes included, that `bytes` begin with.
fn text_length(bytes: &[u8]) -> usize {
    // The quote at the beginning ends nothing.
    let mut escaped = true;
    let end = bytes.iter().position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(bytes.len(), |end| end + 1)
}

/// Length of what `bytes` begin with that can only be a number.
fn number_length(bytes: &[u8]) -> usize {
    let of_numbers = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    bytes.iter().position(|byte| !of_numbers(byte)).unwrap_or(bytes.len())
}

fn is_too_large(token: &[u8]) -> bool {
    let text = std::str::from_utf8(token);
    // What is skipped is checked for its form and not for its size.
    text.is_ok_and(|text| text.parse().is_ok_and(f64::is_infinite))
        && serde_json::from_slice::<serde::de::IgnoredAny>(token).is_ok()
}

/// The UTF-16 unit of the escape that `text` begins with.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(br"\u")?.get(..4).filter(|d| d.iter().all(u8::is_ascii_hexdigit))?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn repaired(body: &str) -> Option<String> {
        texts(body.as_bytes()).map(|repaired| String::from_utf8(repaired).unwrap())
    }

    #[test]
    fn halves_of_characters_are_replaced_and_whole_ones_stay() {
        let cases = [
            (r#""\ud83d""#, Some(r#""\ufffd""#)),
            (r#""\ude00""#, Some(r#""\ufffd""#)),
            (r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\uD83Dx\uDE00""#, Some(r#""\ufffdx\ufffd""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\u00e9 \n \" \\ud83d \u12""#, None),
            (r#""\\\ud83d""#, Some(r#""\\\ufffd""#)),
            (r"\", None),
        ];
        for (body, expected) in cases {
            assert_eq!(repaired(body).as_deref(), expected, "{body}");
        }
        assert_eq!(texts(b"\"\xf0\x9f\x98\"").as_deref(), Some("\"\u{fffd}\"".as_bytes()));
    }

    #[test]
    fn numbers_become_texts_only_where_no_float_can_hold_them() {
        let cases = [
            ("1e999", Some(r#""1e999""#)),
            ("[-1E+999,1e-999,1e308]", Some(r#"["-1E+999",1e-999,1e308]"#)),
            (r#"{"1e999":"1e999","a\\":1e999,"\"1e999":1}"#, Some(r#"{"1e999":"1e999","a\\":"1e999","\"1e999":1}"#)),
            ("1e9999999999999999999", Some(r#""1e9999999999999999999""#)),
            ("[1,-2.5e3,18446744073709551616]", None),
            ("1e", None),
            ("--1e999", None),
            ("[1.e999,01e999]", None),
            (r#""1e999"#, None),
            ("", None),
        ];
        for (body, expected) in cases {
            let repaired = numbers(body.as_bytes()).map(|repaired| String::from_utf8(repaired).unwrap());
            assert_eq!(repaired.as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn all_that_is_broken_is_repaired_together() {
        let repaired = |text: &str| body(text.as_bytes()).map(|repaired| String::from_utf8(repaired).unwrap());
        assert_eq!(repaired(r#"["\ud83d",1e999]"#).as_deref(), Some(r#"["\ufffd","1e999"]"#));
        assert_eq!(repaired(r#"["\ud83d",1]"#).as_deref(), Some(r#"["\ufffd",1]"#));
        assert_eq!(repaired(r#"["a",1e999]"#).as_deref(), Some(r#"["a","1e999"]"#));
        assert_eq!(repaired(r#"["a",1]"#), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_repair_and_a_second_repair_changes_nothing(
            bytes: Vec<u8>,
            pieces in "(\\\\|u|d8|de|3d|00|\"|-|1|e999|,){0,40}",
        ) {
            for broken in [&bytes[..], pieces.as_bytes()] {
                if let Some(repaired) = body(broken) {
                    prop_assert_eq!(body(&repaired), None);
                }
            }
        }
    }
}

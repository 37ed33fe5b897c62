//! The text format's small change: escaping and numbers.

/// Appends a label value, escaped as both the text format and OpenMetrics want
/// it: backslash, double quote and line feed.
pub(super) fn push_label_value(out: &mut Vec<u8>, value: &str) {
    let bytes = value.as_bytes();
    let mut copied = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        let escaped: &[u8] = match byte {
            b'\\' => b"\\\\",
            b'"' => b"\\\"",
            b'\n' => b"\\n",
            _ => continue,
        };
        out.extend_from_slice(&bytes[copied..i]);
        out.extend_from_slice(escaped);
        copied = i + 1;
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// What a value that was cut ends in.
const ELLIPSIS: &str = "…";

/// Appends `name="value"`, and cuts a value of more than `max` bytes at a
/// character; the `…` that it then ends in is within them. True if it was cut.
pub(super) fn push_label_within(out: &mut Vec<u8>, name: &str, value: &str, max: usize) -> bool {
    if value.len() <= max {
        push_label(out, name, value);
        return false;
    }
    let end = value.floor_char_boundary(max.saturating_sub(ELLIPSIS.len()));
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    push_label_value(out, &value[..end]);
    out.extend_from_slice(ELLIPSIS.as_bytes());
    out.push(b'"');
    true
}

/// Appends `name="value"`.
pub(super) fn push_label(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    push_label_value(out, value);
    out.push(b'"');
}

/// Appends a sample value.
pub(super) fn push_float(out: &mut Vec<u8>, value: f64) {
    if value == f64::INFINITY {
        out.extend_from_slice(b"+Inf");
    } else if value == f64::NEG_INFINITY {
        out.extend_from_slice(b"-Inf");
    } else {
        out.extend_from_slice(value.to_string().as_bytes());
    }
}

/// Appends a whole sample value.
pub(super) fn push_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(value: &str) -> String {
        let mut out = Vec::new();
        push_label_value(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    /// Reads a label value back, by the grammar and not by our code.
    fn unescaped(text: &str) -> String {
        let mut value = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            assert!(c != '"' && c != '\n', "{text:?} is not one label value");
            value.push(match c {
                '\\' => match chars.next() {
                    Some('n') => '\n',
                    Some(c @ ('\\' | '"')) => c,
                    other => panic!("unknown escape {other:?}"),
                },
                c => c,
            });
        }
        value
    }

    #[test]
    fn quotes_backslashes_and_line_feeds_are_escaped() {
        assert_eq!(escaped("a\"b\\c\nd\\n é 日本"), r#"a\"b\\c\nd\\n é 日本"#);
    }

    #[test]
    fn a_value_is_cut_at_a_character_and_ends_in_an_ellipsis_within_the_bound() {
        let cut = |value: &str, max| {
            let mut out = Vec::new();
            let was_cut = push_label_within(&mut out, "a", value, max);
            (String::from_utf8(out).unwrap(), was_cut)
        };
        assert_eq!(cut("1234567", 7), (r#"a="1234567""#.to_owned(), false));
        assert_eq!(cut("12345678", 7), (r#"a="1234…""#.to_owned(), true));
        assert_eq!(cut("ééééé", 8), (r#"a="éé…""#.to_owned(), true));
        assert_eq!(cut(r#""""""""""#, 6), (r#"a="\"\"\"…""#.to_owned(), true));
    }

    proptest! {
        #[test]
        fn every_label_value_survives_a_round_trip(value: String) {
            prop_assert_eq!(unescaped(&escaped(&value)), value);
        }
    }
}

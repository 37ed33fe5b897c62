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

    proptest! {
        #[test]
        fn every_label_value_survives_a_round_trip(value: String) {
            prop_assert_eq!(unescaped(&escaped(&value)), value);
        }
    }
}

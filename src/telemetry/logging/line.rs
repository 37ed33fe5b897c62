//! One log line: an event as logfmt or JSON, with the keys that Prometheus' own
//! programs use.
//!
//! Quoted text is escaped as JSON does, which is what go-logfmt reads: no line
//! break, no character that moves a cursor or turns the direction of writing gets
//! into a line. Every text passes [`redact`] first.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::Format;
use crate::model::Timestamp;
use crate::redaction::{is_invisible, redact};

/// A line that is being written.
#[derive(Debug)]
pub(super) struct Line {
    format: Format,
    text: String,
}

impl Line {
    /// A line with its time, to the millisecond, its level and its message.
    pub(super) fn new(format: Format, at: Timestamp, level: Level, message: &str) -> Self {
        let mut line = Self { format, text: String::with_capacity(256) };
        if format == Format::Json {
            line.text.push('{');
        }
        line.push_text("time", &at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"));
        line.push_text("level", level.as_str());
        line.push_text("msg", message);
        line
    }

    /// The line of an event.
    pub(super) fn of(format: Format, at: Timestamp, event: &Event<'_>) -> Self {
        let mut message = Message(String::new());
        event.record(&mut message);
        let mut line = Self::new(format, at, *event.metadata().level(), &message.0);
        event.record(&mut Fields(&mut line));
        line
    }

    /// Adds a text.
    pub(super) fn push_text(&mut self, key: &str, text: &str) {
        let text = redact(text);
        self.push_key(key);
        if self.format == Format::Json || needs_quotes(&text) {
            push_quoted(&mut self.text, &text);
        } else {
            self.text.push_str(&text);
        }
    }

    /// Adds a number or a truth value.
    pub(super) fn push_plain(&mut self, key: &str, value: impl fmt::Display) {
        self.push_key(key);
        // Writing to a string does not fail.
        let _ = write!(self.text, "{value}");
    }

    /// The whole line, with its end.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str(if self.format == Format::Json { "}\n" } else { "\n" });
        self.text
    }

    fn push_key(&mut self, key: &str) {
        let first = matches!(self.text.as_str(), "" | "{");
        match self.format {
            Format::Logfmt => {
                if !first {
                    self.text.push(' ');
                }
                self.text.push_str(key);
                self.text.push('=');
            }
            Format::Json => {
                if !first {
                    self.text.push(',');
                }
                push_quoted(&mut self.text, key);
                self.text.push(':');
            }
        }
    }
}

/// Whether a logfmt value would not be read as it is.
fn needs_quotes(text: &str) -> bool {
    text.is_empty() || text.chars().any(|c| matches!(c, ' ' | '=' | '"' | '\\') || is_invisible(c))
}

/// Writes a JSON string in which every character can be seen.
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_invisible(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The field that `tracing` keeps an event's message in.
const MESSAGE: &str = "message";

/// Takes the message of an event.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == MESSAGE {
            self.0 = format!("{value:?}");
        }
    }
}

/// Takes everything else of an event.
struct Fields<'l>(&'l mut Line);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != MESSAGE {
            self.0.push_text(field.name(), &format!("{value:?}"));
        }
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() != MESSAGE {
            self.0.push_text(field.name(), value);
        }
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push_plain(field.name(), value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push_plain(field.name(), value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push_plain(field.name(), value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for the others.
        if value.is_finite() {
            self.0.push_plain(field.name(), value);
        } else {
            self.0.push_text(field.name(), &value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(format: Format, message: &str, fields: &[(&str, &str)]) -> String {
        let at = "2026-01-02T03:04:05.006789Z".parse().unwrap();
        let mut line = Line::new(format, at, Level::WARN, message);
        fields.iter().for_each(|(key, text)| line.push_text(key, text));
        line.push_plain("n", 7);
        line.finish()
    }

    #[test]
    fn a_line_has_the_keys_and_the_casing_of_prometheus() {
        let fields = [("client", "aCL"), ("name", "Ä \"b\" \\ c"), ("none", "")];
        assert_eq!(
            line(Format::Logfmt, "cannot read", &fields),
            "time=2026-01-02T03:04:05.006Z level=WARN msg=\"cannot read\" client=aCL name=\"Ä \\\"b\\\" \\\\ c\" none=\"\" n=7\n"
        );
        assert_eq!(
            line(Format::Json, "cannot read", &fields),
            "{\"time\":\"2026-01-02T03:04:05.006Z\",\"level\":\"WARN\",\"msg\":\"cannot read\",\"client\":\"aCL\",\"name\":\"Ä \\\"b\\\" \\\\ c\",\"none\":\"\",\"n\":7}\n"
        );
    }

    #[test]
    fn characters_that_nobody_sees_are_escaped_as_json_does() {
        let hidden = "\n\r\t\u{1b}[31m\u{7f}\u{9b}'\u{202e}\u{200b}\u{feff}\u{2028}\u{e0041}";
        let escaped = r#""\n\r\t\u001b[31m\u007f\u009b'\u202e\u200b\ufeff\u2028\udb40\udc41""#;
        for format in [Format::Logfmt, Format::Json] {
            let line = line(format, "x", &[("name", hidden)]);
            assert!(line.contains(escaped), "{line}");
        }
    }

    /// Decodes a line as go-logfmt's scanner does, and fails where it fails.
    fn decode(line: &str) -> Result<Vec<(String, String)>, String> {
        let mut rest = line.trim_end_matches('\n');
        let mut pairs = Vec::new();
        while !rest.is_empty() {
            rest = rest.trim_start_matches(|c: char| c <= ' ');
            let end = rest.find(|c: char| c <= ' ' || c == '=' || c == '"').unwrap_or(rest.len());
            let (key, behind) = rest.split_at(end);
            let behind = behind.strip_prefix('=').ok_or_else(|| format!("no value at {rest:?}"))?;
            let end = if let Some(quoted) = behind.strip_prefix('"') {
                let mut escaped = false;
                let end = quoted.find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                });
                end.ok_or("unterminated quoted value")? + 2
            } else {
                let end = behind.find(|c: char| c <= ' ').unwrap_or(behind.len());
                if behind[..end].contains(['=', '"']) {
                    return Err(format!("unexpected character in {behind:?}"));
                }
                end
            };
            let (value, behind) = behind.split_at(end);
            let value = if value.starts_with('"') {
                serde_json::from_str::<String>(value).map_err(|e| e.to_string())?
            } else {
                value.to_owned()
            };
            pairs.push((key.to_owned(), value));
            rest = behind;
        }
        Ok(pairs)
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_a_line(message in any::<String>(), text in any::<String>()) {
            let logfmt = line(Format::Logfmt, &message, &[("name", &text)]);
            prop_assert_eq!(logfmt.matches('\n').count(), 1);
            prop_assert!(!logfmt.trim_end().chars().any(is_invisible));
            let pairs = decode(&logfmt).unwrap();
            let expected = [("time", "2026-01-02T03:04:05.006Z"), ("level", "WARN"), ("msg", &*message), ("name", &*text), ("n", "7")];
            prop_assert_eq!(pairs, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
            let json: serde_json::Value = serde_json::from_str(&line(Format::Json, &message, &[("name", &text)])).unwrap();
            prop_assert_eq!((&json["msg"], &json["name"], &json["n"]), (&message.into(), &text.into(), &7.into()));
        }
    }
}

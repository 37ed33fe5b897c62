//! Texts for people: what cannot be seen made visible, long names shortened,
//! spans of time and counts in words.

use std::borrow::Cow;
use std::time::Duration;

/// A text whose every character is seen: control characters, which could command
/// a terminal, those that turn the direction of writing or take no width, which
/// could make one name look like another, are written as escapes.
///
/// The two joiners stay: emoji and several scripts are written with them.
///
/// ```
/// use d360_exporter::view::visible;
///
/// assert_eq!(visible("Bakery\u{1b}[2J"), "Bakery\\u{1b}[2J");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return text.into();
    }
    let mut seen = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_hidden(c) {
            seen.extend(c.escape_default());
        } else {
            seen.push(c);
        }
    }
    seen.into()
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// At most `max` characters of a text, the last of them `…` if it was longer.
///
/// ```
/// use d360_exporter::view::shortened;
///
/// assert_eq!(shortened("Bakery One", 7), "Bakery…");
/// ```
pub fn shortened(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max || text.chars().count() <= max {
        return text.into();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect::<String>().into()
}

/// A span of time for people, in its two largest units: `45 s`, `5 min`,
/// `2 h 5 min`, `3 d 4 h`.
///
/// ```
/// use std::time::Duration;
/// use d360_exporter::view::span;
///
/// assert_eq!(span(Duration::from_secs(7_530)), "2 h 5 min");
/// ```
pub fn span(span: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = span.as_secs();
    let two = |large: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {small_unit}"),
    };
    match seconds {
        0 if !span.is_zero() => format!("{} ms", span.as_millis()),
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        _ => two(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
    }
}

/// A count with a comma between each three digits.
///
/// ```
/// use d360_exporter::view::thousands;
///
/// assert_eq!(thousands(1_234_567), "1,234,567");
/// ```
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_escapes_and_emoji_stay() {
        let hostile = "a\u{1b}]0;title\u{7}b\u{9b}31mc\u{202e}d\r\n\te\u{0}f\u{200b}\u{feff}g";
        assert_eq!(visible(hostile), r"a\u{1b}]0;title\u{7}b\u{9b}31mc\u{202e}d\r\n\te\u{0}f\u{200b}\u{feff}g");
        assert_eq!(visible("👩‍👩‍👧 Café"), "👩‍👩‍👧 Café");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(shortened("Café", 4), "Café");
        assert_eq!(shortened("Cafés", 4), "Caf…");
        assert_eq!(shortened("ab", 1), "…");
    }

    #[test]
    fn a_span_has_its_two_largest_units() {
        let spans = [0, 12, 1_999, 61_000, 3_600_000, 3_660_000, 86_400_000 + 3_661_000];
        let spans = spans.map(|millis| span(Duration::from_millis(millis)));
        assert_eq!(spans, ["0 s", "12 ms", "1 s", "1 min", "1 h", "1 h 1 min", "1 d 1 h"]);
    }

    #[test]
    fn counts_are_grouped_by_three_digits() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}

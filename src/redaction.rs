//! The one place that takes API keys out of text.
//!
//! A key comes in through one door ([`crate::partner_api`]'s `ApiKey`), which also
//! registers it here. Whatever could repeat it passes [`redact`] on its way: every
//! string of a response before it becomes a name, an id, a label value or a line
//! of the state file; every log line; every error that a command prints.
//!
//! A server, a proxy or a person can write a key in more than one way. So what is
//! compared is not the text but its letters: without control characters, blanks
//! and characters that nobody sees, percent-decoded, in lower case. The key itself
//! and its base64 and hexadecimal forms are looked for in that.
//!
//! Never here: where keys come from, and how text is escaped.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};

/// What stands in a key's place.
pub const REDACTED: &str = "[redacted]";

/// Keys of fewer characters are not looked for: they would be found in ordinary
/// words, and nothing could be read any more.
const SHORTEST_KEY: usize = 8;

/// Keys that are remembered, the latest ones: a key that was replaced may still be
/// repeated by a server.
const MOST_KEYS: usize = 1024;

/// How often a text is percent-decoded: proxies encode what is encoded already.
const DECODINGS: usize = 3;

/// All keys of this process.
static KEYS: RwLock<Keys> = RwLock::new(Keys { keys: Vec::new(), redactor: None });

struct Keys {
    keys: Vec<SecretString>,
    /// Made when it is first needed after a key came.
    redactor: Option<Arc<Redactor>>,
}

/// Registers a key, to be taken out of everything from now on.
pub fn register(key: &SecretString) {
    let mut known = KEYS.write().unwrap_or_else(PoisonError::into_inner);
    if known.keys.iter().any(|other| other.expose_secret() == key.expose_secret()) {
        return;
    }
    if known.keys.len() == MOST_KEYS {
        known.keys.remove(0);
    }
    known.keys.push(key.clone());
    known.redactor = None;
}

/// The text with [`REDACTED`] in place of every key of this process.
pub fn redact(text: &str) -> Cow<'_, str> {
    if text.len() < SHORTEST_KEY {
        return Cow::Borrowed(text);
    }
    let ready = KEYS.read().unwrap_or_else(PoisonError::into_inner).redactor.clone();
    let redactor = ready.unwrap_or_else(|| {
        let mut known = KEYS.write().unwrap_or_else(PoisonError::into_inner);
        let keys = &known.keys;
        let made = Arc::new(Redactor::new(keys.iter().map(|key| key.expose_secret())));
        known.redactor = Some(made.clone());
        made
    });
    redactor.redact(text)
}

/// Whether a character changes how text looks without being seen itself: control
/// characters (C0, DEL, C1), line separators, zero-width characters, and those
/// that change the direction of writing.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Takes some keys out of texts. It shows none of them.
pub struct Redactor {
    forms: Option<AhoCorasick>,
    /// No text with fewer bytes holds a key.
    shortest: usize,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor of these keys.
    pub fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let forms: Vec<Vec<u8>> = keys.filter(|key| key.len() >= SHORTEST_KEY).flat_map(forms).collect();
        let shortest = forms.iter().map(Vec::len).min().unwrap_or(usize::MAX);
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms);
        // It can only be too large, and then a part of it is no help.
        let forms = if forms.is_empty() { None } else { automaton.ok() };
        Self { forms, shortest }
    }

    /// The text with [`REDACTED`] in place of every key.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(forms) = self.forms.as_ref().filter(|_| text.len() >= self.shortest) else {
            return Cow::Borrowed(text);
        };
        // A `%` that stands before a key by chance would take its first letters
        // along, so that every stage of decoding is looked at.
        let mut letters = letters(text);
        let mut found = spans(forms, &letters);
        for _ in 0..DECODINGS {
            if !percent_decode(&mut letters) {
                break;
            }
            found.extend(spans(forms, &letters));
        }
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.sort_unstable();
        let mut redacted = String::new();
        let mut copied = 0;
        for (start, end) in found {
            if start >= copied {
                redacted.push_str(&text[copied..start]);
                redacted.push_str(REDACTED);
            }
            copied = copied.max(end);
        }
        redacted.push_str(&text[copied..]);
        Cow::Owned(redacted)
    }
}

/// Where keys stand in a text.
fn spans(forms: &AhoCorasick, letters: &[Letter]) -> Vec<(usize, usize)> {
    let bytes: Vec<u8> = letters.iter().map(|letter| letter.byte).collect();
    forms.find_iter(&bytes).map(|found| (letters[found.start()].start, letters[found.end() - 1].end)).collect()
}

/// The ways in which a key is written, as [`letters`].
fn forms(key: &str) -> Vec<Vec<u8>> {
    let hexadecimal = || key.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut written = vec![key.to_owned(), hexadecimal()];
    // Behind up to two other bytes base64 looks different. Its first and last
    // characters may belong to what stands beside the key, and are left out.
    for before in 0..3 {
        let padded = [&vec![0; before][..], key.as_bytes()].concat();
        for encoded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            let (start, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
            written.push(encoded[start..end].to_owned());
        }
    }
    // A key with a `%` in it is decoded with what stands around it.
    let mut stages: Vec<Vec<Letter>> = written.iter().map(|form| letters(form)).collect();
    let mut decoded = stages.clone();
    decoded.retain_mut(percent_decode);
    stages.extend(decoded);
    let mut forms: Vec<Vec<u8>> = stages.iter().map(|form| form.iter().map(|letter| letter.byte).collect()).collect();
    forms.retain(|form: &Vec<u8>| form.len() >= SHORTEST_KEY);
    forms.sort();
    forms.dedup();
    forms
}

/// A byte to compare, and where it stands in the text.
#[derive(Debug, Clone, Copy)]
struct Letter {
    byte: u8,
    start: usize,
    end: usize,
}

/// The text as it is compared. Keys are ASCII, so that any other character is as
/// good as any.
fn letters(text: &str) -> Vec<Letter> {
    let seen = text.char_indices().filter(|(_, c)| !is_invisible(*c) && !c.is_whitespace());
    seen.map(|(start, c)| {
        let byte = if c.is_ascii() { (c as u8).to_ascii_lowercase() } else { u8::MAX };
        Letter { byte, start, end: start + c.len_utf8() }
    })
    .collect()
}

/// Puts one byte in the place of `%41`. Whether there was any.
fn percent_decode(letters: &mut Vec<Letter>) -> bool {
    let hex = |letter: Letter| char::from(letter.byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut from, mut to) = (0, 0);
    while from < letters.len() {
        let mut letter = letters[from];
        let mut taken = 1;
        if letter.byte == b'%'
            && let [high, low, ..] = letters[from + 1..]
            && let Some((high, digit)) = hex(high).zip(hex(low))
        {
            letter = Letter { byte: (high * 16 + digit).to_ascii_lowercase(), start: letter.start, end: low.end };
            taken = 3;
        }
        // Encoded line breaks and blanks do not separate letters of a key.
        if taken == 1 || !(letter.byte.is_ascii_control() || letter.byte == b' ') {
            letters[to] = letter;
            to += 1;
        }
        from += taken;
    }
    let any = to < letters.len();
    letters.truncate(to);
    any
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "Canary7Key+InThe/CoalMine%41";

    fn redacted(text: &str) -> String {
        Redactor::new([KEY].into_iter()).redact(text).into_owned()
    }

    #[test]
    fn a_key_is_redacted_however_it_is_written() {
        let percent: String = KEY.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let hexadecimal: String = KEY.bytes().map(|byte| format!("{byte:02X}")).collect();
        let forms = [
            KEY.to_owned(),
            KEY.to_uppercase(),
            KEY.to_lowercase(),
            KEY.replace("Key", "K\ne\u{7}y"),
            KEY.replace("Key", "K\u{200b}e\u{202e}\u{feff}y"),
            KEY.replace("In", "\r\n  In"),
            KEY.replace("In", "%0d%0aIn"),
            KEY.replace('+', "%2B").replace('/', "%2f").replace("%41", "%2541"),
            percent.replace('%', "%25"),
            format!("%{KEY}"),
            format!("%4{KEY}"),
            percent,
            hexadecimal,
        ];
        for form in forms {
            let before = form.strip_suffix(KEY).unwrap_or_default();
            let expected = format!("before {before}[redacted] behind");
            assert_eq!(redacted(&format!("before {form} behind")), expected, "{form:?}");
        }
    }

    #[test]
    fn a_key_in_base64_is_redacted_wherever_it_begins() {
        for before in ["", "u", "us", "user:"] {
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let encoded = engine.encode(format!("{before}{KEY} and more"));
                let result = redacted(&encoded);
                assert!(result.contains(REDACTED), "{before}: {result}");
                // At most the bits of one character at each end are left.
                let (_, behind) = result.split_once(REDACTED).unwrap();
                assert!(!engine.encode(KEY)[..].contains(&behind[..behind.len().min(4)]), "{result}");
            }
        }
    }

    #[test]
    fn text_without_a_key_stays_as_it_is() {
        for text in ["", "Canary7", "a name with \n and %41%zz% and ünïcödé \u{202e}", "Canary7Key+InThe/CoalMine%4"]
        {
            assert!(matches!(Redactor::new([KEY].into_iter()).redact(text), Cow::Borrowed(same) if same == text));
            assert!(matches!(Redactor::new(std::iter::empty()).redact(text), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn a_key_as_short_as_a_word_is_not_looked_for() {
        assert_eq!(Redactor::new(["status"].into_iter()).redact("status: fine"), "status: fine");
    }

    #[test]
    fn nothing_of_a_key_is_shown_by_a_redactor() {
        assert_eq!(format!("{:?}", Redactor::new([KEY].into_iter())), "Redactor { .. }");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_redacted_once_stays(before in ".{0,40}", behind in ".{0,40}") {
            let once = redacted(&format!("{before}{KEY}{behind}"));
            prop_assert!(once.contains(REDACTED));
            prop_assert_eq!(&redacted(&once), &once);
        }
    }
}

//! Finding channels and clients by what a person knows of them: a part of a name
//! in any case and with or without accents, a number, an id.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// As it was typed, without white space around it.
    text: String,
    /// Its words, folded; all of them must be found.
    words: Vec<String>,
    /// The digits alone, if it could be a number: people write numbers with a
    /// plus, spaces and dashes, the API writes them without.
    digits: Option<String>,
}

impl Search {
    /// A search for a text.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_number = !digits.is_empty() && text.chars().all(|c| c.is_ascii_digit() || " +-()/.".contains(c));
        Self {
            text: text.to_owned(),
            words: folded(text).split_whitespace().map(str::to_owned).collect(),
            digits: is_number.then_some(digits),
        }
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether something with these names and ids, and this number, is what is
    /// looked for. `number` is what may be shown of it: more of it must not be
    /// found out by searching.
    pub fn finds<'a>(&self, texts: impl Iterator<Item = &'a str> + Clone, number: &str) -> bool {
        if self.digits.as_ref().is_some_and(|digits| number.contains(digits)) {
            return true;
        }
        self.words.iter().all(|word| texts.clone().any(|text| contains_folded(text, word)))
    }
}

/// Whether a text holds a folded word.
fn contains_folded(text: &str, word: &str) -> bool {
    if text.is_ascii() {
        let (text, word) = (text.as_bytes(), word.as_bytes());
        return word.is_empty() || text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    }
    folded(text).contains(word)
}

/// A text in lower case, without accents: `Größe` is `grosse`, `ÄÖ` is `ao`.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            c if is_combining_mark(c) => {}
            c => folded.push(c),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, number: &str) -> bool {
        let texts = ["ÖKO <b>Brot</b>", "Bäckerei Größe & Söhne", "Café İzmir Łódź", "ch0001CH", "aaa111CL"];
        Search::new(text).finds(texts.into_iter(), number)
    }

    #[test]
    fn a_channel_is_found_by_parts_of_words_in_any_case_with_or_without_accents() {
        for text in ["öko", "OKO", "BROT", "<b>", "größe & s", "grosse sohne", "cafe izmir", "lodz", "AAA111", " brot "]
        {
            assert!(found(text, "4930123456"), "{text:?}");
        }
        for text in ["brott", "ch0002", "öko kuchen"] {
            assert!(!found(text, "4930123456"), "{text:?}");
        }
    }

    #[test]
    fn a_number_is_found_however_it_is_written_and_only_as_far_as_it_is_shown() {
        for text in ["4930123456", "+49 30 123-456", "(30) 123", "3456"] {
            assert!(found(text, "4930123456"), "{text:?}");
        }
        assert!(found("3456", "3456"));
        for (text, shown) in [("123456", "3456"), ("3456", ""), ("+", "4930123456"), ("49 3O", "4930123456")] {
            assert!(!found(text, shown), "{text:?} in {shown:?}");
        }
    }
}

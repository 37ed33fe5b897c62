//! Finding channels by what a person knows of them: a name, a number, an id.

use crate::fleet::Listed;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    /// As it was typed, without white space around it.
    text: String,
    /// In lower case: names match whatever their case is.
    folded: String,
    /// The digits alone, if it could be a number: people write them with a
    /// plus, spaces and dashes, the API without.
    digits: Option<String>,
}

impl Search {
    /// The search in the query of an address: its `q`.
    pub(super) fn of_query(query: &str) -> Self {
        let q = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "q");
        Self::new(&q.map(|(_, text)| text).unwrap_or_default())
    }

    fn new(text: &str) -> Self {
        let text = text.trim();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_number = !digits.is_empty() && text.chars().all(|c| c.is_ascii_digit() || " +-()/.".contains(c));
        Self { text: text.to_owned(), folded: text.to_lowercase(), digits: is_number.then_some(digits) }
    }

    /// As it was typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether anything is looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether a channel is what is looked for. `number` is what may be shown of
    /// its number: more of it must not be found out by searching.
    pub(super) fn finds(&self, listed: &Listed, number: &str) -> bool {
        let Listed { client, channel, .. } = listed;
        let texts = [
            channel.display_name.as_deref(),
            client.name.as_deref(),
            Some(channel.id.as_str()),
            Some(client.id.as_str()),
        ];
        texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&self.folded))
            || self.digits.as_ref().is_some_and(|digits| number.contains(digits))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Channel, Client};

    fn found(text: &str, number: &str) -> bool {
        let client = Client { name: Some("Bäckerei Größe & Söhne".into()), ..Client::new("aaa111CL") };
        let channel = Channel { display_name: Some("ÖKO <b>Brot</b>".into()), ..Channel::new("ch0001CH") };
        let listed = Listed { client: Arc::new(client), channel: Arc::new(channel), changed_at: None };
        Search::new(text).finds(&listed, number)
    }

    #[test]
    fn a_channel_is_found_by_parts_of_names_and_ids_in_any_case() {
        for text in ["öko", "BROT", "<b>", "größe & s", "AAA111", "ch0001ch", "  brot "] {
            assert!(found(text, "4930123456"), "{text:?}");
        }
        for text in ["brott", "ch0002", "öko brot"] {
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

    #[test]
    fn a_query_is_read_as_forms_send_it() {
        let texts = ["", "q=", "q=+%2B49+30+", "p=1&q=%C3%B6ko&q=2", "q=%ff"].map(|query| Search::of_query(query).text);
        assert_eq!(texts, ["", "", "+49 30", "öko", "\u{fffd}"]);
    }
}

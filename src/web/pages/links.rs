//! Addresses of pages, relative to the page that holds them, so that they work
//! below any path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::view::Query;

/// What needs no escape in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The way from a page to the root.
pub(super) fn root(depth: usize) -> &'static str {
    match depth {
        0 => "./",
        1 => "../",
        _ => "../../",
    }
}

/// The page of a client.
pub(super) fn client(root: &str, id: &str) -> String {
    format!("{root}clients/{}", segment(id))
}

/// The page of a channel.
pub(super) fn channel(root: &str, id: &str) -> String {
    format!("{root}channels/{}", segment(id))
}

/// A page with a query.
pub(super) fn with(page: &str, query: &Query) -> String {
    let text = query.to_text();
    if text.is_empty() { page.to_owned() } else { format!("{page}?{text}") }
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_whatever_it_holds() {
        assert_eq!(client("../", "a/b?c#d %é"), "../clients/a%2Fb%3Fc%23d%20%25%C3%A9");
        assert_eq!(channel("./", "x1CH"), "./channels/x1CH");
    }
}

//! Mending texts that were cut inside a character.
//!
//! Names are cut to a length somewhere on their way, by bytes or by UTF-16
//! units, and an emoji at the cut leaves half a character. The JSON parser
//! refuses the whole document for it; one name is not worth a page.

/// What stands for half a character, as an escape.
const REPLACEMENT: &[u8] = br"\ufffd";

/// Length of an escape `\uXXXX`.
const ESCAPE: usize = 6;

/// The body with U+FFFD for every half character, or `None` if there is none:
/// bytes that are no UTF-8, and escaped surrogates without their other half.
pub(super) fn texts(body: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(body);
    let bytes = text.as_bytes();
    let mut mended = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(start) = rest.iter().position(|&b| b == b'\\') {
        let (before, escape) = rest.split_at(start);
        mended.extend_from_slice(before);
        let (written, length) = match unit(escape) {
            Some(0xd800..0xdc00) if matches!(unit(&escape[ESCAPE..]), Some(0xdc00..0xe000)) => {
                (&escape[..2 * ESCAPE], 2 * ESCAPE)
            }
            Some(0xd800..0xe000) => (REPLACEMENT, ESCAPE),
            Some(_) => (&escape[..ESCAPE], ESCAPE),
            // An escaped backslash does not begin the next escape.
            None => (&escape[..escape.len().min(2)], escape.len().min(2)),
        };
        mended.extend_from_slice(written);
        rest = &escape[length..];
    }
    mended.extend_from_slice(rest);
    (mended != body).then_some(mended)
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

    fn mended(body: &str) -> Option<String> {
        texts(body.as_bytes()).map(|mended| String::from_utf8(mended).unwrap())
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
            assert_eq!(mended(body).as_deref(), expected, "{body}");
        }
        assert_eq!(texts(b"\"\xf0\x9f\x98\"").as_deref(), Some("\"\u{fffd}\"".as_bytes()));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_mending_and_mending_twice_is_mending_once(body: Vec<u8>, escapes in "(\\\\|u|d8|de|3d|00|\"){0,40}") {
            for body in [&body[..], escapes.as_bytes()] {
                if let Some(mended) = texts(body) {
                    prop_assert_eq!(texts(&mended), None);
                }
            }
        }
    }
}

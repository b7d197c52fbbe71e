//! Names and section ids as people write them: as they are shown, with bytes
//! that do not print as `\x00`.

use crate::Usage;
use ais::Name;

/// The name that is meant.
pub(super) fn name(text: &str) -> Result<Name, Usage> {
    Name::new(&bytes(text)?).map_err(|error| Usage(format!("\"{text}\": {error}")))
}

/// The bytes that are meant.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Usage> {
    let mut rest = text.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        let (byte, used) = match (first, after) {
            (b'\\', [b'x', high, low, ..]) => {
                let digit = |digit: &u8| char::from(*digit).to_digit(16);
                match (digit(high), digit(low)) {
                    // Two digits make a byte.
                    (Some(high), Some(low)) => ((high * 16 + low) as u8, 4),
                    _ => return Err(wrong(text)),
                }
            }
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [same @ (b'\\' | b'\'' | b'"'), ..]) => (*same, 2),
            (b'\\', _) => return Err(wrong(text)),
            (byte, _) => (*byte, 1),
        };
        bytes.push(byte);
        rest = &rest[used..];
    }
    Ok(bytes)
}

fn wrong(text: &str) -> Usage {
    let text = text.escape_debug();
    Usage(format!("\"{text}\": after a backslash comes x and two hex digits, n, r, t or \\"))
}

/// How bytes are shown.
pub(super) fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_given_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes(&shown(&all)), Ok(all));
        assert_eq!(bytes("a b/é"), Ok("a b/é".as_bytes().to_vec()));
        for text in ["\\", "\\x", "\\x0", "\\x0g", "\\xé", "\\q", "a\\"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert!(name(&"n".repeat(257)).is_err());
    }
}

//! Names, section ids, paths and texts as people write and see them: with what
//! does not print as `\x00` or `\u{1b}`.

use ais_client::Name;
use std::ffi::OsStr;
use std::fs::FileType;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// A word of the command line, for people.
pub(crate) fn quoted(word: &OsStr) -> String {
    format!("\"{}\"", word.to_string_lossy().escape_debug())
}

/// The name that is meant.
///
/// # Errors
/// What is wrong with it, in words; [`bytes`] too.
pub(crate) fn name(word: &OsStr) -> Result<Name, String> {
    Name::new(&bytes(word)?).map_err(|error| format!("{}: {error}", quoted(word)))
}

/// The bytes that are meant.
pub(crate) fn bytes(word: &OsStr) -> Result<Vec<u8>, String> {
    let mut rest = word.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        let (byte, used) = match (first, after) {
            (b'\\', [b'x', high, low, ..]) => {
                let digit = |digit: &u8| char::from(*digit).to_digit(16);
                match (digit(high), digit(low)) {
                    // Two digits make a byte.
                    (Some(high), Some(low)) => ((high * 16 + low) as u8, 4),
                    _ => return Err(wrong(word)),
                }
            }
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [same @ (b'\\' | b'\'' | b'"'), ..]) => (*same, 2),
            (b'\\', _) => return Err(wrong(word)),
            (byte, _) => (*byte, 1),
        };
        bytes.push(byte);
        rest = &rest[used..];
    }
    Ok(bytes)
}

fn wrong(word: &OsStr) -> String {
    format!("{}: after a backslash comes x and two hex digits, n, r, t, \\, \' or \"", quoted(word))
}

/// How bytes are shown.
pub(crate) fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// A text that others composed, so that no terminal takes it for a command.
/// Names in it are escaped already and stay as they are.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '"' | '\'' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// Some of what there is, and where to see the rest.
pub(crate) fn some_of(names: impl Iterator<Item = String>, rest: &str) -> String {
    const SHOWN: usize = 8;
    let names: Vec<_> = names.collect();
    match names.len() {
        0 => "none".into(),
        1..=SHOWN => names.join(", "),
        count => {
            format!("{} and {} more; see {rest}", names[..SHOWN].join(", "), count - SHOWN)
        }
    }
}

/// A path for people.
pub(crate) fn path(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// What kind of file one is.
pub(crate) fn kind(file: FileType) -> &'static str {
    match file {
        _ if file.is_dir() => "a directory",
        _ if file.is_file() => "a regular file",
        _ if file.is_fifo() => "a FIFO",
        _ if file.is_socket() => "a socket",
        _ if file.is_symlink() => "a symbolic link",
        _ => "a device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_given_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes(OsStr::new(&shown(&all))), Ok(all.clone()));
        assert_eq!(bytes(OsStr::new("a b/é")), Ok("a b/é".as_bytes().to_vec()));
        // Also when it was not escaped.
        let raw: Vec<u8> = all.into_iter().filter(|byte| *byte != b'\\').collect();
        assert_eq!(bytes(OsStr::from_bytes(&raw)), Ok(raw.clone()));
        for text in ["\\", "\\x", "\\x0", "\\x0g", "\\xé", "\\q", "a\\"] {
            assert!(bytes(OsStr::new(text)).is_err(), "{text}");
        }
        assert!(name(OsStr::new(&"n".repeat(256))).is_ok());
        assert!(name(OsStr::new(&"n".repeat(257))).is_err());
    }

    #[test]
    fn texts_of_others_command_no_terminal() {
        let text = "unit \"a\" is\x1b[2J\u{9b}31m \u{202e}gone\n";
        let shown = printable(text);
        assert_eq!(printable(&shown), shown);
        assert_eq!(shown, "unit \"a\" is\\u{1b}[2J\\u{9b}31m \\u{202e}gone\\n");
    }
}

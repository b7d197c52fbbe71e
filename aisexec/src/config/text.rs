//! What both file formats share: lines, numbers, names, and how a message
//! quotes what a file contains.

use ais_wire::{MAX_NAME_LENGTH, Name};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// The most characters of a value that a message repeats.
const QUOTED: usize = 60;

/// Words longer than this are not compared with the known ones.
const LONGEST_WORD: usize = 40;

/// What some editors put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of a file with their numbers, from 1. A last line counts with or
/// without its newline.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let empty = text.is_empty();
    body.split(|&byte| byte == b'\n')
        .enumerate()
        .filter(move |_| !empty)
        .map(|(i, line)| (i + 1, line))
}

/// Splits at the first `separator`, blanks around both parts removed.
pub(super) fn split_at(line: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|&byte| byte == separator)?;
    Some((line[..at].trim_ascii(), line[at + 1..].trim_ascii()))
}

/// The bytes in backticks, safe to print and of bounded length.
pub(super) fn quote(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(QUOTED * 4)]);
    let mut quoted: String = text.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTED).is_some() {
        quoted.push_str("...");
    }
    format!("`{quoted}`")
}

/// A whole number of `range`; `unit` (with a leading blank, or empty) is for
/// the message only.
pub(super) fn number<T>(value: &[u8], range: RangeInclusive<T>, unit: &str) -> Result<T, String>
where
    T: TryFrom<u64> + PartialOrd + Display,
{
    digits(value).and_then(|n| T::try_from(n).ok()).filter(|n| range.contains(n)).ok_or_else(|| {
        let (low, high) = (range.start(), range.end());
        format!("{} is not valid; give a whole number from {low} to {high}{unit}", quote(value))
    })
}

/// A number of bytes, with an optional suffix k, m or g (powers of 1024).
pub(super) fn size(value: &[u8], range: RangeInclusive<u64>) -> Result<u64, String> {
    let (count, factor) = match value.split_last() {
        Some((b'k' | b'K', count)) => (count, 1 << 10),
        Some((b'm' | b'M', count)) => (count, 1 << 20),
        Some((b'g' | b'G', count)) => (count, 1 << 30),
        _ => (value, 1),
    };
    digits(count).and_then(|n| n.checked_mul(factor)).filter(|n| range.contains(n)).ok_or_else(
        || {
            let (low, high) = (range.start(), range.end());
            format!(
                "{} is not valid; give a number of bytes from {low} to {high}, or of k, m or g \
             (1k is 1024 bytes)",
                quote(value)
            )
        },
    )
}

/// The number these digits make; `None` if it is none or too large.
fn digits(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |n, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        n.checked_mul(10)?.checked_add(digit)
    })
}

/// A name as the API can carry it: 1 to 256 bytes, none of them a control
/// character (which is an editing accident, and invisible in a message).
pub(super) fn name(value: &[u8]) -> Result<Name, String> {
    if value.is_empty() {
        return Err("the name is empty; give 1 to 256 bytes".into());
    }
    if value.iter().any(u8::is_ascii_control) {
        return Err(format!("{} contains a control character; remove it", quote(value)));
    }
    Name::new(value).map_err(|_| {
        let length = value.len();
        format!("{} has {length} bytes; a name has 1 to {MAX_NAME_LENGTH}", quote(value))
    })
}

/// The known word that is most like `word`, if one is alike enough to have
/// been meant.
pub(super) fn nearest<'a>(
    word: &[u8],
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if word.len() > LONGEST_WORD {
        return None;
    }
    let by_distance = known.into_iter().map(|k| (distance(word, k.as_bytes()), k));
    let (distance, best) = by_distance.min_by_key(|(distance, _)| *distance)?;
    (distance <= best.len() / 3 + 1 && distance < best.len()).then_some(best)
}

/// How many insertions, removals and replacements lead from `a` to `b`
/// (Levenshtein), case ignored.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(!x.eq_ignore_ascii_case(y));
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

//! Keys, and the text that holds them: one line for each, the first to send with and
//! all to receive with.

use std::fmt;
use zeroize::Zeroizing;

/// Keys in a file at most.
pub const MAX_KEYS: usize = 8;
/// How a line with a key begins.
const WORD: &str = "aisexec-key";
/// Bytes of a secret.
const SECRET: usize = 32;

/// What a key is called, in logs and on the wire. It says nothing of the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub u32);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What all nodes of a cluster know and nobody else. Its secret is wiped when it is
/// dropped, and is shown only by [`Key::to_line`].
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    id: KeyId,
    secret: Zeroizing<[u8; SECRET]>,
}

impl Key {
    /// A key of this name with this secret, which is drawn at random.
    #[must_use]
    pub fn new(id: KeyId, secret: [u8; SECRET]) -> Self {
        Self { id, secret: Zeroizing::new(secret) }
    }

    /// What the key is called.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn secret(&self) -> &[u8; SECRET] {
        &self.secret
    }

    /// The line of a key file: the word `aisexec-key`, the name, the secret and a
    /// checksum, in hexadecimal digits.
    #[must_use]
    pub fn to_line(&self) -> Zeroizing<String> {
        let mut line = Zeroizing::new(format!("{WORD} {} ", self.id));
        for byte in self.secret.iter() {
            *line += &format!("{byte:02x}");
        }
        let sum = crc32fast::hash(line.as_bytes());
        *line += &format!(" {sum:08x}");
        line
    }

    fn from_line(line: &str) -> Result<Self, String> {
        let mut words = line.split_ascii_whitespace();
        let found = [words.next(), words.next(), words.next(), words.next(), words.next()];
        let [Some(WORD), Some(id), Some(secret), Some(sum), None] = found else {
            return Err(format!(
                "this is no key; a key is the word {WORD}, 8 digits of a name, 64 of a secret and \
                 8 of a checksum, as `aisctl keygen` writes it"
            ));
        };
        let is_hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (id, secret) = match (id.len(), secret.len()) {
            (8, 64) if is_hex(id) && is_hex(secret) => (id, secret),
            (8, length) if is_hex(id) && is_hex(secret) => {
                return Err(format!("the secret of key {id} has {length} digits; it has 64"));
            }
            _ => return Err("the name or the secret is not of hexadecimal digits".into()),
        };
        let mut bytes = Zeroizing::new([0; SECRET]);
        for (byte, digits) in bytes.iter_mut().zip(secret.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).unwrap_or_default();
            *byte = u8::from_str_radix(digits, 16).unwrap_or_default();
        }
        let id = KeyId(u32::from_str_radix(id, 16).unwrap_or_default());
        let key = Self { id, secret: bytes };
        let line = key.to_line();
        if line.rsplit(' ').next().is_some_and(|right| right.eq_ignore_ascii_case(sum)) {
            Ok(key)
        } else {
            Err(format!("the checksum of key {id} is wrong: the line was changed; copy it anew"))
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", self.id)
    }
}

/// The keys of a file, one at least: the first to send with, all to receive with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys(Vec<Key>);

/// What is wrong with the text of a key file. It shows nothing of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub what: String,
}

impl Keys {
    /// One key.
    #[must_use]
    pub fn one(key: Key) -> Self {
        Self(vec![key])
    }

    /// Reads a key file. What follows a `#` is a comment.
    ///
    /// # Errors
    /// The first [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut keys: Vec<Key> = Vec::new();
        let mut last = 1;
        for (line, text) in (1..).zip(text.lines()) {
            last = line;
            let text = text.split('#').next().unwrap_or_default().trim();
            if text.is_empty() {
                continue;
            }
            let key = Key::from_line(text).map_err(|what| KeyError { line, what })?;
            if keys.iter().any(|other| other.id == key.id) {
                let what = format!("key {} is there a second time; remove one line", key.id);
                return Err(KeyError { line, what });
            }
            if keys.len() == MAX_KEYS {
                let what = format!("there are more than {MAX_KEYS} keys; remove old ones");
                return Err(KeyError { line, what });
            }
            keys.push(key);
        }
        if keys.is_empty() {
            let what = "there is no key; `aisctl keygen` writes a file with one".into();
            return Err(KeyError { line: last, what });
        }
        Ok(Self(keys))
    }

    /// The key to send with.
    #[must_use]
    pub fn first(&self) -> &Key {
        &self.0[0]
    }

    /// All keys, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    /// What the keys are called, in the order of the file.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.0.iter().map(Key::id)
    }

    pub(crate) fn get(&self, id: KeyId) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u32) -> Key {
        Key::new(KeyId(id), std::array::from_fn(|place| place as u8 * 7))
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let text =
            format!("# of the cluster\n\n{} # old\n{}\n", *key(1).to_line(), *key(2).to_line());
        let keys = Keys::parse(&text).unwrap();
        assert_eq!(keys, Keys(vec![key(1), key(2)]));
        assert_eq!(keys.first(), &key(1));
        assert!(keys.ids().eq([KeyId(1), KeyId(2)]));
        assert_eq!(keys.get(KeyId(2)), Some(&key(2)));
        assert_eq!(keys.get(KeyId(3)), None);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let good = key(0xab).to_line();
        let secret = good.split(' ').nth(2).unwrap().to_owned();
        let cases = [
            (String::new(), 1, "there is no key"),
            ("# nothing\n\n".into(), 2, "there is no key"),
            ("hello".into(), 1, "this is no key"),
            (format!("{} more", *good), 1, "this is no key"),
            (good.replace("000000ab", "000000ac"), 1, "the checksum of key 000000ac is wrong"),
            (good.replacen("07", "08", 1), 1, "the checksum of key 000000ab is wrong"),
            (good.replacen("00070e", "0007", 1), 1, "has 62 digits"),
            (good.replacen("00070e", "0007zz", 1), 1, "hexadecimal"),
            (format!("{}\n\n{}", *good, *good), 3, "a second time"),
        ];
        for (text, line, what) in cases {
            let error = Keys::parse(&text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.what.contains(what), "{text}: {}", error.what);
            assert!(!error.what.contains(&secret[6..]), "{}", error.what);
        }
        let many: String = (0..9).map(|id| format!("{}\n", *key(id).to_line())).collect();
        assert!(Keys::parse(&many).unwrap_err().what.contains("more than 8"));
        assert_eq!(format!("{:?}", key(0xab)), "key 000000ab");
    }
}

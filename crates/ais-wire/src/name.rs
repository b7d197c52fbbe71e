//! Counted names, as `SaNameT` has them: bytes and a length, no terminator.

use std::fmt;

/// The longest name in bytes (`SA_MAX_NAME_LENGTH`, A.01.01 `SaNameT`).
pub const MAX_NAME_LENGTH: usize = 256;

/// A name of at most [`MAX_NAME_LENGTH`] bytes. Names are equal when all their
/// bytes are; NUL is a byte like any other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Name(Box<[u8]>);

/// The bytes offered as a name are more than [`MAX_NAME_LENGTH`]; no name was
/// made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameTooLong;

impl Name {
    /// The name made of these bytes.
    ///
    /// # Errors
    /// [`NameTooLong`] if there are more than [`MAX_NAME_LENGTH`].
    pub fn new(bytes: &[u8]) -> Result<Self, NameTooLong> {
        if bytes.len() > MAX_NAME_LENGTH {
            return Err(NameTooLong);
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes of the name.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&str> for Name {
    type Error = NameTooLong;

    fn try_from(text: &str) -> Result<Self, NameTooLong> {
        Self::new(text.as_bytes())
    }
}

/// Bytes that do not print are escaped, so a name is safe in a log line.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl fmt::Display for NameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a name has at most {MAX_NAME_LENGTH} bytes")
    }
}

impl std::error::Error for NameTooLong {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_bytes_and_print_safely() {
        let name = Name::new(b"abra\0").unwrap();
        assert_ne!(name, Name::try_from("abra").unwrap());
        assert_eq!(name.to_string(), "abra\\x00");
        assert!(Name::new(&[b'n'; 256]).is_ok());
        assert_eq!(Name::new(&[b'n'; 257]), Err(NameTooLong));
    }
}

//! The ciphers, and how the keys of a boot follow from the key of the cluster.

use crate::Key;
use crate::header::{Boot, VERSION};
use ais_wire::NodeId;
use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;
use std::fmt;

/// Bytes that show that a datagram is as it was sealed.
pub(crate) const TAG: usize = 16;

/// How a datagram is encrypted and authenticated, in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cipher {
    /// The faster one where all processors have instructions for it.
    Aes256Gcm,
    ChaCha20Poly1305,
}

impl Cipher {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::ChaCha20Poly1305 => 2,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Aes256Gcm),
            2 => Some(Self::ChaCha20Poly1305),
            _ => None,
        }
    }

    fn algorithm(self) -> &'static aead::Algorithm {
        match self {
            Self::Aes256Gcm => &aead::AES_256_GCM,
            Self::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }
}

/// What one boot of a node seals with, under one key of the cluster and one cipher.
pub(crate) struct BootKey(LessSafeKey);

impl BootKey {
    /// The key of a boot of `sender` (HKDF with SHA-256, [RFC 5869]): the boot is the
    /// salt, so that no two starts share a key, and with it a number.
    pub(crate) fn new(key: &Key, cipher: Cipher, sender: NodeId, boot: &Boot) -> Self {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, boot);
        let info = [b"aisexec", &[VERSION, cipher.code()][..], &sender.address().octets()];
        let derived = salt.extract(key.secret());
        // It fails only for a length that no cipher has.
        match derived.expand(&info, cipher.algorithm()) {
            Ok(bytes) => Self(LessSafeKey::new(UnboundKey::from(bytes))),
            Err(_) => unreachable!("a key of this length can be derived"),
        }
    }

    /// Encrypts the bytes of `datagram` from `body` on and puts the tag behind them.
    /// What is before them, and `ends`, are bound to them.
    pub(crate) fn seal(&self, nonce: [u8; 12], ends: [u8; 8], body: usize, datagram: &mut Vec<u8>) {
        let bound = bound(&datagram[..body], ends);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = datagram.get_mut(body..).unwrap_or_default();
        // It fails only for a length that no datagram has.
        if let Ok(tag) = self.0.seal_in_place_separate_tag(nonce, Aad::from(bound), plain) {
            datagram.extend_from_slice(tag.as_ref());
        } else {
            datagram.clear();
        }
    }

    /// What is sealed in `body`, which it is decrypted in place of; `None` if it was
    /// not sealed so.
    pub(crate) fn open<'a>(
        &self,
        nonce: [u8; 12],
        (header, ends): (&[u8], [u8; 8]),
        body: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place(nonce, Aad::from(bound(header, ends)), body).ok().map(|plain| &*plain)
    }
}

impl fmt::Debug for BootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BootKey")
    }
}

fn bound(header: &[u8], ends: [u8; 8]) -> [u8; crate::header::HEADER + 8] {
    let mut bound = [0; crate::header::HEADER + 8];
    let (first, last) = bound.split_at_mut(crate::header::HEADER);
    first.copy_from_slice(header);
    last.copy_from_slice(&ends);
    bound
}

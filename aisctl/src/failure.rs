//! Why a command came to nothing.

use ais_client::AisError;
use std::io;

/// Why a command came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line, in words.
    Usage(String),
    /// The executive, or the way to it.
    Ais(AisError),
    /// Standard output.
    Output(io::Error),
    /// Anything else, in words.
    Words(String),
}

impl From<AisError> for Failure {
    fn from(error: AisError) -> Self {
        Self::Ais(error)
    }
}

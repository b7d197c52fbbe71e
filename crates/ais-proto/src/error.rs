//! The errors of the API.

use crate::numbers::numbered;
use std::fmt::{self, Write as _};

numbered! {
    /// Every value of `SaErrorT` but `SA_OK`, with its number (A.01.01, and
    /// `SECURITY`, which openais added).
    pub enum AisError {
        /// The connection to the executive is gone or makes no sense.
        Library = 2,
        /// Not a version that this library serves.
        Version = 3,
        /// The callback that the call needs was not given at Initialize.
        Init = 4,
        /// No answer in time; whether the call took effect is not known.
        Timeout = 5,
        /// Not possible now, nothing was done; try again.
        TryAgain = 6,
        /// A parameter is wrong.
        InvalidParam = 7,
        /// No memory.
        NoMemory = 8,
        /// Not a handle, or not any more.
        BadHandle = 9,
        /// In use.
        Busy = 10,
        /// The handle was not opened for this.
        Access = 11,
        /// There is no such thing.
        NotExist = 12,
        /// The name is too long.
        NameTooLong = 13,
        /// There is such a thing already.
        Exist = 14,
        /// A limit of a checkpoint or of the executive is reached.
        NoSpace = 15,
        /// Interrupted.
        Interrupt = 16,
        /// The operating system failed.
        System = 17,
        /// No such name.
        NameNotFound = 18,
        /// Another resource is used up.
        NoResources = 19,
        /// Not supported.
        NotSupported = 20,
        /// Not allowed in this state.
        BadOperation = 21,
        /// The operation failed.
        FailedOperation = 22,
        /// A message went wrong.
        MessageError = 23,
        /// There is no message.
        NoMessage = 24,
        /// A queue is full.
        QueueFull = 25,
        /// A queue is not there.
        QueueNotAvailable = 26,
        /// The section is corrupted.
        BadCheckpoint = 27,
        /// The flags are wrong.
        BadFlags = 28,
        /// The process may not use the executive.
        Security = 29,
    }
}

/// The name that C programs know it by, for people: `SA_ERR_NO_SPACE`.
impl fmt::Display for AisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SA_ERR")?;
        for letter in format!("{self:?}").chars() {
            if letter.is_ascii_uppercase() {
                f.write_char('_')?;
            }
            f.write_char(letter.to_ascii_uppercase())?;
        }
        Ok(())
    }
}

impl std::error::Error for AisError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_names_of_the_headers() {
        assert_eq!(AisError::NoSpace.to_string(), "SA_ERR_NO_SPACE");
        assert_eq!(AisError::QueueNotAvailable.to_string(), "SA_ERR_QUEUE_NOT_AVAILABLE");
        assert_eq!(AisError::Security.to_string(), "SA_ERR_SECURITY");
        let boxed: Box<dyn std::error::Error> = AisError::TryAgain.into();
        assert_eq!(boxed.to_string(), "SA_ERR_TRY_AGAIN");
    }
}

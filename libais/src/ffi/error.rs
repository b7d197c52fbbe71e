//! From the errors of the library to the return values of C.

use super::types::SaErrorT;
use ais_client::AisError;

/// What a function returns.
pub(super) fn to_c(result: Result<(), AisError>) -> SaErrorT {
    let Err(error) = result else { return SaErrorT::SA_OK };
    match error {
        AisError::Library => SaErrorT::SA_ERR_LIBRARY,
        AisError::Version => SaErrorT::SA_ERR_VERSION,
        AisError::Init => SaErrorT::SA_ERR_INIT,
        AisError::Timeout => SaErrorT::SA_ERR_TIMEOUT,
        AisError::TryAgain => SaErrorT::SA_ERR_TRY_AGAIN,
        AisError::InvalidParam => SaErrorT::SA_ERR_INVALID_PARAM,
        AisError::NoMemory => SaErrorT::SA_ERR_NO_MEMORY,
        AisError::BadHandle => SaErrorT::SA_ERR_BAD_HANDLE,
        AisError::Busy => SaErrorT::SA_ERR_BUSY,
        AisError::Access => SaErrorT::SA_ERR_ACCESS,
        AisError::NotExist => SaErrorT::SA_ERR_NOT_EXIST,
        AisError::NameTooLong => SaErrorT::SA_ERR_NAME_TOO_LONG,
        AisError::Exist => SaErrorT::SA_ERR_EXIST,
        AisError::NoSpace => SaErrorT::SA_ERR_NO_SPACE,
        AisError::Interrupt => SaErrorT::SA_ERR_INTERRUPT,
        AisError::System => SaErrorT::SA_ERR_SYSTEM,
        AisError::NameNotFound => SaErrorT::SA_ERR_NAME_NOT_FOUND,
        AisError::NoResources => SaErrorT::SA_ERR_NO_RESOURCES,
        AisError::NotSupported => SaErrorT::SA_ERR_NOT_SUPPORTED,
        AisError::BadOperation => SaErrorT::SA_ERR_BAD_OPERATION,
        AisError::FailedOperation => SaErrorT::SA_ERR_FAILED_OPERATION,
        AisError::MessageError => SaErrorT::SA_ERR_MESSAGE_ERROR,
        AisError::NoMessage => SaErrorT::SA_ERR_NO_MESSAGE,
        AisError::QueueFull => SaErrorT::SA_ERR_QUEUE_FULL,
        AisError::QueueNotAvailable => SaErrorT::SA_ERR_QUEUE_NOT_AVAILABLE,
        AisError::BadCheckpoint => SaErrorT::SA_ERR_BAD_CHECKPOINT,
        AisError::BadFlags => SaErrorT::SA_ERR_BAD_FLAGS,
        AisError::Security => SaErrorT::SA_ERR_SECURITY,
    }
}

/// The same for calls that must not say "try again": close, stop, unregister.
/// Nothing was done, and a program that takes the call for final learns it.
pub(super) fn never_try_again(result: Result<(), AisError>) -> Result<(), AisError> {
    result.map_err(|error| if error == AisError::TryAgain { AisError::Timeout } else { error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_keeps_its_number() {
        for number in 2..=29 {
            let error = AisError::from_number(number).unwrap();
            assert_eq!(to_c(Err(error)) as u32, number);
        }
        assert_eq!(to_c(Ok(())) as u32, 1);
    }
}

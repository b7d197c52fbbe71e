//! How people call the administrative operations of AMF and the states they lead to.

use ais_client::admin::{AdminState, Operation};

/// The operations, by the verb of the command.
pub(crate) const OPERATIONS: [(&str, Operation); 5] = [
    ("lock", Operation::Lock),
    ("unlock", Operation::Unlock),
    ("shutdown", Operation::Shutdown),
    ("switch-over", Operation::SwitchOver),
    ("repaired", Operation::Repaired),
];

/// An administrative state for people.
pub(crate) fn admin_word(admin: AdminState) -> &'static str {
    match admin {
        AdminState::Unlocked => "unlocked",
        AdminState::ShuttingDown => "shut-down",
        AdminState::Locked => "locked",
    }
}

/// An operation for people.
pub(crate) fn operation_word(operation: Operation) -> &'static str {
    let found = OPERATIONS.iter().find(|(_, of)| *of == operation);
    found.map_or("", |(word, _)| word)
}

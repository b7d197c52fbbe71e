//! What a node says of itself when a view begins.

use crate::Config;
use ais_wire::{Name, methods, record};

record! {
    /// What a node says of itself.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct Record {
        pub(crate) name: Name,
        pub(crate) cluster: Name,
        /// When its host was booted, in nanoseconds since the epoch.
        pub(crate) boot_timestamp: i64,
    }
}

methods!(pub(crate) Record);

impl Record {
    /// The record of the node with this configuration.
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            name: config.node_name.clone(),
            cluster: config.cluster_name.clone(),
            boot_timestamp: config.boot_timestamp,
        }
    }
}

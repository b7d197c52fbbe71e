//! The identity of a view.

use crate::{NodeId, methods, record};
use std::fmt;

record! {
    /// Which view: no two views of a cluster ever have the same.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct ViewId {
        /// Grows with every view at every member. Two sides of a partition may
        /// count alike.
        pub number: u64,
        /// The lowest member.
        pub representative: NodeId,
    }
}

methods!(pub ViewId);

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.representative, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reader, Writer};

    #[test]
    fn a_view_is_its_number_and_then_its_lowest_member() {
        let view = ViewId { number: 258, representative: NodeId::new([10, 0, 0, 7].into()) };
        let mut out = Writer::new();
        view.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(bytes, [2, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 7]);
        assert_eq!(ViewId::decode(&mut Reader::new(&bytes)), Ok(view));
        assert_eq!(view.to_string(), "10.0.0.7.258");
    }
}

//! Enums and flags whose values have the numbers of the C headers.

/// Defines an enum with numbers, and the way back from a number.
macro_rules! numbered {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $value:ident = $number:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $value = $number,)* }

        impl $name {
            /// The value with this number, if there is one.
            #[must_use]
            pub fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$value),)*
                    _ => None,
                }
            }

            /// The number of the value in the C headers.
            #[must_use]
            pub fn number(self) -> u32 {
                self as u32
            }

            /// Reads a value by its number (one byte).
            ///
            /// # Errors
            /// `DecodeError::Invalid` if there is none with that number.
            pub fn decode(input: &mut ais_wire::Reader<'_>) -> Result<Self, ais_wire::DecodeError> {
                Self::from_number(u32::from(input.u8()?)).ok_or(ais_wire::DecodeError::Invalid)
            }
        }

        impl ais_wire::Wire<'_> for $name {
            fn put(&self, out: &mut ais_wire::Writer) {
                out.u8(*self as u8);
            }

            fn take(input: &mut ais_wire::Reader<'_>) -> Result<Self, ais_wire::DecodeError> {
                Self::decode(input)
            }
        }
    };
}

/// Has flags stand in messages as a number of this width; `check` says which numbers are
/// some.
macro_rules! flags {
    ($name:ty: $number:ident, $check:path) => {
        impl ais_wire::Wire<'_> for $name {
            fn put(&self, out: &mut ais_wire::Writer) {
                out.$number(self.bits());
            }

            fn take(input: &mut ais_wire::Reader<'_>) -> Result<Self, ais_wire::DecodeError> {
                $check(input.$number()?).ok_or(ais_wire::DecodeError::Invalid)
            }
        }
    };
}

pub(crate) use {flags, numbered};

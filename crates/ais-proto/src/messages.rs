//! How the services declare their requests and events. One line gives the code, the fields
//! in the order of the wire ([`ais_wire::variants!`]), and what the node has to know of it;
//! `docs/IPC.md` has its tables from the same lines.

/// Declares the requests to a service. After the fields of each come the type of its reply,
/// its [`RequestKind`](crate::RequestKind), and its [`Outcome`](crate::Outcome) if that is not
/// told by the reply alone; that may use the fields.
macro_rules! requests {
    (@outcome) => { crate::Outcome::Reply };
    (@outcome $outcome:expr) => { $outcome };
    ($(#[$meta:meta])* pub enum $name:ident $(<$life:lifetime>)? {
        $($(#[$doc:meta])* $code:literal $variant:ident
            $(($value:ident: $inner:ty))?
            $({ $($(#[$note:meta])* $field:ident: $type:ty $(as $form:ty)?),+ $(,)? })?
            -> $reply:ty: $kind:ident $(=> $outcome:expr)?,)*
    }) => {
        ais_wire::variants! {
            $(#[$meta])* pub enum $name $(<$life>)?: u16 {
                $($(#[$doc])* $code $variant
                    $(($value: $inner))?
                    $({ $($(#[$note])* $field: $type $(as $form)?),+ })?,)*
            }
        }

        $(const _: Option<$reply> = None;)*

        impl $(<$life>)? $name $(<$life>)? {
            /// Of each request: its kind, and the type of its reply.
            #[cfg(test)]
            pub(crate) const REPLIES: crate::services::Replies =
                &[$((crate::RequestKind::$kind, stringify!($reply))),*];

            /// The code of the request.
            #[must_use]
            pub fn code(&self) -> crate::Code {
                crate::Code(ais_wire::Variants::number(self))
            }

            /// Appends the body of the request, but for data that follows it.
            pub fn encode(&self, out: &mut ais_wire::Writer) {
                ais_wire::Variants::put_body(self, out);
            }

            /// When the node itself may refuse the request, and how its program gets the
            /// outcome.
            #[allow(unused_variables, reason = "most outcomes do not depend on the fields")]
            pub(crate) fn handling(&self) -> (crate::RequestKind, crate::Outcome) {
                match self {
                    $(Self::$variant $(($value))? $({ $($field),+ })? => (
                        crate::RequestKind::$kind,
                        crate::messages::requests!(@outcome $($outcome)?),
                    ),)*
                }
            }
        }
    };
}

/// Declares the events of a service. After the fields of each comes its
/// [`Telling`](crate::services::Telling), which may use them.
macro_rules! events {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$doc:meta])* $code:literal $variant:ident
            $(($value:ident: $inner:ty))?
            $({ $($(#[$note:meta])* $field:ident: $type:ty $(as $form:ty)?),+ $(,)? })?
            => $telling:expr,)*
    }) => {
        ais_wire::variants! {
            $(#[$meta])* pub enum $name: u16 {
                $($(#[$doc])* $code $variant
                    $(($value: $inner))?
                    $({ $($(#[$note])* $field: $type $(as $form)?),+ })?,)*
            }
        }

        impl $name {
            /// The code of the event.
            #[must_use]
            pub fn code(&self) -> crate::Code {
                crate::Code(ais_wire::Variants::number(self))
            }

            /// The body of the event.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let mut out = ais_wire::Writer::new();
                ais_wire::Variants::put_body(self, &mut out);
                out.into_bytes()
            }

            /// Reads an event.
            ///
            /// # Errors
            /// A [`DecodeError`](crate::DecodeError) if there is none.
            pub fn decode(code: crate::Code, body: &[u8]) -> Result<Self, crate::DecodeError> {
                let mut input = ais_wire::Reader::new(body);
                let event = ais_wire::Variants::take_body(code.0, &mut input)?;
                input.finish()?;
                Ok(event)
            }

            /// Which events about the same are told.
            #[allow(unused_variables, reason = "most tellings do not depend on the fields")]
            pub(crate) fn telling(&self) -> crate::services::Telling {
                match self {
                    $(Self::$variant $(($value))? $({ $($field),+ })? => $telling,)*
                }
            }
        }
    };
}

/// Gives values that are a whole body the methods `encode` and `decode`.
macro_rules! bodies {
    ($($type:ty),+) => {$(
        impl $type {
            /// The body that says it.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let mut out = ais_wire::Writer::new();
                ais_wire::Wire::put(self, &mut out);
                out.into_bytes()
            }

            /// Reads the body. Bytes after it are ignored: a later minor version may say
            /// more.
            ///
            /// # Errors
            /// A [`DecodeError`](crate::DecodeError) if it is something else.
            pub fn decode(body: &[u8]) -> Result<Self, crate::DecodeError> {
                ais_wire::Wire::take(&mut ais_wire::Reader::new(body))
            }
        }
    )+};
}

pub(crate) use {bodies, events, requests};

//! Declarations of what is made of values that have forms on the wire: the fields are listed
//! once, and written and read by that list.
//!
//! [`record!`](crate::record) declares a structure, [`variants!`](crate::variants) an enum
//! whose variants have numbers, and [`tagged!`](crate::tagged) one with that number in front
//! of it. A field has the form of its type ([`Wire`](crate::Wire)), or another one that is
//! named after the type: `data: &'a [u8] as Rest`, see [`Form`](crate::Form).

/// A field, for documentation.
#[doc(hidden)]
#[macro_export]
macro_rules! field {
    ($name:ident $type:ty $(, $form:ty)?) => {
        $crate::Field {
            name: stringify!($name),
            of: stringify!($type),
            form: concat!($(stringify!($form))?),
        }
    };
}

/// The form of a field: the one that is named, or [`Own`].
#[doc(hidden)]
#[macro_export]
macro_rules! form {
    () => {
        $crate::Own
    };
    ($form:ty) => {
        $form
    };
}

/// Declares a structure, with its fields in the order of the wire.
///
/// ```
/// ais_wire::record! {
///     /// A piece of a file.
///     #[derive(Debug, PartialEq)]
///     pub struct Piece<'a> {
///         /// Where it belongs.
///         pub offset: u64,
///         /// What it holds.
///         pub bytes: &'a [u8] as ais_wire::Rest,
///     }
/// }
///
/// use ais_wire::{Reader, Wire, Writer};
/// let mut out = Writer::new();
/// Piece { offset: 2, bytes: b"ab" }.put(&mut out);
/// let bytes = out.into_bytes();
/// assert_eq!(bytes, [2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']);
/// let piece = Piece::take(&mut Reader::new(&bytes));
/// assert_eq!(piece, Ok(Piece { offset: 2, bytes: b"ab" }));
/// ```
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident $(<$life:lifetime>)? { $($fields:tt)* }) => {
        $crate::record! {
            @ [$(#[$meta])* $vis] $name [$($life)?] [$($life)? '_] $($fields)*
        }
    };
    (@ [$($head:tt)*] $name:ident [$($life:lifetime)?] [$of:lifetime $($_rest:lifetime)?]
        $($(#[$doc:meta])* $vis:vis $field:ident: $type:ty $(as $form:ty)?),* $(,)?
    ) => {
        $($head)* struct $name<$($life)?> { $($(#[$doc])* $vis $field: $type,)* }

        impl<$($life)?> $crate::Record for $name<$($life)?> {
            const FIELDS: &'static [$crate::Field] =
                &[$($crate::field!($field $type $(, $form)?)),*];
        }

        impl<$($life)?> $crate::Wire<$of> for $name<$($life)?> {
            fn put(&self, out: &mut $crate::Writer) {
                $(<$crate::form!($($form)?) as $crate::Form<'_, $type>>::put(&self.$field, out);)*
            }

            fn take(
                input: &mut $crate::Reader<$of>,
            ) -> ::core::result::Result<Self, $crate::DecodeError> {
                Ok(Self {
                    $($field: <$crate::form!($($form)?) as $crate::Form<'_, $type>>::take(input)?,)*
                })
            }
        }
    };
}

/// Declares an enum whose variants have numbers, which stand somewhere before them
/// ([`Variants`](crate::Variants)). Each has named fields, in the order of the wire, or one
/// value, which is named too.
#[macro_export]
macro_rules! variants {
    ($(#[$meta:meta])* $vis:vis enum $name:ident $(<$life:lifetime>)?: $number:ty {
        $($variants:tt)*
    }) => {
        $crate::variants! {
            @ [$(#[$meta])* $vis] $name [$($life)?] [$($life)? '_] $number, $($variants)*
        }
    };
    (@ [$($head:tt)*] $name:ident [$($life:lifetime)?] [$of:lifetime $($_rest:lifetime)?]
        $number:ty,
        $($(#[$doc:meta])* $code:literal $variant:ident
            $(($value:ident: $inner:ty $(as $inner_form:ty)?))?
            $({ $($(#[$note:meta])* $field:ident: $type:ty $(as $form:ty)?),+ $(,)? })?,)*
    ) => {
        $($head)* enum $name<$($life)?> {
            $($(#[$doc])* $variant $(($inner))? $({ $($(#[$note])* $field: $type),+ })?,)*
        }

        impl<$($life)?> $crate::Variants<$of> for $name<$($life)?> {
            type Number = $number;

            const DECLARED: &'static [($number, &'static str, &'static [$crate::Field])] = &[$((
                $code,
                stringify!($variant),
                &[
                    $($crate::field!($value $inner $(, $inner_form)?))?
                    $($($crate::field!($field $type $(, $form)?)),+)?
                ],
            )),*];

            fn number(&self) -> $number {
                match self {
                    $(Self::$variant { .. } => $code,)*
                }
            }

            #[allow(unused_variables, reason = "there may be no fields")]
            fn put_body(&self, out: &mut $crate::Writer) {
                match self {
                    $(Self::$variant $(($value))? $({ $($field),+ })? => {
                        $(
                            <$crate::form!($($inner_form)?) as $crate::Form<'_, $inner>>::put(
                                $value, out,
                            );
                        )?
                        $($(
                            <$crate::form!($($form)?) as $crate::Form<'_, $type>>::put($field, out);
                        )+)?
                    })*
                }
            }

            #[allow(unused_variables, reason = "there may be no fields")]
            fn take_body(
                number: $number,
                input: &mut $crate::Reader<$of>,
            ) -> ::core::result::Result<Self, $crate::DecodeError> {
                match number {
                    $($code => Ok(Self::$variant
                        $((
                            <$crate::form!($($inner_form)?) as $crate::Form<'_, $inner>>::take(
                                input,
                            )?
                        ))?
                        $({ $(
                            $field:
                                <$crate::form!($($form)?) as $crate::Form<'_, $type>>::take(input)?
                        ),+ })?
                    ),)*
                    _ => Err($crate::DecodeError::Invalid),
                }
            }
        }
    };
}

/// Declares an enum with its number, one byte, in front of each of its
/// [`variants!`](crate::variants).
#[macro_export]
macro_rules! tagged {
    ($(#[$meta:meta])* $vis:vis enum $name:ident $(<$life:lifetime>)? { $($variants:tt)* }) => {
        $crate::variants! {
            $(#[$meta])* $vis enum $name $(<$life>)?: u8 { $($variants)* }
        }
        $crate::tagged!(@ $name [$($life)?] [$($life)? '_]);
    };
    (@ $name:ident [$($life:lifetime)?] [$of:lifetime $($_rest:lifetime)?]) => {
        impl<$($life)?> $crate::Wire<$of> for $name<$($life)?> {
            fn put(&self, out: &mut $crate::Writer) {
                out.u8($crate::Variants::number(self));
                $crate::Variants::put_body(self, out);
            }

            fn take(
                input: &mut $crate::Reader<$of>,
            ) -> ::core::result::Result<Self, $crate::DecodeError> {
                let number = input.u8()?;
                $crate::Variants::take_body(number, input)
            }
        }
    };
}

/// Gives types with a form of their own the methods `encode` and `decode`, so that those who
/// use them need not know [`Wire`](crate::Wire).
#[macro_export]
macro_rules! methods {
    ($vis:vis $($type:ty),+ $(,)?) => {$(
        impl $type {
            /// Appends the value.
            $vis fn encode(&self, out: &mut $crate::Writer) {
                $crate::Wire::put(self, out);
            }

            /// Reads a value; what comes after it is not looked at.
            ///
            /// # Errors
            /// A [`DecodeError`]($crate::DecodeError) if there is none.
            $vis fn decode(
                input: &mut $crate::Reader<'_>,
            ) -> ::core::result::Result<Self, $crate::DecodeError> {
                $crate::Wire::take(input)
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use crate::{
        Bytes, DecodeError, Field, Name, NodeId, Reader, Record, Rest, Variants, Wire, Writer,
    };

    record! {
        #[derive(Debug, Clone, PartialEq)]
        struct Plain {
            place: u16,
            name: Name,
            node: Option<NodeId>,
        }
    }

    tagged! {
        #[derive(Debug, Clone, PartialEq)]
        enum Outer<'a> {
            1 Record(plain: Plain),
            7 Tail(bytes: &'a [u8] as Rest),
            2 Mixed {
                both: Vec<(u8, i64)>,
                result: Result<String, [u8; 3]>,
                own: Vec<u8> as Bytes,
            },
            3 Nothing,
            4 Counted { stamp: i32, bytes: &'a [u8], flag: bool },
        }
    }

    const BOTH: &[u8] = b"\x02\x01\0\0\0\x07\xff\xff\xff\xff\xff\xff\xff\xff";
    const OWN: &[u8] = b"\x02\0\0\0\x08\x09";

    fn all() -> Vec<(Outer<'static>, Vec<u8>)> {
        let (name, node) = (Name::try_from("ab").unwrap(), NodeId::new([10, 0, 0, 7].into()));
        let plain = Plain { place: 258, name, node: Some(node) };
        let mixed = |result| Outer::Mixed { both: vec![(7, -1)], result, own: vec![8, 9] };
        let counted = Outer::Counted { stamp: -2, bytes: b"xy", flag: true };
        vec![
            (Outer::Record(plain), b"\x01\x02\x01\x02\0ab\x01\x0a\0\0\x07".into()),
            (mixed(Ok("c".into())), [BOTH, b"\x01\x01\0\0\0c", OWN].concat()),
            (mixed(Err([1, 2, 3])), [BOTH, b"\0\x01\x02\x03", OWN].concat()),
            (Outer::Tail(b"xy"), b"\x07xy".into()),
            (Outer::Nothing, b"\x03".into()),
            (counted, b"\x04\xfe\xff\xff\xff\x02\0\0\0xy\x01".into()),
        ]
    }

    #[test]
    fn what_is_declared_is_written_in_order_and_read_again() {
        for (value, bytes) in all() {
            let mut out = Writer::new();
            value.put(&mut out);
            assert_eq!(out.into_bytes(), bytes, "{value:?}");
            let mut input = Reader::new(&bytes);
            assert_eq!(Outer::take(&mut input).as_ref(), Ok(&value));
            assert_eq!(input.finish(), Ok(()));
        }
    }

    #[test]
    fn what_is_declared_can_be_shown() {
        let fields = |fields: &[Field]| {
            let field = |of: &Field| format!("{} {} {}", of.name, of.of, of.form);
            fields.iter().map(field).collect::<Vec<_>>()
        };
        assert_eq!(fields(Plain::FIELDS), ["place u16 ", "name Name ", "node Option<NodeId> "]);
        let outer: Vec<_> = Outer::DECLARED.iter().map(|of| (of.0, of.1, fields(of.2))).collect();
        assert_eq!(outer[0], (1, "Record", vec!["plain Plain ".into()]));
        assert_eq!(outer[1], (7, "Tail", vec!["bytes &'a [u8] Rest".into()]));
        assert_eq!(outer[3], (3, "Nothing", vec![]));
        assert_eq!(outer[4].2, ["stamp i32 ", "bytes &'a [u8] ", "flag bool "]);
    }

    #[test]
    fn what_is_cut_short_or_has_no_such_number_is_an_error() {
        for (value, bytes) in all() {
            for length in 0..bytes.len() {
                let read = Outer::take(&mut Reader::new(&bytes[..length]));
                assert_ne!(read.as_ref(), Ok(&value));
                let ends_in_rest = bytes[0] == 7 && length >= 1;
                assert_eq!(read.is_ok(), ends_in_rest, "{length} bytes of {value:?}");
            }
        }
        for bytes in [&b"\0\0\0\0\0"[..], b"\x06\0\0\0\0", b"\x02\0\0\0\0\x02"] {
            assert_eq!(Outer::take(&mut Reader::new(bytes)), Err(DecodeError::Invalid));
        }
    }
}

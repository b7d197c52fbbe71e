//! Values that have one form on the wire, and declarations of what is made of them: its
//! fields are listed once, and written and read by that list.
//!
//! [`record!`](crate::record) declares a structure, [`variants!`](crate::variants) an enum
//! whose variants have numbers, and [`tagged!`](crate::tagged) one with that number in front
//! of it. A field has the form of its type ([`Wire`]), or another one that is named after
//! the type (`data: &'a [u8] as Rest`, see [`Form`]).

use crate::{DecodeError, Name, NodeId, Reader, Writer};

/// A value with one form on the wire.
pub trait Wire<'a>: Sized {
    /// Appends the value.
    fn put(&self, out: &mut Writer);

    /// Reads a value.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    fn take(input: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

/// A form on the wire for values of a type, beside the one that the type may have itself.
pub trait Form<'a, T> {
    /// Appends the value.
    fn put(value: &T, out: &mut Writer);

    /// Reads a value.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none in this form.
    fn take(input: &mut Reader<'a>) -> Result<T, DecodeError>;
}

/// A structure as it was declared.
pub trait Record {
    /// Its fields.
    const FIELDS: &'static [Field];
}

/// A field as it was declared, for documentation.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub of: &'static str,
    /// Its [`Form`]; empty if it has that of its type.
    pub form: &'static str,
}

/// An enum whose variants have numbers, which stand somewhere before them.
pub trait Variants<'a>: Sized {
    /// The type of the numbers.
    type Number: 'static;

    /// The number of each variant as it was declared, its name and its fields.
    const DECLARED: &'static [(Self::Number, &'static str, &'static [Field])];

    /// The number of the variant.
    fn number(&self) -> Self::Number;

    /// Appends what comes after the number.
    fn put_body(&self, out: &mut Writer);

    /// Reads what comes after this number.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] if no variant has the number; another [`DecodeError`] if
    /// something else follows.
    fn take_body(number: Self::Number, input: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

/// The form that the type has itself.
#[derive(Debug)]
pub enum Own {}

impl<'a, T: Wire<'a>> Form<'a, T> for Own {
    fn put(value: &T, out: &mut Writer) {
        value.put(out);
    }

    fn take(input: &mut Reader<'a>) -> Result<T, DecodeError> {
        T::take(input)
    }
}

/// Bytes without a count, at the end of a message: all that are left are read.
#[derive(Debug)]
pub enum Rest {}

impl<'a> Form<'a, &'a [u8]> for Rest {
    fn put(value: &&'a [u8], out: &mut Writer) {
        out.raw(value);
    }

    fn take(input: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
        Ok(input.rest())
    }
}

/// Bytes with their count in front, copied at once.
#[derive(Debug)]
pub enum Bytes {}

impl Form<'_, Vec<u8>> for Bytes {
    fn put(value: &Vec<u8>, out: &mut Writer) {
        out.bytes(value);
    }

    fn take(input: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
        input.bytes().map(<[u8]>::to_vec)
    }
}

macro_rules! numbers {
    ($($type:ident)*) => {$(
        impl Wire<'_> for $type {
            fn put(&self, out: &mut Writer) {
                out.$type(*self);
            }

            fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                input.$type()
            }
        }
    )*};
}

numbers!(u8 u16 u32 i32 u64 i64 bool);

impl Wire<'_> for () {
    fn put(&self, _out: &mut Writer) {}

    fn take(_input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(())
    }
}

impl Wire<'_> for Name {
    fn put(&self, out: &mut Writer) {
        out.name(self);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.name()
    }
}

impl Wire<'_> for NodeId {
    fn put(&self, out: &mut Writer) {
        out.node(*self);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.node()
    }
}

/// Bytes with their count in front.
impl<'a> Wire<'a> for &'a [u8] {
    fn put(&self, out: &mut Writer) {
        out.bytes(self);
    }

    fn take(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        input.bytes()
    }
}

/// Bytes without a count: there are always so many.
impl<const COUNT: usize> Wire<'_> for [u8; COUNT] {
    fn put(&self, out: &mut Writer) {
        out.raw(self);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.take(COUNT)?.try_into().map_err(|_| DecodeError::Truncated)
    }
}

/// A text for people, as bytes with their count in front. Those that are no text are
/// replaced.
impl Wire<'_> for String {
    fn put(&self, out: &mut Writer) {
        out.bytes(self.as_bytes());
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self::from_utf8_lossy(input.bytes()?).into_owned())
    }
}

impl<'a, T: Wire<'a>> Wire<'a> for Option<T> {
    fn put(&self, out: &mut Writer) {
        out.option(self.as_ref(), |out, value| value.put(out));
    }

    fn take(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        input.option(T::take)
    }
}

impl<'a, T: Wire<'a>> Wire<'a> for Vec<T> {
    fn put(&self, out: &mut Writer) {
        out.list(self, |out, item| item.put(out));
    }

    fn take(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        input.list(T::take)
    }
}

/// Whether it is a value, then that or the error.
impl<'a, T: Wire<'a>, E: Wire<'a>> Wire<'a> for Result<T, E> {
    fn put(&self, out: &mut Writer) {
        out.bool(self.is_ok());
        match self {
            Ok(value) => value.put(out),
            Err(error) => error.put(out),
        }
    }

    fn take(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(if input.bool()? { Ok(T::take(input)?) } else { Err(E::take(input)?) })
    }
}

impl<'a, A: Wire<'a>, B: Wire<'a>> Wire<'a> for (A, B) {
    fn put(&self, out: &mut Writer) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok((A::take(input)?, B::take(input)?))
    }
}

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
///
/// The last line may be `else Variant { head: Type, .. tail: Type }` where the tail is such an
/// enum: all numbers that are not listed are those of the tail, whose body comes last.
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
            $(($value:ident: $inner:ty))?
            $({ $($(#[$note:meta])* $field:ident: $type:ty $(as $form:ty)?),+ $(,)? })?,)*
        $(else $(#[$last:meta])* $other:ident {
            $($first:ident: $first_type:ty,)* .. $tail:ident: $tail_type:ty $(,)?
        })?
    ) => {
        $($head)* enum $name<$($life)?> {
            $($(#[$doc])* $variant $(($inner))? $({ $($(#[$note])* $field: $type),+ })?,)*
            $($(#[$last])* $other { $($first: $first_type,)* $tail: $tail_type },)?
        }

        impl<$($life)?> $crate::Variants<$of> for $name<$($life)?> {
            type Number = $number;

            const DECLARED: &'static [($number, &'static str, &'static [$crate::Field])] = &[$((
                $code,
                stringify!($variant),
                &[
                    $($crate::field!($value $inner))?
                    $($($crate::field!($field $type $(, $form)?)),+)?
                ],
            )),*];

            fn number(&self) -> $number {
                match self {
                    $(Self::$variant { .. } => $code,)*
                    $(Self::$other { $tail, .. } => $crate::Variants::number($tail),)?
                }
            }

            #[allow(unused_variables, reason = "there may be no fields")]
            fn put_body(&self, out: &mut $crate::Writer) {
                match self {
                    $(Self::$variant $(($value))? $({ $($field),+ })? => {
                        $($crate::Wire::put($value, out);)?
                        $($(
                            <$crate::form!($($form)?) as $crate::Form<'_, $type>>::put($field, out);
                        )+)?
                    })*
                    $(Self::$other { $($first,)* $tail } => {
                        $($crate::Wire::put($first, out);)*
                        $crate::Variants::put_body($tail, out);
                    })?
                }
            }

            #[allow(unused_variables, reason = "there may be no fields")]
            fn take_body(
                number: $number,
                input: &mut $crate::Reader<$of>,
            ) -> ::core::result::Result<Self, $crate::DecodeError> {
                match number {
                    $($code => Ok(Self::$variant
                        $((<$inner as $crate::Wire>::take(input)?))?
                        $({ $(
                            $field:
                                <$crate::form!($($form)?) as $crate::Form<'_, $type>>::take(input)?
                        ),+ })?
                    ),)*
                    $(number => Ok(Self::$other {
                        $($first: $crate::Wire::take(input)?,)*
                        $tail: $crate::Variants::take_body(number, input)?,
                    }),)?
                    #[allow(unreachable_patterns, reason = "`else` has all numbers")]
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
    use super::*;

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
        enum Inner<'a> {
            3 Nothing,
            4 Counted { bytes: &'a [u8], flag: bool },
            5 Last { bytes: &'a [u8] as Rest },
        }
    }

    tagged! {
        #[derive(Debug, Clone, PartialEq)]
        enum Outer<'a> {
            1 Record(plain: Plain),
            2 Mixed {
                both: Vec<(u8, i64)>,
                result: Result<String, [u8; 3]>,
                own: Vec<u8> as Bytes,
            },
            else Other { stamp: i32, .. inner: Inner<'a> }
        }
    }

    const BOTH: &[u8] = b"\x02\x01\0\0\0\x07\xff\xff\xff\xff\xff\xff\xff\xff";
    const OWN: &[u8] = b"\x02\0\0\0\x08\x09";

    fn all() -> Vec<(Outer<'static>, Vec<u8>)> {
        let (name, node) = (Name::try_from("ab").unwrap(), NodeId::new([10, 0, 0, 7].into()));
        let plain = Plain { place: 258, name, node: Some(node) };
        let mixed = |result| Outer::Mixed { both: vec![(7, -1)], result, own: vec![8, 9] };
        let other = |inner| Outer::Other { stamp: -2, inner };
        let counted = Inner::Counted { bytes: b"xy", flag: true };
        vec![
            (Outer::Record(plain), b"\x01\x02\x01\x02\0ab\x01\x0a\0\0\x07".into()),
            (mixed(Ok("c".into())), [BOTH, b"\x01\x01\0\0\0c", OWN].concat()),
            (mixed(Err([1, 2, 3])), [BOTH, b"\0\x01\x02\x03", OWN].concat()),
            (other(Inner::Nothing), b"\x03\xfe\xff\xff\xff".into()),
            (other(counted), b"\x04\xfe\xff\xff\xff\x02\0\0\0xy\x01".into()),
            (other(Inner::Last { bytes: b"xy" }), b"\x05\xfe\xff\xff\xffxy".into()),
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
        let inner: Vec<_> = Inner::DECLARED.iter().map(|of| (of.0, of.1, fields(of.2))).collect();
        assert_eq!(
            inner,
            [
                (3, "Nothing", vec![]),
                (4, "Counted", vec!["bytes &'a [u8] ".into(), "flag bool ".into()]),
                (5, "Last", vec!["bytes &'a [u8] Rest".into()]),
            ]
        );
        assert_eq!(fields(Outer::DECLARED[0].2), ["plain Plain "]);
    }

    #[test]
    fn what_is_cut_short_or_has_no_such_number_is_an_error() {
        for (value, bytes) in all() {
            for length in 0..bytes.len() {
                let read = Outer::take(&mut Reader::new(&bytes[..length]));
                assert_ne!(read.as_ref(), Ok(&value));
                let ends_in_rest = bytes[0] == 5 && length >= 5;
                assert_eq!(read.is_ok(), ends_in_rest, "{length} bytes of {value:?}");
            }
        }
        for bytes in [&b"\0\0\0\0\0"[..], b"\x06\0\0\0\0", b"\x02\0\0\0\0\x02"] {
            assert_eq!(Outer::take(&mut Reader::new(bytes)), Err(DecodeError::Invalid));
        }
        assert_eq!(Inner::take(&mut Reader::new(b"\x06")), Err(DecodeError::Invalid));
    }
}

//! Values that have a form on the wire.

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

    /// Reads a value that all of these bytes are.
    ///
    /// # Errors
    /// A [`DecodeError`] if they are something else, or more.
    fn take_all(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let value = Self::take(&mut input)?;
        input.finish()?;
        Ok(value)
    }
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

//! Memory of the program that is filled after the call in which it was given.

use super::types::SaUint32T;
use super::values::wide;
use ais_client::AisError;
use std::marker::PhantomData;
use std::ptr;

/// A place in the program's memory, of which nothing is known but the address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<T> {
    address: usize,
    holds: PhantomData<fn() -> T>,
}

impl<T> Place<T> {
    /// Where the pointer points to.
    pub(super) fn of(pointer: *const T) -> Self {
        Self { address: pointer.expose_provenance(), holds: PhantomData }
    }

    /// The pointer that the program gave.
    pub(super) fn pointer(&self) -> *mut T {
        ptr::with_exposed_provenance_mut(self.address)
    }

    /// Puts a value there, aligned or not.
    ///
    /// # Safety
    /// The program still keeps the memory for this.
    pub(super) unsafe fn write(&self, value: T) {
        // SAFETY: the caller.
        unsafe { ptr::write_unaligned(self.pointer(), value) };
    }
}

/// Where the program wants the notifications of a subscription.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buffer<T> {
    place: Place<T>,
    /// How many notifications fit.
    capacity: SaUint32T,
}

impl<T> Buffer<T> {
    /// A buffer with room for so many notifications.
    ///
    /// # Errors
    /// `InvalidParam` if it has none.
    pub(super) fn new(pointer: *const T, capacity: SaUint32T) -> Result<Self, AisError> {
        if capacity == 0 {
            return Err(AisError::InvalidParam);
        }
        Ok(Self { place: Place::of(pointer), capacity })
    }

    /// How many notifications fit.
    pub(super) fn capacity(&self) -> u64 {
        wide(self.capacity)
    }

    /// The pointer that the program gave.
    pub(super) fn pointer(&self) -> *mut T {
        self.place.pointer()
    }

    /// Fills the buffer, if all notifications fit.
    ///
    /// # Errors
    /// `NoSpace` if they do not; nothing is written then.
    ///
    /// # Safety
    /// The program still keeps the memory for this.
    pub(super) unsafe fn fill(
        &self,
        items: impl ExactSizeIterator<Item = T>,
    ) -> Result<(), AisError> {
        if items.len() as u64 > self.capacity() {
            return Err(AisError::NoSpace);
        }
        for (index, item) in items.enumerate() {
            // SAFETY: it fits, and the caller.
            unsafe { ptr::write_unaligned(self.pointer().wrapping_add(index), item) };
        }
        Ok(())
    }
}

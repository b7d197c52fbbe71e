//! A value for some of the services. There are few of them, so a list is enough.

use ais_proto::ServiceId;

/// A value for each of some services, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByService<T>(Vec<(ServiceId, T)>);

impl<T> ByService<T> {
    /// The value for a service; `None` if it has none.
    pub(crate) fn get(&self, service: ServiceId) -> Option<&T> {
        self.0.iter().find(|(of, _)| *of == service).map(|(_, value)| value)
    }

    /// All values, with their services.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ServiceId, &T)> {
        self.0.iter().map(|(service, value)| (*service, value))
    }

    /// All values, with their services, to change them.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (ServiceId, &mut T)> {
        self.0.iter_mut().map(|(service, value)| (*service, value))
    }
}

impl<T> Default for ByService<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromIterator<(ServiceId, T)> for ByService<T> {
    fn from_iter<I: IntoIterator<Item = (ServiceId, T)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

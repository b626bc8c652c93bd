//! Bytes that no message, plan or log may show (invariant I-10).

use std::fmt;
use std::sync::Arc;

/// Bytes that print as their number only.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// Takes the bytes in.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Gives the bytes out.
    #[must_use]
    pub fn expose(&self) -> Arc<[u8]> {
        Arc::clone(&self.0)
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_not_printed() {
        assert_eq!(format!("{:?}", Secret::new(*b"hunter2")), "[7 bytes]");
    }
}

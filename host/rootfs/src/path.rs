//! Paths inside an image: a type of their own, so that none can be handed to a function that opens host files.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

/// A path inside an image, any bytes; what it may hold is checked where it is resolved.
///
/// Related to [`ImagePathBuf`] as `str` is to `String`.
#[derive(Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct ImagePath([u8]);

/// An owned [`ImagePath`].
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ImagePathBuf(Vec<u8>);

impl ImagePath {
    /// The path that these bytes are.
    #[must_use]
    pub fn new<B: AsRef<[u8]> + ?Sized>(bytes: &B) -> &Self {
        let bytes = bytes.as_ref();
        #[expect(unsafe_code, reason = "the one way to make a reference to an unsized newtype")]
        // SAFETY: `ImagePath` is `repr(transparent)` over `[u8]`, so the two references have the same layout and
        // the lifetime is carried over.
        unsafe {
            &*(std::ptr::from_ref(bytes) as *const Self)
        }
    }

    /// The bytes as they were given.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// This path with `name` below it.
    #[must_use]
    pub fn join<B: AsRef<[u8]> + ?Sized>(&self, name: &B) -> ImagePathBuf {
        let mut bytes = self.0.to_vec();
        if bytes.last() != Some(&b'/') {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name.as_ref());
        ImagePathBuf(bytes)
    }

    /// The path for a person: bytes that are not UTF-8 and control characters are replaced.
    #[must_use]
    pub fn display(&self) -> Cow<'_, str> {
        let text = String::from_utf8_lossy(&self.0);
        if text.chars().any(char::is_control) {
            text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
        } else {
            text
        }
    }
}

impl From<&str> for ImagePathBuf {
    fn from(path: &str) -> Self {
        Self(path.as_bytes().to_vec())
    }
}

impl From<Vec<u8>> for ImagePathBuf {
    fn from(path: Vec<u8>) -> Self {
        Self(path)
    }
}

impl Deref for ImagePathBuf {
    type Target = ImagePath;
    fn deref(&self) -> &ImagePath {
        ImagePath::new(&self.0)
    }
}

impl AsRef<[u8]> for ImagePath {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for ImagePathBuf {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<ImagePath> for ImagePathBuf {
    fn borrow(&self) -> &ImagePath {
        self
    }
}

impl ToOwned for ImagePath {
    type Owned = ImagePathBuf;
    fn to_owned(&self) -> ImagePathBuf {
        ImagePathBuf(self.0.to_vec())
    }
}

impl fmt::Debug for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for ImagePathBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

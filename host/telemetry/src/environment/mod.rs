//! What kind of machine this is.

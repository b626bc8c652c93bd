//! The bytes that are sent.

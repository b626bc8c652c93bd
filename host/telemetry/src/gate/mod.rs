//! The check of the exact bytes.

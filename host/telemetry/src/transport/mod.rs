//! Sending, within a deadline.

//! The payload as Azure Monitor takes it.

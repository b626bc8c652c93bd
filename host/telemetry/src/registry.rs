//! The closed sets of values.

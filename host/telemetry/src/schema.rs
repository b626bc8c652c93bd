//! The schema as text and as JSON.

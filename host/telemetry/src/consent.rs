//! Whether anything may be sent, and which rule decided.

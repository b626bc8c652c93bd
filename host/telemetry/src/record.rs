//! What is known of one run.

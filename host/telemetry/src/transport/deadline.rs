//! Of the transport: deadline.

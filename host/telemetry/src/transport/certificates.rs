//! Of the transport: certificates.

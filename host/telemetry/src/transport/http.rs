//! Of the transport: http.

//! Of the transport: proxy.

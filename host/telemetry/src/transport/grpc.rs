//! Of the transport: grpc.

//! The payload as OTLP collectors take it.

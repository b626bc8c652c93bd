//! The line that tells of telemetry.

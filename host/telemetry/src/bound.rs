//! How much a step from elsewhere can say through one run's telemetry.

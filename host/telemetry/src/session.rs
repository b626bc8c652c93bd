//! Telemetry of one run of the program, from its begin to its end.

//! The part of WASI that a trace lists: clocks and randomness. Both follow from what the run was given, so a replay asks
//! them again and compares.
//!
//! What else is linked of WASI carries only the step's own words to the log, and is empty otherwise.

use super::line::hex;
use super::tracer::{Traced, Tracing, traced};
use super::value::{Traceable, digest};
use crate::state::State;
use serde_json::{Value, json};
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::{self, monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::random::{self, insecure, insecure_seed};

/// Links clocks and randomness.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    clocks::wall_clock::add_to_linker::<State, Tracing>(linker, traced)?;
    clocks::monotonic_clock::add_to_linker::<State, Tracing>(linker, traced)?;
    random::random::add_to_linker::<State, Tracing>(linker, traced)?;
    random::insecure::add_to_linker::<State, Tracing>(linker, traced)?;
    random::insecure_seed::add_to_linker::<State, Tracing>(linker, traced)
}

/// Something that the replay makes anew: what it is compared by, and itself.
struct Live<T>(Value, T);

impl<T> Traceable for Live<T> {
    fn to_json(&self) -> Value {
        self.0.clone()
    }

    fn from_json(_: &Value) -> Option<Self> {
        None
    }
}

impl wall_clock::Host for Traced<'_> {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let now = self.call_within("wall-clock.now", json!({}), |state| {
            let now = wall_clock::Host::now(&mut state.clock_view())?;
            Ok(Live(json!({ "seconds": now.seconds, "nanoseconds": now.nanoseconds }), now))
        })?;
        Ok(now.1)
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        wall_clock::Host::resolution(&mut self.0.clock_view())
    }
}

impl monotonic_clock::Host for Traced<'_> {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        self.call_within("monotonic-clock.now", json!({}), |state| {
            monotonic_clock::Host::now(&mut state.clock_view())
        })
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Duration> {
        monotonic_clock::Host::resolution(&mut self.0.clock_view())
    }

    fn subscribe_instant(
        &mut self,
        when: monotonic_clock::Instant,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let ready =
            self.call_within("monotonic-clock.subscribe-instant", json!({ "when": when }), |state| {
                let ready = monotonic_clock::Host::subscribe_instant(&mut state.clock_view(), when)?;
                Ok(Live(Value::Null, ready))
            })?;
        Ok(ready.1)
    }

    fn subscribe_duration(
        &mut self,
        duration: monotonic_clock::Duration,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let arguments = json!({ "nanoseconds": duration });
        let ready = self.call_within("monotonic-clock.subscribe-duration", arguments, |state| {
            let ready = monotonic_clock::Host::subscribe_duration(&mut state.clock_view(), duration)?;
            Ok(Live(Value::Null, ready))
        })?;
        Ok(ready.1)
    }
}

impl Traced<'_> {
    fn random_bytes(
        &mut self,
        function: &'static str,
        len: u64,
        live: impl FnOnce(&mut State) -> wasmtime::Result<Vec<u8>>,
    ) -> wasmtime::Result<Vec<u8>> {
        let drawn = self.call_within(function, json!({ "len": len }), |state| {
            let drawn = live(state)?;
            Ok(Live(digest(&drawn), drawn))
        })?;
        Ok(drawn.1)
    }

    /// A number is shown by its bytes: a reader of JSON may take it for a fraction.
    fn random_u64(
        &mut self,
        function: &'static str,
        live: impl FnOnce(&mut State) -> wasmtime::Result<u64>,
    ) -> wasmtime::Result<u64> {
        let drawn = self.call_within(function, json!({}), |state| {
            let drawn = live(state)?;
            Ok(Live(hex(&drawn.to_be_bytes()).into(), drawn))
        })?;
        Ok(drawn.1)
    }
}

impl random::random::Host for Traced<'_> {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes("random.get-random-bytes", len, |state| {
            random::random::Host::get_random_bytes(&mut state.random, len)
        })
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.random_u64("random.get-random-u64", |state| {
            random::random::Host::get_random_u64(&mut state.random)
        })
    }
}

impl insecure::Host for Traced<'_> {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes("insecure.get-insecure-random-bytes", len, |state| {
            insecure::Host::get_insecure_random_bytes(&mut state.random, len)
        })
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.random_u64("insecure.get-insecure-random-u64", |state| {
            insecure::Host::get_insecure_random_u64(&mut state.random)
        })
    }
}

impl insecure_seed::Host for Traced<'_> {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        let drawn = self.call_within("insecure-seed.insecure-seed", json!({}), |state| {
            let (a, b) = insecure_seed::Host::insecure_seed(&mut state.random)?;
            let shown = [a, b].map(|number| hex(&number.to_be_bytes()));
            Ok(Live(json!(shown), (a, b)))
        })?;
        Ok(drawn.1)
    }
}

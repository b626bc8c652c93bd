//! The clocks that a step sees: the wall clock stands still at the source date epoch, the monotonic clock counts its
//! own calls, and to sleep is to move it forward (invariant I-3).

use std::time::Duration;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

/// Virtual time of one run.
pub(crate) struct VirtualClock {
    /// Seconds since 1970.
    epoch: u64,
    /// Nanoseconds since the start of the step, as far as the step can tell.
    elapsed: u64,
}

/// What a call of `now` moves the monotonic clock by.
const TICK: Duration = Duration::from_micros(1);

impl VirtualClock {
    pub(crate) fn new(epoch: u64) -> Self {
        Self { epoch, elapsed: 0 }
    }

    fn advance(&mut self, nanoseconds: u64) {
        self.elapsed = self.elapsed.saturating_add(nanoseconds);
    }
}

/// The clock together with the table that holds what can be waited for.
pub(crate) struct ClockView<'a> {
    pub(crate) clock: &'a mut VirtualClock,
    pub(crate) table: &'a mut ResourceTable,
}

/// Names [`ClockView`] to the linker.
pub(crate) struct Clocks;

impl HasData for Clocks {
    type Data<'a> = ClockView<'a>;
}

impl wall_clock::Host for ClockView<'_> {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: self.clock.epoch, nanoseconds: 0 })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 1, nanoseconds: 0 })
    }
}

impl monotonic_clock::Host for ClockView<'_> {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        self.clock.advance(TICK.as_nanos() as u64);
        Ok(self.clock.elapsed)
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Duration> {
        Ok(TICK.as_nanos() as u64)
    }

    fn subscribe_instant(
        &mut self,
        when: monotonic_clock::Instant,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.clock.elapsed = self.clock.elapsed.max(when);
        self.already_ready()
    }

    fn subscribe_duration(
        &mut self,
        duration: monotonic_clock::Duration,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.clock.advance(duration);
        self.already_ready()
    }
}

impl ClockView<'_> {
    fn already_ready(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let ready = self.table.push(Ready)?;
        subscribe(self.table, ready)
    }
}

/// Something that need not be waited for.
struct Ready;

#[wasmtime_wasi::async_trait]
impl Pollable for Ready {
    async fn ready(&mut self) {}
}

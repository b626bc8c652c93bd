//! A way to end a run from another thread.

use crate::error::{Error, ErrorKind, Result};
use sandbox::Interrupter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Shared between a run and whoever may want to end it.
#[derive(Clone, Default)]
pub struct Cancellation {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    requested: AtomicBool,
    interrupter: Mutex<Option<Interrupter>>,
}

impl Cancellation {
    /// Ends the run at its next step or phase; a running step is interrupted.
    pub fn cancel(&self) {
        self.shared.requested.store(true, Ordering::SeqCst);
        if let Some(interrupter) = &*self.shared.interrupter.lock().unwrap_or_else(PoisonError::into_inner) {
            interrupter.cancel();
        }
    }

    /// Whether [`Cancellation::cancel`] was called.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.shared.requested.load(Ordering::SeqCst)
    }

    /// Ends the run here if [`Cancellation::cancel`] was called.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`].
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_requested() {
            return Err(Error::saying(ErrorKind::Cancelled, "the run was cancelled"));
        }
        Ok(())
    }

    /// Lets a later cancellation reach the sandbox; an earlier one reaches it now.
    pub(crate) fn reaches(&self, interrupter: Interrupter) {
        *self.shared.interrupter.lock().unwrap_or_else(PoisonError::into_inner) = Some(interrupter);
        if self.is_requested() {
            self.cancel();
        }
    }
}

impl std::fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cancellation").field("requested", &self.is_requested()).finish()
    }
}

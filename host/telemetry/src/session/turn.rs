//! Who may act when several threads end a run.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Lets the first caller act; the others wait for it, but not for long.
#[derive(Debug, Default)]
pub(super) struct Turn {
    stage: Mutex<Stage>,
    done: Condvar,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Stage {
    #[default]
    Free,
    Taken,
    Done,
}

impl Turn {
    /// What `act` returned; `None` for all callers but the first.
    pub(super) fn take<T>(&self, patience: Duration, act: impl FnOnce() -> T) -> Option<T> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if *stage == Stage::Free {
            *stage = Stage::Taken;
            drop(stage);
            let result = act();
            *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = Stage::Done;
            self.done.notify_all();
            return Some(result);
        }
        // The process ends when the caller returns: the first one gets the time that it may take.
        drop(self.done.wait_timeout_while(stage, patience, |stage| *stage == Stage::Taken));
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn one_of_many_acts_and_the_others_wait_for_it() {
        let (turn, acts) = (Turn::default(), AtomicU32::new(0));
        let act = || {
            thread::sleep(Duration::from_millis(30));
            acts.fetch_add(1, Ordering::SeqCst)
        };
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let result = turn.take(LONG, act);
                        // Whoever returns finds it done.
                        (result, acts.load(Ordering::SeqCst))
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|(result, _)| result.is_some()).count(), 1);
        assert!(results.iter().all(|(_, acts)| *acts == 1), "{results:?}");
        assert_eq!(turn.take(LONG, || ()), None);
    }

    #[test]
    fn nobody_waits_for_longer_than_said() {
        let turn = Turn::default();
        let started = Instant::now();
        let (release, released) = std::sync::mpsc::channel::<()>();
        thread::scope(|scope| {
            let turn = &turn;
            let (begun, begin) = std::sync::mpsc::channel();
            scope.spawn(move || {
                turn.take(LONG, || {
                    begun.send(()).unwrap();
                    released.recv()
                })
            });
            begin.recv().unwrap();
            assert_eq!(turn.take(Duration::from_millis(20), || ()), None);
            assert!(started.elapsed() < LONG / 2);
            drop(release);
        });
    }
}

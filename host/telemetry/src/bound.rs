//! How much a step that is not built in can say through one run's telemetry, whatever it does.
//!
//! It can make the run succeed or fail, and last as long as it likes. Everything else that such a run sends is settled
//! before the step is asked anything, or left out: [`crate::record::RunRecord::report`]. Success and failure are told
//! as they are: one bit. The class of the duration goes through a channel with noise, whose capacity Shannon's formula
//! gives: for equally likely classes, log2 of their number less the entropy of the noise.
//!
//! Left over is what no payload can hide: when the request comes, that none comes after a run that was killed, and that
//! runs can be repeated.

use crate::registry::{CoarseDurationClass, ErrorType, Outcome};
use crate::seeds::KEPT_OF_256;

/// Payloads that such a run can lead to in one hour, ids left aside.
pub(crate) const GUEST_STATES: usize = Outcome::GUEST.len() * CoarseDurationClass::ALL.len();

const _: () = assert!(GUEST_STATES == 8);
// Each outcome goes along with one error, and each class of the registry is one that a guest can reach.
const _: () = assert!(Outcome::GUEST.len() == ErrorType::GUEST.len());
const _: () = assert!(CoarseDurationClass::ALL.len() == CoarseDurationClass::GUEST.len());

/// Bits that one run can say if every class is sent as it is.
pub(crate) fn guest_bits_without_lot() -> f64 {
    count(GUEST_STATES).log2()
}

/// Bits that one run can say on average, with the class drawn by lot now and then.
pub(crate) fn guest_bits() -> f64 {
    count(Outcome::GUEST.len()).log2() + class_bits()
}

/// Capacity of the class of the duration in bits: symmetric, as every class is kept and replaced equally often.
fn class_bits() -> f64 {
    let classes = count(CoarseDurationClass::ALL.len());
    let kept = f64::from(KEPT_OF_256) / 256.0;
    let other = (1.0 - kept) / classes;
    let same = kept + other;
    classes.log2() + same * same.log2() + (classes - 1.0) * other * other.log2()
}

fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::destination::InstrumentationKey;
    use crate::payload::{PayloadKind, payload};
    use crate::record::{Apis, Phases, RunRecord};
    use crate::registry::{Api, BaseDistro, BaseSource, DurationClass, InputFormat, Phase};
    use crate::samples;
    use crate::seeds::{Lot, Seeds};

    #[test]
    fn a_step_says_at_most_two_bits_a_run() {
        assert!(guest_bits() <= 2.0, "{}", guest_bits());
        assert_eq!(format!("{:.2} {:.2}", guest_bits(), guest_bits_without_lot()), "1.97 3.00");
    }

    #[test]
    fn the_noise_is_what_the_bound_takes_it_for() {
        let classes = CoarseDurationClass::ALL;
        let mut capacity = (classes.len() as f64).log2();
        for class in classes {
            let mut answers = vec![0u32; classes.len()];
            for lot in 0..=u16::MAX {
                answers[Lot(lot.to_be_bytes()).respond(*class) as usize] += 1;
            }
            for (answer, times) in answers.iter().enumerate() {
                let share = f64::from(*times) / 65_536.0;
                capacity += share * share.log2() / classes.len() as f64;
                assert_eq!(*times, if answer == *class as usize { 52_672 } else { 4_288 });
            }
        }
        assert!((capacity - class_bits()).abs() < 1e-12, "{capacity}");
    }

    /// All that a run can come to on account of a step: how it ends and why, how long all of it and each part took, which
    /// parts were entered at all, what was known of the image by then, and which calls were counted.
    fn endings() -> Vec<RunRecord> {
        let mut all = Vec::new();
        let mut phases = vec![Phases::NONE];
        for phase in Phase::ALL {
            for class in DurationClass::ALL {
                let mut some = samples::record().phases;
                some.set(*phase, *class);
                phases.push(some);
            }
        }
        let mut apis = vec![Apis::NONE];
        for api in Api::ALL {
            let mut some = Apis::NONE;
            some.insert(*api);
            apis.push(some);
        }
        for outcome in Outcome::ALL {
            for error in ErrorType::ALL {
                for duration in DurationClass::ALL {
                    // What a failed run knew of the image is the step's choice; a run that succeeds knows all.
                    let RunRecord { input, source, distro, .. } = samples::record();
                    let known = (input, source, distro);
                    let unknown = (InputFormat::None, BaseSource::None, BaseDistro::Unknown);
                    let knowledge =
                        if *outcome == Outcome::Success { vec![known] } else { vec![known, unknown] };
                    for (input, source, distro) in knowledge {
                        for (phases, apis) in phases.iter().zip(apis.iter().cycle()) {
                            all.push(RunRecord {
                                outcome: *outcome,
                                error: *error,
                                duration: *duration,
                                input,
                                source,
                                distro,
                                phases: *phases,
                                apis: *apis,
                                ..samples::foreign()
                            });
                        }
                    }
                }
            }
        }
        all
    }

    #[test]
    fn whatever_a_step_does_leads_to_one_of_eight_payloads() {
        let endings = endings();
        assert!(endings.len() > 80_000, "{}", endings.len());
        let lots = [samples::KEEP, Lot([255, 0]), Lot([255, 1]), Lot([255, 2]), Lot([255, 3])];
        for lot in lots {
            let reports: HashSet<_> = endings.iter().map(|record| record.report(lot)).collect();
            assert_eq!(reports.len(), if lot == samples::KEEP { 8 } else { 2 });
        }
        // What is made of a report depends on nothing else: the eight payloads, with all seeds the same.
        let mut payloads = [HashSet::new(), HashSet::new()];
        for record in endings.iter().step_by(2_011) {
            for lot in lots {
                let seeds = Seeds { lot, ..samples::seeds() };
                let key = InstrumentationKey::new([7; 16]);
                for (kind, seen) in
                    [PayloadKind::Otlp, PayloadKind::AzureMonitor(key)].into_iter().zip(&mut payloads)
                {
                    let payload = payload(record, &samples::ENVIRONMENT, kind, &seeds).unwrap();
                    let bytes: Vec<_> = payload.parts.into_iter().map(|part| part.bytes).collect();
                    seen.insert(bytes);
                }
            }
        }
        assert_eq!(payloads.map(|seen| seen.len()), [GUEST_STATES; 2]);
    }

    #[test]
    fn payloads_of_other_hours_and_ids_are_as_distinct() {
        let mut seen = HashSet::new();
        for (place, record) in endings().iter().enumerate().step_by(997) {
            let started = std::time::UNIX_EPOCH + std::time::Duration::from_secs(7_777 * place as u64);
            let seeds = Seeds { lot: samples::KEEP, ..Seeds::draw(started).unwrap() };
            let payload = payload(record, &samples::ENVIRONMENT, PayloadKind::Otlp, &seeds).unwrap();
            seen.insert(payload.distinct());
        }
        assert_eq!(seen.len(), GUEST_STATES);
    }
}

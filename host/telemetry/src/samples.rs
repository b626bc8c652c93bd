//! Records that tests share.

use std::time::{Duration, UNIX_EPOCH};

use crate::record::{Components, Environment, Report, RunRecord};
use crate::registry::*;
use crate::seeds::{BYTES, Lot, Seeds};

pub(crate) const ENVIRONMENT: Environment = Environment {
    version: ServiceVersion::Dev,
    install: InstallKind::SourceBuild,
    os: HostOs::Ubuntu2404,
    env: HostEnv::Wsl2,
    arch: HostArch::Amd64,
    ci: Ci::None,
};

/// A run that used a good deal and failed.
pub(crate) fn record() -> RunRecord {
    let mut record = RunRecord::new(Command::Customize);
    record.outcome = Outcome::UserError;
    record.error = ErrorType::PackageResolve;
    record.input = InputFormat::Vhdx;
    record.output = OutputFormat::Qcow2;
    record.source = BaseSource::File;
    record.distro = BaseDistro::Azurelinux3;
    record.duration = DurationClass::Lt64s;
    record.phases.set(Phase::Inspect, DurationClass::Lt16s);
    record.phases.set(Phase::Validate, DurationClass::Lt1s);
    record.phases.set(Phase::Import, DurationClass::Lt4s);
    record.phases.set(Phase::Customize, DurationClass::Lt4s);
    for api in [Api::Packages, Api::Users, Api::Scripts, Api::Storage] {
        record.apis.insert(api);
    }
    record
}

/// As [`record`], with a component that is not built in.
pub(crate) fn foreign() -> RunRecord {
    RunRecord { components: Components::Foreign, ..record() }
}

/// Keeps every class as it is.
pub(crate) const KEEP: Lot = Lot([0, 0]);

pub(crate) fn full() -> Report {
    record().report(KEEP)
}

pub(crate) fn minimal() -> Report {
    foreign().report(KEEP)
}

/// Seeds of a run at 10:34:56 on a day in 2026.
pub(crate) fn seeds() -> Seeds {
    let mut bytes = [0; BYTES];
    for (place, byte) in bytes.iter_mut().zip(0u8..) {
        *place = byte;
    }
    Seeds::from_bytes(UNIX_EPOCH + Duration::from_secs(1_786_185_296), &bytes)
}

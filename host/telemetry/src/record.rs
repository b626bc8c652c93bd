//! What is known of one run: closed sets, and no place for a text or a number.
//!
//! A record that holds only enums is taken. Each attempt below does one of these things with something else:
//!
//! ```
//! # use telemetry::{record::*, registry::*};
//! let mut record = RunRecord::new(Command::Customize);
//! record.outcome = Outcome::UserError;
//! record.error = ErrorType::ConfigInvalid;
//! record.duration = DurationClass::of(std::time::Duration::from_millis(63_700));
//! record.phases.set(Phase::Validate, DurationClass::Lt1s);
//! record.apis.insert(Api::Packages);
//! ```
//!
//! A text has no type to travel in:
//!
//! ```compile_fail,E0308
//! # use telemetry::{record::*, registry::*};
//! let mut record = RunRecord::new(Command::Customize);
//! record.error = "cannot read `/home/alice/image.vhdx`";
//! ```
//! ```compile_fail,E0308
//! # use telemetry::{record::*, registry::*};
//! let mut record = RunRecord::new(Command::Customize);
//! record.error = format!("{}", std::process::id());
//! ```
//!
//! Nor has a number:
//!
//! ```compile_fail,E0308
//! # use telemetry::{record::*, registry::*};
//! let mut record = RunRecord::new(Command::Customize);
//! record.duration = 63_700;
//! ```
//! ```compile_fail,E0605
//! # use telemetry::{record::*, registry::*};
//! let mut record = RunRecord::new(Command::Customize);
//! record.error = 7u8 as ErrorType;
//! ```
//! ```compile_fail,E0308
//! # use telemetry::{record::*, registry::*};
//! let mut record = RunRecord::new(Command::Customize);
//! record.phases.set(Phase::Validate, std::time::Duration::from_millis(812));
//! ```
//!
//! There is no field for anything else, and no way to one:
//!
//! ```compile_fail,E0609
//! # use telemetry::{record::*, registry::*};
//! let mut record = RunRecord::new(Command::Customize);
//! record.package = "db-server";
//! ```
//! ```compile_fail,E0277
//! # use telemetry::{record::*, registry::*};
//! let mut record = RunRecord::new(Command::Customize);
//! record.error = "config_invalid".parse().unwrap();
//! ```
//! ```compile_fail,E0616
//! # use telemetry::{record::*, registry::*};
//! let mut record = RunRecord::new(Command::Customize);
//! record.apis.0 = 0x41414141;
//! ```
//! ```compile_fail,E0603
//! # use telemetry::{record::*, registry::*};
//! use telemetry::closed_set::Attribute;
//! ```

use crate::closed_set::Shape;
use crate::registry::{
    Api, BaseDistro, BaseSource, Ci, CoarseDurationClass, Command, DurationClass, ErrorType, HostArch,
    HostEnv, HostOs, InputFormat, InstallKind, Outcome, OutputFormat, Phase, ServiceVersion,
};
use crate::seeds::Lot;

/// What the program can say about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// The subcommand.
    pub command: Command,
    /// How the run ended.
    pub outcome: Outcome,
    /// What went wrong.
    pub error: ErrorType,
    /// The format of the input image, told by its bytes.
    pub input: InputFormat,
    /// The format of the output image.
    pub output: OutputFormat,
    /// Where the input image came from.
    pub source: BaseSource,
    /// The distribution in the image.
    pub distro: BaseDistro,
    /// How long the run took.
    pub duration: DurationClass,
    /// The parts of the run that were entered.
    pub phases: Phases,
    /// The parts of the configuration language that were used.
    pub apis: Apis,
    /// Which components the run loaded; decides how much of the rest is sent.
    pub components: Components,
}

const _: () = assert!(size_of::<RunRecord>() <= 24);
const _: fn() = || {
    fn plain<T: Copy + 'static>() {}
    plain::<RunRecord>();
    plain::<Environment>();
};

impl RunRecord {
    /// The record of a run that has done nothing yet: a success of which nothing is known.
    #[must_use]
    pub const fn new(command: Command) -> Self {
        Self {
            command,
            outcome: Outcome::Success,
            error: ErrorType::None,
            input: InputFormat::None,
            output: OutputFormat::None,
            source: BaseSource::None,
            distro: BaseDistro::Unknown,
            duration: DurationClass::Lt1s,
            phases: Phases::NONE,
            apis: Apis::NONE,
            components: Components::BuiltIn,
        }
    }

    /// What of it is sent.
    ///
    /// A component that is not built in could use every field it influences to say something to whoever reads the
    /// telemetry. Therefore with one of them only whether the run succeeded is sent, a duration that is coarse and drawn
    /// by lot now and then, and what was settled before the component ran. Of a run that failed, what is learned
    /// of the input is left out too, because the component could choose to fail before or after it was learned.
    pub(crate) fn report(&self, lot: Lot) -> Report {
        let failed = self.outcome != Outcome::Success;
        let foreign = self.components == Components::Foreign;
        let (input, source, distro) = match foreign && failed {
            true => (InputFormat::None, BaseSource::None, BaseDistro::Unknown),
            false => (self.input, self.source, self.distro),
        };
        let (outcome, error) = match (failed, foreign) {
            (false, _) => (Outcome::Success, ErrorType::None),
            (true, true) => (Outcome::GuestError, ErrorType::GuestError),
            (true, false) if self.error == ErrorType::None => (self.outcome, ErrorType::Other),
            (true, false) => (self.outcome, self.error),
        };
        let detail = match foreign {
            true => Detail::Minimal { duration: lot.respond(self.duration.coarse()) },
            false => Detail::Full { duration: self.duration, phases: self.phases, apis: self.apis },
        };
        let Self { command, output, .. } = *self;
        Report { command, outcome, error, input, output, source, distro, detail }
    }
}

/// Which components a run loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Components {
    /// None, or only those that are built in.
    BuiltIn,
    /// At least one that is not built in, even if it was only asked to describe itself.
    Foreign,
}

/// Which parts of a run were entered, and how long each took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Phases([Option<DurationClass>; Phase::ALL.len()]);

impl Phases {
    /// None was entered.
    pub const NONE: Self = Self([None; Phase::ALL.len()]);

    /// Says that a part was entered and how long it took.
    pub fn set(&mut self, phase: Phase, duration: DurationClass) {
        if let Some(place) = self.0.get_mut(phase as usize) {
            *place = Some(duration);
        }
    }

    /// The parts that were entered, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (Phase, DurationClass)> + '_ {
        Phase::ALL.iter().zip(&self.0).filter_map(|(phase, duration)| Some((*phase, (*duration)?)))
    }
}

/// Which parts of the configuration language a run used. How often is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Apis(u32);

const _: () = assert!(Api::ALL.len() <= u32::BITS as usize);

impl Apis {
    /// None.
    pub const NONE: Self = Self(0);

    /// Says that a part was used.
    pub const fn insert(&mut self, api: Api) {
        self.0 |= 1 << api as u32;
    }

    /// Whether a part was used.
    #[must_use]
    pub const fn contains(self, api: Api) -> bool {
        self.0 & (1 << api as u32) != 0
    }

    /// The parts that were used, in the order of the registry.
    pub fn iter(self) -> impl Iterator<Item = Api> {
        Api::ALL.iter().copied().filter(move |api| self.contains(*api))
    }
}

impl DurationClass {
    /// The coarse class that holds all of this one.
    #[must_use]
    pub const fn coarse(self) -> CoarseDurationClass {
        match self {
            Self::Lt1s | Self::Lt4s | Self::Lt16s => CoarseDurationClass::Lt16s,
            Self::Lt64s => CoarseDurationClass::Lt64s,
            Self::Lt256s => CoarseDurationClass::Lt256s,
            Self::Lt1024s | Self::Ge1024s => CoarseDurationClass::Ge256s,
        }
    }
}

/// What kind of machine the run was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The release of the program.
    pub version: ServiceVersion,
    /// How the program came to the machine.
    pub install: InstallKind,
    /// The host's operating system.
    pub os: HostOs,
    /// What the program runs inside of.
    pub env: HostEnv,
    /// The processor architecture.
    pub arch: HostArch,
    /// The service of continuous integration.
    pub ci: Ci,
}

/// What is sent of a [`RunRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Report {
    pub(crate) command: Command,
    pub(crate) outcome: Outcome,
    pub(crate) error: ErrorType,
    pub(crate) input: InputFormat,
    pub(crate) output: OutputFormat,
    pub(crate) source: BaseSource,
    pub(crate) distro: BaseDistro,
    pub(crate) detail: Detail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Detail {
    Full { duration: DurationClass, phases: Phases, apis: Apis },
    Minimal { duration: CoarseDurationClass },
}

impl Report {
    pub(crate) const fn shape(&self) -> Shape {
        match self.detail {
            Detail::Full { .. } => Shape::Full,
            Detail::Minimal { .. } => Shape::Minimal,
        }
    }
}

//! What a run tells while it goes on.

/// The parts of a run, in their order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The configuration is read and checked.
    Validate,
    /// The input image becomes the working file.
    Import,
    /// Partitions, file systems and operating system are looked at.
    Inspect,
    /// Steps run.
    Customize,
    /// File systems are written back, trimmed and checked.
    Seal,
    /// The output image is written.
    Export,
}

impl Phase {
    /// One word for a person.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Validate => "validating",
            Self::Import => "importing",
            Self::Inspect => "inspecting",
            Self::Customize => "customizing",
            Self::Seal => "checking",
            Self::Export => "exporting",
        }
    }
}

/// Hears what a run is doing. Called from the run's own thread.
pub trait Observer {
    /// A phase begins.
    fn phase(&self, phase: Phase);
    /// `done` of `total` units of the phase are done: bytes while importing and exporting, steps while customizing.
    fn progress(&self, done: u64, total: u64);
}

/// Hears nothing.
pub struct Silent;

impl Observer for Silent {
    fn phase(&self, _: Phase) {}
    fn progress(&self, _: u64, _: u64) {}
}

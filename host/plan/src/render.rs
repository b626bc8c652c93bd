//! The plan as text for a person.

use crate::plan::{ArtifactSource, Plan, PlannedStep};
use std::fmt;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (input, image, output) = (&self.input, &self.image, &self.output);
        writeln!(f, "input   {} ({}, {} bytes)", input.path.display(), input.format, input.disk_size)?;
        writeln!(f, "image   {}, {}", image.distribution.name(), image.architecture)?;
        writeln!(f, "files   {}: {}", self.back_end.name, self.back_end.reason)?;
        for file_system in &image.file_systems {
            let (partition, kind) = (file_system.partition, &file_system.kind);
            writeln!(f, "        {:<12} partition {partition}, {kind}", file_system.mount_point)?;
        }
        for (index, step) in self.steps.iter().enumerate() {
            write_step(f, index + 1, step)?;
        }
        for seal in &self.seal {
            let trim = if seal.trim { "trim, " } else { "" };
            writeln!(f, "seal    {:<12} {trim}{}", seal.file_system.mount_point, seal.check)?;
        }
        write!(f, "output  {} ({})", output.path.display(), output.format)
    }
}

fn write_step(f: &mut fmt::Formatter<'_>, number: usize, step: &PlannedStep) -> fmt::Result {
    writeln!(f, "step {number:<2} {:<12} because of {}", step.step.name(), step.reason)?;
    writeln!(f, "        settings     {}", step.settings)?;
    for (name, source) in &step.artifacts {
        match source {
            ArtifactSource::File(path) => writeln!(f, "        {name:<12} file {}", path.display())?,
            ArtifactSource::Directory(path) => {
                writeln!(f, "        {name:<12} directory {}", path.display())?
            }
            ArtifactSource::InlineBytes(secret) => writeln!(f, "        {name:<12} {} bytes", secret.len())?,
        }
    }
    Ok(())
}

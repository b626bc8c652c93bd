//! The plan as text for a person.

use crate::plan::{ArtifactSource, Limits, Plan, PlannedStep, Scope};
use std::fmt;
use units::PathPattern;

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

/// `read everything but secrets, change /etc/motd, make device nodes`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |patterns: &[PathPattern]| match patterns {
            [] => "nothing".to_owned(),
            _ => patterns.iter().map(PathPattern::as_str).collect::<Vec<_>>().join(", "),
        };
        let read = self.read.as_ref().map_or("everything but secrets".to_owned(), |read| list(read));
        let nodes = if self.nodes { ", make device nodes" } else { "" };
        write!(f, "read {read}, change {}{nodes}", list(&self.write))
    }
}

/// `memory 67108864 bytes, 90 seconds`.
impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, time, log, open_files, written } = *self;
        let all = [
            memory.map(|bytes| format!("{bytes} bytes of memory")),
            time.map(|seconds| format!("{seconds} seconds")),
            log.map(|bytes| format!("{bytes} bytes of log")),
            open_files.map(|files| format!("{files} open files")),
            written.map(|bytes| format!("{bytes} bytes written")),
        ];
        f.write_str(&all.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

fn write_step(f: &mut fmt::Formatter<'_>, number: usize, step: &PlannedStep) -> fmt::Result {
    writeln!(f, "step {number:<2} {:<12} because of {}", step.step.name(), step.reason)?;
    if let Some(component) = &step.component {
        let digest = component.sha256.as_ref().map(|digest| format!(", sha256 {digest}"));
        writeln!(f, "        component    {}{}", component.source, digest.unwrap_or_default())?;
    }
    if let Some(scope) = &step.scope {
        writeln!(f, "        may          {scope}")?;
    }
    if step.limits != Limits::default() {
        writeln!(f, "        limits       {}", step.limits)?;
    }
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

//! Conversions that `qemu-img` does. Formats are always named, so that nothing is probed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use program::Program;

use crate::error::Operation;
use crate::{Error, ErrorKind, InputFormat, OutputFormat, Result};

/// Sixteen requests at a time, written in any order: several times faster from qcow2.
const PARALLEL: [&str; 3] = ["-W", "-m", "16"];

/// Writes the disk in `input` to the plain file `work`.
pub(crate) fn to_raw(input: &Path, format: InputFormat, work: &Path) -> Result<()> {
    let driver = match format {
        InputFormat::Raw => "driver=raw",
        InputFormat::Qcow2 => "driver=qcow2",
        InputFormat::Vhdx => "driver=vhdx",
        InputFormat::VhdDynamic | InputFormat::VhdFixed => "driver=vpc,force_size_calc=current_size",
    };
    let failed = |error| failure(error, Operation::Import, input);
    let source = image_options(driver, &absolute(input, Operation::Import)?);
    let command = Program::QemuImg.command().map_err(failed)?.arg("convert").args(PARALLEL);
    let work = absolute(work, Operation::Import)?;
    command.arg("--image-opts").arg(source).args(["-O", "raw"]).arg(work).run().map_err(failed)?;
    Ok(())
}

/// Writes the plain file `work` to `output` in `format`.
pub(crate) fn from_raw(work: &Path, output: &Path, format: OutputFormat) -> Result<()> {
    let arguments: &[&str] = match format {
        OutputFormat::Raw => &["-O", "raw"],
        OutputFormat::Qcow2 => &["-O", "qcow2"],
        OutputFormat::Vhdx => &["-O", "vhdx", "-o", "block_size=2097152"],
        OutputFormat::VhdDynamic => &["-O", "vpc", "-o", "subformat=dynamic,force_size=on"],
        OutputFormat::VhdFixed => &["-O", "vpc", "-o", "subformat=fixed,force_size=on"],
    };
    let failed = |error| failure(error, Operation::Export, output);
    let command =
        Program::QemuImg.command().map_err(failed)?.arg("convert").args(["-f", "raw"]).args(arguments);
    let (work, output) = (absolute(work, Operation::Export)?, absolute(output, Operation::Export)?);
    command.args(PARALLEL).arg(work).arg(output).run().map_err(failed)?;
    Ok(())
}

/// `qemu-img` takes what stands before a colon for a protocol, but not in an absolute path.
fn absolute(path: &Path, operation: Operation) -> Result<PathBuf> {
    std::path::absolute(path).map_err(Error::io(operation, path))
}

/// The option list for an image; a comma within the path is doubled.
fn image_options(driver: &str, path: &Path) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let mut options = format!("{driver},file.driver=file,file.filename=").into_bytes();
    for byte in path.as_os_str().as_bytes() {
        options.push(*byte);
        if *byte == b',' {
            options.push(b',');
        }
    }
    OsString::from_vec(options)
}

fn failure(error: program::Error, operation: Operation, path: &Path) -> Error {
    let kind = match error.kind() {
        program::ErrorKind::ProgramMissing => ErrorKind::ProgramMissing,
        _ => ErrorKind::ProgramFailed,
    };
    Error::new(kind, operation, path).caused_by(error)
}

//! From the working file to an image, which appears whole or not at all.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use units::ByteSize;

use crate::error::{Operation, Reason};
use crate::partial::{Partial, directory_of, remove_stale};
use crate::raw::{Copier, Target, Used, clone_whole};
use crate::vhd::{DiskType, Footer};
use crate::{Error, ErrorKind, OutputFormat, Result, qcow2, vhd, vhdx};

/// The most links that are followed from one name to the next, as in the kernel.
const MAX_LINKS: usize = 40;

/// What makes two equal runs write equal bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportOptions {
    /// When the image says it was made, in seconds since 1970.
    pub source_date_epoch: u64,
    /// Where identifiers of the image come from. Two images that differ should have different seeds.
    pub seed: [u8; 16],
}

/// Writes the plain disk in `work` to `output` as an image of `format`. `work` is consumed: its content may be changed,
/// it may become the output, and afterwards it is gone. When this fails, `output` is as it was, and `work` may remain,
/// with its content lost.
///
/// If `output` is a link, the file it leads to is replaced. `progress` is told of the bytes done and their total.
///
/// # Errors
/// - [`ErrorKind::OutputIsDirectory`], [`ErrorKind::OutputNotFile`].
/// - [`ErrorKind::TooLarge`]: the format cannot hold a disk of this size.
/// - [`ErrorKind::Io`].
pub fn export(
    work: PathBuf,
    output: &Path,
    format: OutputFormat,
    options: &ExportOptions,
    progress: &dyn Fn(u64, u64),
) -> Result<()> {
    let output = resolve_output(output)?;
    let io_error = Error::io(Operation::Export, &work);
    let file = File::options().read(true).write(true).open(&work).map_err(&io_error)?;
    let size = file.metadata().map_err(&io_error)?.len();
    let size =
        size.checked_next_multiple_of(512).ok_or_else(|| io_error(io::ErrorKind::FileTooLarge.into()))?;
    refuse_too_large(size, format, &output)?;
    file.set_len(size).map_err(&io_error)?;
    remove_stale(&output);
    match format {
        OutputFormat::Raw => publish(&file, &work, &output, progress)?,
        OutputFormat::VhdFixed => {
            let footer = Footer { disk_type: DiskType::Fixed, current_size: size, data_offset: u64::MAX };
            let footer = footer.write(options.source_date_epoch, options.seed);
            file.write_all_at(&footer, size).map_err(&io_error)?;
            publish(&file, &work, &output, progress)?;
        }
        format => {
            let used = Used { source: &file, size, progress };
            if shares_file_system(&file, &output)
                && convert_in_place(&used, format, options).map_err(&io_error)?
            {
                publish(&file, &work, &output, progress)?;
            } else {
                write_beside(&used, &output, format, options)
                    .map_err(Error::io(Operation::Export, &output))?;
            }
        }
    }
    match std::fs::remove_file(&work) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(error)),
        _ => Ok(()),
    }
}

/// Makes sure, as far as can be told without writing, that an image can be put at `output`. A directory that is not
/// there yet is no fault.
///
/// # Errors
/// - [`ErrorKind::OutputIsDirectory`], [`ErrorKind::OutputNotFile`].
/// - [`ErrorKind::Io`]: the directory of the output may not be written.
pub fn check_output(output: &Path) -> Result<()> {
    let path = resolve_output(output)?;
    match accessat(CWD, directory_of(&path), Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(Error::io(Operation::Export, output)(error.into())),
    }
}

/// Gives the working file the output's name; where that is on another file system, copies it there first.
fn publish(file: &File, work: &Path, output: &Path, progress: &dyn Fn(u64, u64)) -> Result<()> {
    let io_error = Error::io(Operation::Export, output);
    let total = file.metadata().map_err(&io_error)?.len();
    file.set_permissions(std::fs::Permissions::from_mode(new_file_mode())).map_err(&io_error)?;
    file.sync_all().map_err(&io_error)?;
    match std::fs::rename(work, output) {
        Ok(()) => {
            progress(total, total);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let partial = Partial::create(output).map_err(&io_error)?;
            copy_whole(file, &partial.file, total, progress).map_err(&io_error)?;
            partial.finish(output).map_err(&io_error)
        }
        Err(error) => Err(io_error(error)),
    }
}

fn copy_whole(source: &File, target: &File, len: u64, progress: &dyn Fn(u64, u64)) -> io::Result<()> {
    if clone_whole(source, target) {
        progress(len, len);
        return Ok(());
    }
    Copier::new(source, target, len, progress)?.copy(0, 0, len)
}

/// Whether `file` could be renamed to `output`, as far as can be told without trying.
fn shares_file_system(file: &File, output: &Path) -> bool {
    let directory = directory_of(output).metadata();
    file.metadata().is_ok_and(|file| directory.is_ok_and(|directory| file.dev() == directory.dev()))
}

/// Turns the working file itself into the image; false, with the file as it was, when that cannot be done.
fn convert_in_place(used: &Used<'_>, format: OutputFormat, options: &ExportOptions) -> io::Result<bool> {
    match format {
        OutputFormat::Qcow2 => qcow2::convert_in_place(used),
        OutputFormat::Vhdx => vhdx::convert_in_place(used, options.seed),
        // Blocks of the dynamic kind start in the middle of the file system's blocks.
        OutputFormat::Raw | OutputFormat::VhdFixed | OutputFormat::VhdDynamic => Ok(false),
    }
}

/// Writes the image to a file of its own, which then gets the output's name.
fn write_beside(
    used: &Used<'_>,
    output: &Path,
    format: OutputFormat,
    options: &ExportOptions,
) -> io::Result<()> {
    let partial = Partial::create(output)?;
    let target = Target::new(&partial.file, used.source)?;
    match format {
        OutputFormat::Qcow2 => qcow2::write(used, &target)?,
        OutputFormat::Vhdx => vhdx::write(used, &target, options.seed)?,
        OutputFormat::VhdDynamic => vhd::write(used, &target, options.source_date_epoch, options.seed)?,
        OutputFormat::Raw | OutputFormat::VhdFixed => {}
    }
    partial.finish(output)
}

/// The path at which the output is to be put: `output`, or where it leads if it is a link.
fn resolve_output(output: &Path) -> Result<PathBuf> {
    let refuse = |kind, reason| Err(Error::new(kind, Operation::Export, output).caused_by(reason));
    let mut path = output.to_owned();
    for _ in 0..MAX_LINKS {
        if path.file_name().is_none() {
            return refuse(ErrorKind::OutputIsDirectory, Reason::NoFileName);
        }
        let metadata = match std::fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(Error::io(Operation::Export, output)(error)),
        };
        let kind = metadata.file_type();
        if kind.is_file() {
            return Ok(path);
        } else if kind.is_dir() {
            return refuse(ErrorKind::OutputIsDirectory, Reason::Directory);
        } else if !kind.is_symlink() {
            return refuse(ErrorKind::OutputNotFile, Reason::NotRegular);
        }
        let target = std::fs::read_link(&path).map_err(Error::io(Operation::Export, output))?;
        path = directory_of(&path).join(target);
    }
    refuse(ErrorKind::Io, Reason::LinkLoop)
}

fn refuse_too_large(size: u64, format: OutputFormat, output: &Path) -> Result<()> {
    let limit = match format {
        OutputFormat::VhdDynamic | OutputFormat::VhdFixed => vhd::MAX_SIZE,
        _ => crate::MAX_VIRTUAL_SIZE,
    };
    let size = ByteSize::new(size);
    if size <= limit {
        return Ok(());
    }
    let reason = Reason::TooLarge { size, limit };
    Err(Error::new(ErrorKind::TooLarge, Operation::Export, output).caused_by(reason))
}

/// The permissions of a new file: readable by all but for what the umask takes away. The umask can only be asked for by
/// setting it, which other threads would notice; the kernel shows it in a file.
fn new_file_mode() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    let umask = umask.and_then(|digits| u32::from_str_radix(digits.trim(), 8).ok());
    0o644 & !umask.unwrap_or(0o022)
}

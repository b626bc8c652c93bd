//! Tells the format of a file by its content; the name says nothing.

use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use units::ByteSize;

use crate::error::{Operation, Reason};
use crate::{Error, ErrorKind, InputFormat, MAX_VIRTUAL_SIZE, Result, qcow2, vhd, vhdx};

/// How much of the file's start is looked at, in bytes: up to the mark of an ISO 9660 image.
const HEAD: usize = 33 << 10;
/// Formats that are recognised to be refused: where their mark lies, in bytes.
const REFUSED: [(usize, &[u8], &str); 10] = [
    (0, b"KDMV", "vmdk"),
    (0, b"COWD", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (0, b"QED\0", "qed"),
    (0, b"QFI\xfb\0\0\0\x01", "qcow"),
    (0, b"WithoutFreeSpace", "parallels"),
    (0, b"WithouFreSpacExt", "parallels"),
    (0, b"LUKS\xba\xbe", "luks"),
    (0x40, b"\x7f\x10\xda\xbe", "vdi"),
    (0x8001, b"CD001", "iso"),
];

/// What an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detected {
    /// Its format.
    pub format: InputFormat,
    /// The size of the disk, rounded up to 512 bytes.
    pub virtual_size: ByteSize,
}

/// Tells the format of the image at `path` and the size of its disk, by its content.
///
/// # Errors
/// - [`ErrorKind::InputNotFile`], [`ErrorKind::Io`].
/// - [`ErrorKind::Unsupported`]: another format, or a feature that is refused: backing files, external data files,
///   encryption, differencing disks, and what is not known.
/// - [`ErrorKind::GeometrySized`], [`ErrorKind::Corrupt`], [`ErrorKind::TooLarge`].
pub fn detect(path: &Path) -> Result<Detected> {
    Ok(Opened::open(path, Operation::Detect)?.detected)
}

/// An image that is open for reading, and what it is.
pub(crate) struct Opened {
    pub(crate) file: File,
    /// Bytes in the file.
    pub(crate) len: u64,
    pub(crate) detected: Detected,
    pub(crate) layout: Layout,
}

/// What is needed to read an image.
#[derive(Debug)]
pub(crate) enum Layout {
    /// The disk is the first `len` bytes of the file.
    Plain {
        len: u64,
    },
    Qcow2(qcow2::Header),
    Vhdx(vhdx::Layout),
    /// The disk has `size` bytes; the header of the dynamic part is at byte `header` of the file.
    VhdDynamic {
        size: u64,
        header: u64,
    },
}

impl Opened {
    pub(crate) fn open(path: &Path, operation: Operation) -> Result<Self> {
        let io_error = Error::io(operation, path);
        // Opening a FIFO for reading would wait for a writer.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let file = File::options().read(true).custom_flags(flags).open(path).map_err(&io_error)?;
        let metadata = file.metadata().map_err(&io_error)?;
        if !metadata.is_file() {
            return Err(Error::new(ErrorKind::InputNotFile, operation, path).caused_by(Reason::NotRegular));
        }
        let len = metadata.len();
        let (detected, layout) =
            identify(&file, len).map_err(|failure| failure.into_error(operation, path))?;
        Ok(Self { file, len, detected, layout })
    }
}

/// A failure that does not know its file yet.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) offset: Option<u64>,
    pub(crate) source: Box<dyn std::error::Error + Send + Sync>,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, offset: None, source: source.into() }
    }

    pub(crate) fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    pub(crate) fn into_error(self, operation: Operation, path: &Path) -> Error {
        let error = Error::new(self.kind, operation, path).caused_by(self.source);
        match self.offset {
            Some(offset) => error.at(offset),
            None => error,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(source: std::io::Error) -> Self {
        let kind = match source.kind() {
            // The file system of the working file has no files of that size.
            std::io::ErrorKind::FileTooLarge => ErrorKind::TooLarge,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::NoRoom,
            _ => ErrorKind::Io,
        };
        Self::new(kind, source)
    }
}

/// Reads no more than the start and the end of the file, whatever these say.
fn identify(file: &File, len: u64) -> std::result::Result<(Detected, Layout), Failure> {
    let head = read_up_to(file, 0, HEAD)?;
    let refused =
        REFUSED.iter().find(|(at, mark, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(mark)));
    if let Some((_, _, name)) = refused {
        return Err(Failure::new(ErrorKind::Unsupported, Reason::Format(name)));
    }
    let (format, size, layout) = if head.starts_with(qcow2::MAGIC) {
        let header = qcow2::Header::parse(&head, len)?;
        (InputFormat::Qcow2, header.size, Layout::Qcow2(header))
    } else if head.starts_with(vhdx::SIGNATURE) {
        let layout = vhdx::layout(file, len)?;
        (InputFormat::Vhdx, layout.virtual_size, Layout::Vhdx(layout))
    } else if let Some(found) = vhd::identify(file, len, &head)? {
        let size = found.virtual_size;
        match found.format {
            InputFormat::VhdDynamic => {
                (found.format, size, Layout::VhdDynamic { size, header: found.data_offset })
            }
            format => (format, size, Layout::Plain { len: size }),
        }
    } else {
        (InputFormat::Raw, len, Layout::Plain { len })
    };
    let (size, limit) = (ByteSize::new(size), MAX_VIRTUAL_SIZE);
    let rounded = size.checked_round_up(ByteSize::new(512)).filter(|rounded| *rounded <= limit);
    let virtual_size =
        rounded.ok_or_else(|| Failure::new(ErrorKind::TooLarge, Reason::TooLarge { size, limit }))?;
    Ok((Detected { format, virtual_size }, layout))
}

/// The bytes from `offset` on: `count` of them, or fewer at the end of the file.
pub(crate) fn read_up_to(file: &File, offset: u64, count: usize) -> std::io::Result<Vec<u8>> {
    let mut buffer = vec![0; count];
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

//! Where the partitions of a new disk begin and end.

use units::ByteSize;

use super::partitions::{explicit_size, is_grow};
use crate::decode::clip;
use crate::diagnostic::Diagnostic;
use crate::model::scalars::MIB;
use crate::model::storage::{Disk, Partition};
use crate::rule::Rule;
use crate::source::Span;

/// What the partition table takes at the start of the disk: 34 sectors of 512 bytes, rounded up.
const HEADER: u64 = MIB;
/// What the partition table takes at the end of the disk: 33 sectors of 512 bytes, rounded up.
const FOOTER: u64 = MIB;

/// The layout of a disk, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskLayout {
    /// The size of the disk.
    pub size: u64,
    /// The partitions in disk order.
    pub partitions: Vec<PartitionExtent>,
}

/// Where a partition lies, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionExtent {
    /// The first byte.
    pub start: u64,
    /// The byte behind the last one.
    pub end: u64,
}

impl PartitionExtent {
    /// The size.
    pub fn size(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// A partition whose end may still depend on the disk's size.
struct Open {
    start: u64,
    end: Option<u64>,
}

/// Computes the layout, or says which rule makes that impossible.
///
/// # Errors
/// The broken rule.
pub(crate) fn layout(disk: &Disk) -> Result<DiskLayout, Diagnostic> {
    let max_size = disk.max_size.as_ref().map(|size| size.bytes());
    let Some(first) = disk.partitions.first() else {
        return match max_size {
            Some(size) => Ok(DiskLayout { size, partitions: Vec::new() }),
            None => {
                Err(problem(Rule::DiskSizeUnknown, disk.at, "the disk has neither partitions nor `maxSize`"))
            }
        };
    };
    let open = extents(disk)?;
    if open.first().is_some_and(|extent| extent.start < HEADER) {
        let message = "the first partition begins before 1 MiB, where the partition table lies";
        return Err(problem(Rule::PartitionFirstStart, start_of(first), message));
    }
    close(disk, &open, max_size)
}

fn problem(rule: Rule, at: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(rule, "storage.disks[0].partitions", at, message)
}

fn start_of(partition: &Partition) -> Span {
    partition.start.as_ref().map_or(partition.at, |start| start.at)
}

/// Start and, where the partition itself tells it, end of each partition.
fn extents(disk: &Disk) -> Result<Vec<Open>, Diagnostic> {
    let mut extents: Vec<Open> = Vec::with_capacity(disk.partitions.len());
    let mut next = Some(HEADER);
    for partition in &disk.partitions {
        // Only the last partition may grow; one behind it has nowhere to begin.
        let Some(before) = next else {
            let name = clip(super::text_of(&partition.id));
            let message = format!("the partition before `{name}` has no end: only the last one may grow");
            let hint = "give each partition but the last one a size or an end";
            return Err(problem(Rule::PartitionGrowLast, partition.at, message).hint(hint));
        };
        let start = partition.start.as_ref().map_or(before, |start| start.bytes());
        if start < before && !extents.is_empty() {
            let message = format!(
                "the partition begins at {}, inside the one before, which ends at {}",
                ByteSize::new(start),
                ByteSize::new(before)
            );
            return Err(problem(Rule::PartitionOverlap, start_of(partition), message));
        }
        let end = end_of(partition, start)?;
        extents.push(Open { start, end });
        next = end;
    }
    Ok(extents)
}

fn end_of(partition: &Partition, start: u64) -> Result<Option<u64>, Diagnostic> {
    if let Some(end) = &partition.end {
        if end.bytes() <= start {
            let message =
                format!("the partition ends at {}, but begins at {}", end.size(), ByteSize::new(start));
            return Err(problem(Rule::PartitionEndAfterStart, end.at, message));
        }
        return Ok(Some(end.bytes()));
    }
    match explicit_size(partition) {
        None => Ok(None),
        Some(size) => start.checked_add(size).map(Some).ok_or_else(|| {
            problem(Rule::PartitionEndAfterStart, partition.at, "the end of the partition is too large")
        }),
    }
}

/// Fixes the disk's size and the end of a growing last partition.
fn close(disk: &Disk, open: &[Open], max_size: Option<u64>) -> Result<DiskLayout, Diagnostic> {
    let (last, at) = match (open.last(), disk.partitions.last()) {
        (Some(last), Some(partition)) => (last, partition.at),
        _ => return Ok(DiskLayout { size: max_size.unwrap_or(0), partitions: Vec::new() }),
    };
    let least_end = last.end.unwrap_or(last.start.saturating_add(MIB));
    let least_size = least_end.saturating_add(FOOTER);
    let size = match (max_size, last.end) {
        (None, Some(_)) => least_size,
        (None, None) => {
            let grows = disk.partitions.last().is_some_and(is_grow);
            let what = if grows { "grows" } else { "has no size" };
            let message = format!("the last partition {what}, but the disk has no `maxSize`");
            let hint = "set `maxSize` of the disk, or the partition's size";
            return Err(problem(Rule::DiskSizeUnknown, at, message).hint(hint));
        }
        (Some(size), _) if size < least_size => {
            let at = disk.max_size.as_ref().map_or(at, |size| size.at);
            let message = format!(
                "the partitions need a disk of {}, but `maxSize` is {}",
                ByteSize::new(least_size),
                ByteSize::new(size)
            );
            return Err(problem(Rule::DiskTooSmall, at, message));
        }
        (Some(size), _) => size,
    };
    let partitions = open
        .iter()
        .map(|extent| PartitionExtent {
            start: extent.start,
            end: extent.end.unwrap_or(size.saturating_sub(FOOTER)),
        })
        .collect();
    Ok(DiskLayout { size, partitions })
}

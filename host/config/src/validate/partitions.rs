//! Rules of disks and partitions, each by itself.

use super::text::is_uuid;
use super::{Checker, given, layout, text_of};
use crate::decode::clip;
use crate::diagnostic::nearest;
use crate::model::scalars::PartitionSize;
use crate::model::storage::{Disk, Partition};
use crate::partition_type::NAMES;
use crate::rule::Rule;

/// The longest label that the partition table can hold.
const MAX_LABEL: usize = 35;

pub(super) fn check_disk(disk: &Disk, checker: &mut Checker) {
    const FIELD: &str = "storage.disks[0]";
    let before = checker.count();
    if disk.partition_table_type.is_none() {
        let field = format!("{FIELD}.partitionTableType");
        let hint = "add `partitionTableType: gpt`";
        checker.fail_hint(Rule::PartitionTableType, &field, disk.at, format!("`{field}` is required"), hint);
    }
    if let Some(size) = &disk.max_size
        && size.bytes() == 0
    {
        checker.fail(Rule::DiskMaxSize, &format!("{FIELD}.maxSize"), size.at, "`maxSize` is zero");
    }
    for (index, partition) in disk.partitions.iter().enumerate() {
        check_partition(partition, &format!("{FIELD}.partitions[{index}]"), checker);
    }
    if checker.count() == before
        && let Err(problem) = layout(disk)
    {
        checker.problems.push(problem);
    }
}

fn check_partition(partition: &Partition, field: &str, checker: &mut Checker) {
    if let Some(label) = given(&partition.label)
        && (!label.is_ascii() || label.len() > MAX_LABEL)
    {
        let message = format!("invalid label `{}`: a label is at most 35 ASCII characters", clip(label));
        checker.fail(Rule::PartitionLabel, &format!("{field}.label"), label.at, message);
    }
    if let (Some(end), Some(_)) = (&partition.end, &partition.size) {
        let message = "the partition has both `end` and `size`";
        checker.fail_hint(Rule::PartitionEndOrSize, field, end.at, message, "keep one of them");
    }
    if let Some(size) = &partition.size
        && explicit_size(partition) == Some(0)
    {
        checker.fail(Rule::PartitionSizeZero, &format!("{field}.size"), size.at, "the size is zero");
    }
    if let (Some(start), Some(end)) = (&partition.start, &partition.end)
        && start.bytes() >= end.bytes()
    {
        let message = format!("the partition ends at {end}, but begins at {start}");
        checker.fail(Rule::PartitionEndAfterStart, &format!("{field}.end"), end.at, message);
    }
    check_type(partition, field, checker);
}

fn check_type(partition: &Partition, field: &str, checker: &mut Checker) {
    let Some(kind) = given(&partition.kind) else { return };
    if is_uuid(kind) || NAMES.iter().any(|(name, ..)| *name == kind.value) {
        return;
    }
    let names = || NAMES.iter().map(|(name, ..)| *name);
    let hint = match nearest(kind, names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
            format!("one of {}, or a type id as `0fc63daf-8483-4772-8e79-3d69d8477de4`", names.join(", "))
        }
    };
    let message = format!("unknown partition type `{}`", clip(kind));
    checker.fail_hint(Rule::PartitionType, &format!("{field}.type"), kind.at, message, hint);
}

/// The size in bytes, where it is given as such.
pub(super) fn explicit_size(partition: &Partition) -> Option<u64> {
    match partition.size.as_ref()?.value {
        PartitionSize::Fixed(size) => Some(size.bytes()),
        PartitionSize::Grow => None,
    }
}

/// Whether the partition is said to grow.
pub(super) fn is_grow(partition: &Partition) -> bool {
    matches!(partition.size.as_ref().map(|size| size.value), Some(PartitionSize::Grow))
}

/// Whether the partition's type is this name; a type id that means the same does not count.
pub(super) fn is_type(partition: &Partition, name: &str) -> bool {
    text_of(&partition.kind) == name
}

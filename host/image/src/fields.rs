//! Fixed-size fields out of byte slices. `None` means that the slice is too short.

pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

pub(crate) fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(crate) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_le(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

pub(crate) fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

pub(crate) fn u64_be(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

/// Writes `value` over the bytes at `at`. The buffers that are written to are our own and large enough; bytes that
/// would not fit are left out.
pub(crate) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    let room = bytes.get_mut(at..).unwrap_or_default();
    for (target, byte) in room.iter_mut().zip(value) {
        *target = *byte;
    }
}

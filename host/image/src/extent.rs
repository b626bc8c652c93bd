//! What a container says about its disk: which bytes of the file are which bytes of the disk.

use std::io;

use crate::ErrorKind;
use crate::detect::Failure;

/// A part of the disk that the file holds. What no piece covers is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// `len` bytes at `from` in the file are those at `to` of the disk.
    Stored { to: u64, from: u64, len: u64 },
    /// `packed` bytes at `from` in the file become `len` bytes at `to` of the disk when they are decompressed.
    /// There may be fewer: the last cluster of a file is not filled up.
    Packed { to: u64, from: u64, packed: u64, len: u64 },
}

/// Takes pieces in ascending order of `to`.
pub(crate) type Sink<'a> = dyn FnMut(Piece) -> Result<(), Failure> + 'a;

/// Joins stored pieces that follow each other in file and disk, so that they are copied by one call.
pub(crate) struct Joiner<'a> {
    pending: Option<(u64, u64, u64)>,
    sink: &'a mut Sink<'a>,
}

impl<'a> Joiner<'a> {
    pub(crate) fn new(sink: &'a mut Sink<'a>) -> Self {
        Self { pending: None, sink }
    }

    pub(crate) fn add(&mut self, piece: Piece) -> Result<(), Failure> {
        let Piece::Stored { to, from, len } = piece else {
            self.flush()?;
            return (self.sink)(piece);
        };
        if let Some((old_to, old_from, old_len)) = &mut self.pending
            && old_to.checked_add(*old_len) == Some(to)
            && old_from.checked_add(*old_len) == Some(from)
        {
            *old_len = old_len.saturating_add(len);
            return Ok(());
        }
        self.flush()?;
        self.pending = Some((to, from, len));
        Ok(())
    }

    /// Must be called after the last piece.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        match self.pending.take() {
            Some((to, from, len)) => (self.sink)(Piece::Stored { to, from, len }),
            None => Ok(()),
        }
    }
}

/// Counts the bytes of a file that are used. No byte has two uses, so there cannot be more of them than the file has;
/// without this check a small file could claim to be a disk full of one block repeated.
pub(crate) struct Budget {
    left: u64,
}

impl Budget {
    pub(crate) fn new(file_len: u64) -> Self {
        Self { left: file_len }
    }

    pub(crate) fn spend(&mut self, bytes: u64) -> Result<(), Failure> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or_else(|| Failure::new(ErrorKind::Corrupt, UsedTwice))?;
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("some bytes of the file are used for several parts of the disk")]
struct UsedTwice;

/// What is thrown when a read ends early, although the file was long enough before.
pub(crate) fn ended_early(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Failure::new(ErrorKind::InputChanged, error),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_joined_and_order_is_kept() {
        let mut seen = Vec::new();
        let mut sink = |piece| {
            seen.push(piece);
            Ok(())
        };
        let mut joiner = Joiner::new(&mut sink);
        let stored = |to, from, len| Piece::Stored { to, from, len };
        let packed = Piece::Packed { to: 40, from: 7, packed: 3, len: 10 };
        for piece in
            [stored(0, 100, 10), stored(10, 110, 10), stored(20, 200, 10), packed, stored(50, 210, 10)]
        {
            joiner.add(piece).unwrap();
        }
        joiner.flush().unwrap();
        assert_eq!(seen, [stored(0, 100, 20), stored(20, 200, 10), packed, stored(50, 210, 10)]);
    }

    #[test]
    fn more_uses_than_bytes_are_refused() {
        let mut budget = Budget::new(10);
        budget.spend(10).unwrap();
        assert_eq!(budget.spend(1).unwrap_err().kind, ErrorKind::Corrupt);
    }
}

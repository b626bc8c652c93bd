//! A write-back cache of fixed pages over a window of the working file.
//!
//! Both engines do many small accesses; here they cost a copy in memory. Pages are written back in runs, in
//! order of their place, when the cache is full and when it is flushed.

use block::{Window, WindowError};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Bytes of a page: the usual block size of ext4.
const PAGE: usize = 4096;
const PAGE_BYTES: u64 = PAGE as u64;
/// Pages held before old ones are let go: 48 MiB.
const CAPACITY: usize = 12 * 1024;
/// The longest run written by one call, in bytes.
const RUN: usize = 1024 * 1024;
/// Reads of at least this many bytes go past the cache.
const DIRECT_READ: usize = 16 * PAGE;

#[derive(Debug)]
struct Page {
    bytes: Box<[u8; PAGE]>,
    dirty: bool,
    /// The sweep in which it was last used.
    used: u64,
}

/// The cache. What is in it and not yet written back is lost when it is dropped.
#[derive(Debug)]
pub(crate) struct Cache {
    window: Window,
    pages: HashMap<u64, Page, Spread>,
    sweep: u64,
}

/// Page numbers are no secret and come from the image's own layout, so a plain multiplication spreads them; a
/// hostile image could make it slow, not large.
#[derive(Clone, Copy, Debug, Default)]
struct Spread(u64);

impl std::hash::BuildHasher for Spread {
    type Hasher = Self;
    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl std::hash::Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// A part of an access that lies within one page.
struct Piece {
    page: u64,
    start: usize,
    end: usize,
}

impl Cache {
    pub(crate) fn new(window: Window) -> Self {
        Self { window, pages: HashMap::default(), sweep: 0 }
    }

    /// Bytes of the window.
    pub(crate) fn len(&self) -> u64 {
        self.window.len()
    }

    pub(crate) fn window(&self) -> &Window {
        &self.window
    }

    /// Fills `buffer` from `offset`.
    pub(crate) fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), WindowError> {
        self.check(offset, buffer.len())?;
        if buffer.len() >= DIRECT_READ {
            return self.read_past(offset, buffer);
        }
        let mut rest = buffer;
        for piece in pieces(offset, rest.len()) {
            let (here, after) = rest.split_at_mut(piece.end - piece.start);
            let page = self.page(piece.page, true)?;
            if let Some(bytes) = page.bytes.get(piece.start..piece.end) {
                here.copy_from_slice(bytes);
            }
            rest = after;
        }
        Ok(())
    }

    /// Writes all of `data` at `offset`, into the cache.
    pub(crate) fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), WindowError> {
        self.check(offset, data.len())?;
        let mut rest = data;
        for piece in pieces(offset, rest.len()) {
            let (here, after) = rest.split_at(piece.end - piece.start);
            // A page that is overwritten as a whole need not be read.
            let page = self.page(piece.page, here.len() < PAGE)?;
            if let Some(bytes) = page.bytes.get_mut(piece.start..piece.end) {
                bytes.copy_from_slice(here);
            }
            page.dirty = true;
            rest = after;
        }
        Ok(())
    }

    /// Writes all changed pages to the file.
    pub(crate) fn flush(&mut self) -> Result<(), WindowError> {
        let mut dirty: Vec<u64> =
            self.pages.iter().filter(|(_, page)| page.dirty).map(|(number, _)| *number).collect();
        dirty.sort_unstable();
        let mut run = Vec::with_capacity(RUN.min(dirty.len() * PAGE));
        let mut start = 0;
        for number in dirty {
            let position = number * PAGE_BYTES;
            if !run.is_empty() && (start + run.len() as u64 != position || run.len() >= RUN) {
                self.write_run(start, &run)?;
                run.clear();
            }
            if run.is_empty() {
                start = position;
            }
            if let Some(page) = self.pages.get(&number) {
                run.extend_from_slice(&page.bytes[..]);
            }
        }
        self.write_run(start, &run)?;
        self.pages.values_mut().for_each(|page| page.dirty = false);
        Ok(())
    }

    /// Forgets unchanged pages: the file may be changed by others now.
    pub(crate) fn forget(&mut self) {
        self.pages.retain(|_, page| page.dirty);
    }

    /// The last page of a window may reach beyond its end.
    fn write_run(&self, start: u64, run: &[u8]) -> Result<(), WindowError> {
        let room = self.window.len().saturating_sub(start).min(run.len() as u64);
        let run = usize::try_from(room).ok().and_then(|room| run.get(..room)).unwrap_or_default();
        self.window.write_all_at(run, start)
    }

    fn check(&self, offset: u64, len: usize) -> Result<(), WindowError> {
        let len = len as u64;
        match offset.checked_add(len) {
            Some(end) if end <= self.window.len() => Ok(()),
            _ => Err(WindowError::OutOfBounds { offset, len, size: self.window.len() }),
        }
    }

    /// Large reads come from the file, with the changed pages laid over them.
    fn read_past(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), WindowError> {
        self.window.read_exact_at(buffer, offset)?;
        let mut rest = buffer;
        for piece in pieces(offset, rest.len()) {
            let (here, after) = rest.split_at_mut(piece.end - piece.start);
            if let Some(page) = self.pages.get(&piece.page).filter(|page| page.dirty)
                && let Some(bytes) = page.bytes.get(piece.start..piece.end)
            {
                here.copy_from_slice(bytes);
            }
            rest = after;
        }
        Ok(())
    }

    fn page(&mut self, number: u64, filled: bool) -> Result<&mut Page, WindowError> {
        if self.pages.len() >= CAPACITY && !self.pages.contains_key(&number) {
            self.make_room()?;
        }
        let sweep = self.sweep;
        let page = match self.pages.entry(number) {
            Entry::Occupied(page) => page.into_mut(),
            Entry::Vacant(place) => {
                let mut bytes = Box::new([0; PAGE]);
                if filled {
                    let position = number * PAGE_BYTES;
                    let len = self.window.len().saturating_sub(position).min(PAGE_BYTES);
                    if let Some(part) = usize::try_from(len).ok().and_then(|len| bytes.get_mut(..len)) {
                        self.window.read_exact_at(part, position)?;
                    }
                }
                place.insert(Page { bytes, dirty: false, used: sweep })
            }
        };
        page.used = sweep;
        Ok(page)
    }

    /// Lets go of what was not used since the last time, or of everything.
    fn make_room(&mut self) -> Result<(), WindowError> {
        self.flush()?;
        let sweep = self.sweep;
        self.pages.retain(|_, page| page.used == sweep && page.bytes.len() == PAGE);
        if self.pages.len() > CAPACITY / 2 {
            self.pages.clear();
        }
        self.sweep += 1;
        Ok(())
    }
}

/// Cuts an access at page bounds.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = Piece> {
    let mut position = offset;
    let mut left = len;
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let start = usize::try_from(position % PAGE_BYTES).ok()?;
        let take = (PAGE - start).min(left);
        let piece = Piece { page: position / PAGE_BYTES, start, end: start + take };
        position += take as u64;
        left -= take;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_was_written_is_read_back_before_and_after_a_flush() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(100_000).unwrap();
        let window = Window::new(Arc::new(file), 512, 90_001).unwrap();
        let mut cache = Cache::new(window.clone());
        let mut model = vec![0; 90_001];
        let mut seed = 1_u64;
        for round in 0..2000_u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let offset = (seed >> 33) % 90_001;
            let len = ((seed >> 20) % if round % 50 == 0 { 80_000 } else { 9000 }).min(90_001 - offset);
            let range = offset as usize..(offset + len) as usize;
            if seed.is_multiple_of(3) {
                let data = vec![round as u8; len as usize];
                cache.write(offset, &data).unwrap();
                model[range].copy_from_slice(&data);
            } else {
                let mut data = vec![1; len as usize];
                cache.read(offset, &mut data).unwrap();
                assert_eq!(data, model[range], "round {round}");
            }
            if round % 100 == 0 {
                cache.flush().unwrap();
                cache.forget();
            }
        }
        cache.flush().unwrap();
        let mut all = vec![0; 90_001];
        window.read_exact_at(&mut all, 0).unwrap();
        assert_eq!(all, model);
    }

    #[test]
    fn nothing_outside_the_window_is_touched() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(8192).unwrap();
        let mut cache = Cache::new(Window::new(Arc::new(file), 0, 5000).unwrap());
        assert!(cache.read(4999, &mut [0; 2]).is_err());
        assert!(cache.write(u64::MAX, &[0]).is_err());
        cache.write(4999, &[7]).unwrap();
        cache.flush().unwrap();
        let mut after = [9; 100];
        let whole = Window::new(Arc::clone(cache.window().file()), 0, 8192).unwrap();
        whole.read_exact_at(&mut after, 4999).unwrap();
        assert_eq!((after[0], after[1]), (7, 0));
    }
}

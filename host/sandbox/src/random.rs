//! Randomness for steps: a stream that a seed decides, so that equal runs can be made (invariant I-3).

use sha2::{Digest, Sha256};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

/// SHA-256 in counter mode over a seed. With a secret random seed it is fit for salts and keys.
pub(crate) struct SeededRandom {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

/// Bytes that one call may ask for.
const MAX_REQUEST: u64 = 1 << 20;

impl SeededRandom {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0, block: [0; 32], used: 32 }
    }

    fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            self.block = Sha256::new()
                .chain_update(self.seed)
                .chain_update(self.counter.to_le_bytes())
                .finalize()
                .into();
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        let byte = self.block.get(self.used).copied().unwrap_or_default();
        self.used += 1;
        byte
    }

    fn bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > MAX_REQUEST {
            wasmtime::bail!("{len} random bytes asked for in one call, more than {MAX_REQUEST}");
        }
        Ok((0..len).map(|_| self.byte()).collect())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }
}

impl random::Host for SeededRandom {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.u64())
    }
}

impl insecure::Host for SeededRandom {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.u64())
    }
}

impl insecure_seed::Host for SeededRandom {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.u64(), self.u64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_the_stream() {
        let take = |seed| SeededRandom::new([seed; 32]).bytes(100).unwrap();
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
    }

    #[test]
    fn a_huge_request_is_refused() {
        assert!(SeededRandom::new([0; 32]).bytes(u64::MAX).is_err());
    }
}

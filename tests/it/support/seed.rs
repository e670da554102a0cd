//! Chance that can be had again: every random choice of a test comes from a seed that is printed.

use std::ops::Range;

use broadside::token;

use super::environment;

/// A sequence of numbers that its seed determines (splitmix64).
#[derive(Clone, Debug)]
pub struct Seed(u64);

impl Seed {
    /// The seed in `BROADSIDE_SEED`, or a new one; either is printed.
    pub fn get(what: &str) -> Self {
        let asked = environment::variable("BROADSIDE_SEED");
        let seed = asked.map_or_else(
            || u64::from_le_bytes(token::random()),
            |seed| seed.parse().expect("BROADSIDE_SEED is a number"),
        );
        println!("{what}: BROADSIDE_SEED={seed}");
        Self(seed)
    }

    /// This seed and no other.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The number that gives this sequence again, as long as nothing was drawn.
    pub const fn number(&self) -> u64 {
        self.0
    }

    /// Whether something happens that happens once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.within(0..times) == 0
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range.
    pub fn within(&mut self, range: Range<usize>) -> usize {
        let width = (range.end - range.start).max(1) as u64;
        range.start + usize::try_from(self.next() % width).expect("smaller than the width")
    }
}

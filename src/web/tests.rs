//! Tests of pages that need the insides of a room. Whatever needs none is tested in `tests/it`.

mod bodies;
mod editions;
mod giving;
mod robots;

//! Parses the arguments, starts tracing, runs one command.

fn main() {}

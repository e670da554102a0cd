//! Small messages of our own writing.

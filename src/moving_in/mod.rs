//! Lists of readers as other programs write them: files as they are, what their columns are, and how everybody in them stands.
//!
//! The rule: nobody is taken for a reader on whose standing nobody has said anything. A file is read from its beginning to its end
//! twice, in a stream: once to see what is to be asked, and once to be taken. Nothing here writes anything; `subscribers` does.
//!
//! What a file is packed in is unpacked as it is read, and bounded (`packed.rs`). It calls small types alone. Start reading at `survey.rs`.

mod dates;
mod encoding;
mod formula;
mod headings;
mod in_order;
mod mapping;
mod packed;
#[cfg(test)]
mod packed_tests;
mod presets;
mod records;
mod roles;
mod rows;
mod sheet;
mod source;
mod state;
mod survey;
mod table;
#[cfg(test)]
mod tests;

pub use self::{
    formula::guarded,
    in_order::{InOrder, Rows},
    mapping::{Column, EMPTY, EVERYBODY, ImportChoices, MappedBy, Mapping},
    packed::{PackedError, WithinFile},
    presets::{Preset, own_field, own_heading},
    records::TableError,
    roles::ColumnRole,
    rows::{FileRow, ListEntry, write_names},
    source::{AnyPlace, TableSource},
    state::State,
    survey::{ColumnWords, Survey, Unsaid, Word, rows, survey, survey_to_ask},
};

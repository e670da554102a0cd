//! What the conditions of a segment name: by their keys, with what people call them.

use std::collections::HashMap;

use super::{
    store::{self, NameRow},
    tree::{AnswerTest, Condition, SegmentTree, TreeError},
};
use crate::{
    db::{self, Db, Result, Tx},
    subscribers::fields::FieldKind,
};

/// Names of lists, topics, fields, forms, segments, and of the editions that were asked for. Whatever is gone is none of them.
#[derive(Clone, Debug, Default)]
pub struct SegmentNames {
    lists: HashMap<i64, String>,
    topics: HashMap<i64, String>,
    fields: HashMap<i64, (String, FieldKind)>,
    forms: HashMap<i64, String>,
    editions: HashMap<i64, String>,
    segments: HashMap<i64, String>,
}

/// The names for some trees.
///
/// # Errors
/// When the database fails.
pub async fn names(db: &Db, trees: &[&SegmentTree]) -> Result<SegmentNames> {
    Ok(SegmentNames::of(store::names(db, &editions(trees)?).await?))
}

/// As [`names()`], as a transaction sees them.
pub(super) async fn names_in(tx: &mut Tx, trees: &[&SegmentTree]) -> Result<SegmentNames> {
    Ok(SegmentNames::of(store::names_in(tx, &editions(trees)?).await?))
}

fn editions(trees: &[&SegmentTree]) -> Result<String> {
    let edition = |condition: &Condition| match condition {
        Condition::Got { edition } | Condition::ConfirmedBy { edition } => Some(*edition),
        _ => None,
    };
    let asked: Vec<i64> = trees.iter().flat_map(|tree| tree.conditions()).filter_map(edition).collect();
    db::array(&asked)
}

impl SegmentNames {
    fn of(rows: Vec<NameRow>) -> Self {
        let mut names = Self::default();
        for NameRow { what, id, name, kind } in rows {
            let of = match what.as_str() {
                "list" => &mut names.lists,
                "topic" => &mut names.topics,
                "form" => &mut names.forms,
                "segment" => &mut names.segments,
                "edition" => &mut names.editions,
                _ => {
                    names.fields.insert(id, (name, FieldKind::parse(&kind).unwrap_or(FieldKind::Text)));
                    continue;
                }
            };
            of.insert(id, name);
        }
        names
    }

    pub(super) fn list(&self, id: i64) -> String {
        called(self.lists.get(&id), "a list that is gone")
    }

    pub(super) fn topic(&self, id: i64) -> String {
        called(self.topics.get(&id), "that is gone")
    }

    pub(super) fn field_label(&self, id: i64) -> String {
        match self.fields.get(&id) {
            Some((label, _)) => format!("“{label}”"),
            None => "a field that is gone".to_owned(),
        }
    }

    pub(super) fn form(&self, id: i64) -> String {
        called(self.forms.get(&id), "that is gone")
    }

    pub(super) fn edition(&self, id: i64) -> String {
        match self.editions.get(&id) {
            Some(subject) if subject.is_empty() => "an edition without a subject".to_owned(),
            Some(subject) => format!("“{subject}”"),
            None => "an edition that is gone".to_owned(),
        }
    }

    pub(super) fn segment(&self, id: i64) -> String {
        match self.segments.get(&id) {
            Some(name) => format!("the segment {name}"),
            None => "a segment that is gone".to_owned(),
        }
    }

    /// Whether everything that a tree names is there, and of a kind that what it asks fits.
    ///
    /// # Errors
    /// [`TreeError::Gone`], [`TreeError::OtherKind`].
    pub fn check(&self, tree: &SegmentTree) -> std::result::Result<(), TreeError> {
        tree.conditions().into_iter().try_for_each(|condition| self.check_one(condition))
    }

    fn check_one(&self, condition: &Condition) -> std::result::Result<(), TreeError> {
        let there = |is: bool, what: &'static str| if is { Ok(()) } else { Err(TreeError::Gone(what)) };
        let list =
            |list: &Option<i64>| there(list.is_none_or(|list| self.lists.contains_key(&list)), "a list");
        match condition {
            Condition::List { list: of, .. }
            | Condition::Rhythm { list: of, .. }
            | Condition::ConfirmedAgain { list: of, .. } => list(of),
            Condition::Topic { topic, list: of } => {
                there(self.topics.contains_key(topic), "a topic")?;
                list(of)
            }
            Condition::Form { form } => there(self.forms.contains_key(form), "a form"),
            Condition::Got { edition } | Condition::ConfirmedBy { edition } => {
                there(self.editions.contains_key(edition), "an edition")
            }
            Condition::Segment { segment } => there(self.segments.contains_key(segment), "a segment"),
            Condition::Field { field, answer } => {
                let (label, kind) = self.fields.get(field).ok_or(TreeError::Gone("a field"))?;
                let fits = match answer {
                    AnswerTest::Given => true,
                    AnswerTest::Is(_) | AnswerTest::Holds(_) => *kind == FieldKind::Text,
                    AnswerTest::Number { .. } => *kind == FieldKind::Number,
                    AnswerTest::Date { .. } => *kind == FieldKind::Date,
                    AnswerTest::YesNo(_) => *kind == FieldKind::YesNo,
                    AnswerTest::Choice(_) => *kind == FieldKind::Choice,
                };
                if fits { Ok(()) } else { Err(TreeError::OtherKind(label.clone())) }
            }
            _ => Ok(()),
        }
    }
}

fn called(name: Option<&String>, gone: &str) -> String {
    name.cloned().unwrap_or_else(|| gone.to_owned())
}

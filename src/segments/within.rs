//! Segments that are in segments: each is put in the place where it is named, and none is in itself.

use std::collections::HashMap;

use super::{
    store::NewestRow,
    tree::{Condition, MOST_IN_ALL, SegmentTree, TreeError},
};

/// The newest version of each, by key: what it is called, and what it asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Newest(HashMap<i64, (String, SegmentTree)>);

/// Why a tree cannot be written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotWrittenOut {
    Tree(TreeError),
    /// The two that take one another in, by their names.
    Circle(String, String),
}

impl Newest {
    /// What cannot be read is nobody's: whoever names it is told that it is gone.
    pub(super) fn of(rows: Vec<NewestRow>) -> Self {
        let read = |row: NewestRow| Some((row.id, (row.name, SegmentTree::read(&row.tree).ok()?)));
        Self(rows.into_iter().filter_map(read).collect())
    }

    /// With what it is going to ask.
    pub(super) fn with(mut self, id: i64, name: &str, tree: &SegmentTree) -> Self {
        self.0.insert(id, (name.to_owned(), tree.clone()));
        self
    }

    /// A tree with every segment that it names, and those that they name, in its place.
    pub(super) fn written_out(&self, tree: &SegmentTree) -> Result<SegmentTree, NotWrittenOut> {
        let mut room = MOST_IN_ALL;
        self.put_in(tree, &mut Vec::new(), &mut room)
    }

    /// The same, where it does not matter that something is missing: that takes nobody in.
    pub(super) fn as_far_as_there(&self, tree: &SegmentTree) -> SegmentTree {
        self.written_out(tree).unwrap_or_else(|_| SegmentTree::Any(Vec::new()))
    }

    fn put_in(
        &self,
        tree: &SegmentTree,
        inside: &mut Vec<i64>,
        room: &mut usize,
    ) -> Result<SegmentTree, NotWrittenOut> {
        Ok(match tree {
            SegmentTree::Is(Condition::Segment { segment }) => {
                let (name, of) =
                    self.0.get(segment).ok_or(NotWrittenOut::Tree(TreeError::Gone("a segment")))?;
                if let Some(by) = inside.last().filter(|_| inside.contains(segment)) {
                    let by = self.0.get(by).map(|(name, _)| name.clone()).unwrap_or_default();
                    return Err(NotWrittenOut::Circle(name.clone(), by));
                }
                inside.push(*segment);
                let put_in = self.put_in(of, inside, room)?;
                inside.pop();
                put_in
            }
            SegmentTree::Is(condition) => {
                *room = room.checked_sub(1).ok_or(NotWrittenOut::Tree(TreeError::TooManyInAll))?;
                SegmentTree::Is(condition.clone())
            }
            SegmentTree::Not(tree) => SegmentTree::Not(Box::new(self.put_in(tree, inside, room)?)),
            SegmentTree::All(trees) => SegmentTree::All(self.each(trees, inside, room)?),
            SegmentTree::Any(trees) => SegmentTree::Any(self.each(trees, inside, room)?),
        })
    }

    fn each(
        &self,
        trees: &[SegmentTree],
        inside: &mut Vec<i64>,
        room: &mut usize,
    ) -> Result<Vec<SegmentTree>, NotWrittenOut> {
        trees.iter().map(|tree| self.put_in(tree, inside, room)).collect()
    }

    /// Whether each of them can still be written out: what one takes in may have grown.
    pub(super) fn all_fit(&self) -> Result<(), NotWrittenOut> {
        self.0.values().try_for_each(|(_, tree)| match self.written_out(tree) {
            // Something of it is gone, which is told where it is used.
            Err(NotWrittenOut::Tree(TreeError::Gone(_))) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        })
    }

    /// The names of those that take one in.
    pub(super) fn taking_in(&self, id: i64) -> Vec<String> {
        let mut names: Vec<String> = self
            .0
            .iter()
            .filter(|(other, (_, tree))| **other != id && tree.takes_in().contains(&id))
            .map(|(_, (name, _))| name.clone())
            .collect();
        names.sort_unstable();
        names
    }
}

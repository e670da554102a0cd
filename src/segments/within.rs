//! Segments that are in segments: each is put in the place where it is named, and none is in itself.

use std::collections::HashMap;

use super::{
    store::NewestRow,
    tree::{Condition, MOST_IN_ALL, SegmentTree, TreeError},
};

/// The newest version of each, by key: what it is called, and what it asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Newest(HashMap<i64, TakenIn>);

/// A segment in its newest version, as another takes it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenIn {
    pub name: String,
    pub version: i64,
    pub tree: SegmentTree,
}

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
        let read = |NewestRow { id, name, version, tree }: NewestRow| {
            Some((id, TakenIn { name, version, tree: SegmentTree::read(&tree).ok()? }))
        };
        Self(rows.into_iter().filter_map(read).collect())
    }

    /// With what it is going to ask.
    pub(super) fn with(mut self, id: i64, name: &str, tree: &SegmentTree) -> Self {
        let version = self.0.get(&id).map_or(1, |known| known.version + 1);
        self.0.insert(id, TakenIn { name: name.to_owned(), version, tree: tree.clone() });
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
                let of = self.0.get(segment).ok_or(NotWrittenOut::Tree(TreeError::Gone("a segment")))?;
                if let Some(by) = inside.last().filter(|_| inside.contains(segment)) {
                    let by = self.0.get(by).map(|by| by.name.clone()).unwrap_or_default();
                    return Err(NotWrittenOut::Circle(of.name.clone(), by));
                }
                inside.push(*segment);
                let put_in = self.put_in(&of.tree, inside, room)?;
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

    /// The segments that a tree takes in, and those that they take in, each once, in the order in which they are met.
    pub(super) fn taken_in(&self, tree: &SegmentTree) -> Vec<TakenIn> {
        let (mut met, mut at) = (tree.takes_in(), 0);
        let mut found = Vec::new();
        while let Some(segment) = met.get(at).copied() {
            if !met[..at].contains(&segment)
                && let Some(one) = self.0.get(&segment)
            {
                met.extend(one.tree.takes_in());
                found.push(one.clone());
            }
            at += 1;
        }
        found
    }

    /// Whether each of them can still be written out: what one takes in may have grown.
    pub(super) fn all_fit(&self) -> Result<(), NotWrittenOut> {
        self.0.values().try_for_each(|one| match self.written_out(&one.tree) {
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
            .filter(|(other, one)| **other != id && one.tree.takes_in().contains(&id))
            .map(|(_, one)| one.name.clone())
            .collect();
        names.sort_unstable();
        names
    }
}

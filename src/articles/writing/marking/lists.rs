//! Lists and quotations: what stands at the beginning of their lines.

use super::{super::paste::WordItem, DEEPEST, Ends, Gap, List, Marking, Prefix};

impl Marking {
    pub(super) fn quote(&mut self) -> Ends {
        if self.prefixes.len() >= DEEPEST {
            return Ends::Paragraph;
        }
        self.prefixes.push(Prefix { first: "> ".to_owned(), rest: "> ".to_owned(), used: false });
        Ends::Quote
    }

    pub(super) fn list(&mut self, ordered: bool, from: u64) {
        let in_item = self.prefixes.last().is_some_and(|prefix| prefix.used);
        let outer = self.lists.last();
        let flat = self.prefixes.len() >= DEEPEST;
        // One that stands between the items of another belongs to the item before it.
        let stray =
            outer.filter(|list| list.items > 0 && !list.flat && !self.is_in_item()).map(|list| list.width);
        if let Some(width) = stray.filter(|_| !flat) {
            let indent = " ".repeat(width);
            self.prefixes.push(Prefix { first: indent.clone(), rest: indent, used: true });
        }
        self.gap =
            if !self.lists.is_empty() && (in_item || stray.is_some()) { Gap::Line } else { Gap::Blank };
        let sign = match (ordered, self.ended_list) {
            // Two lists, one behind the other, would be read as one.
            (true, Some((true, '.'))) => ')',
            (true, _) => '.',
            (false, Some((false, '-'))) => '*',
            (false, _) => '-',
        };
        let indented = stray.is_some() && !flat;
        self.lists.push(List {
            ordered,
            next: from.min(999_999_999),
            sign,
            items: 0,
            width: 2,
            indented,
            flat,
        });
    }

    /// Whether the innermost list has an item that is open.
    pub(super) fn is_in_item(&self) -> bool {
        self.open
            .iter()
            .rev()
            .find(|open| matches!(open.ends, Ends::Item | Ends::List))
            .is_some_and(|open| open.ends == Ends::Item)
            || self.word.0 > 0 && self.word.0 == self.lists.len()
    }

    pub(super) fn item(&mut self) {
        let Some(list) = self.lists.last_mut() else { return };
        let sign = match (list.flat, list.ordered) {
            (true, _) => String::new(),
            (false, true) => format!("{}{} ", list.next, list.sign),
            (false, false) => format!("{} ", list.sign),
        };
        if list.items > 0 && !list.flat {
            self.gap = Gap::Line;
        }
        list.next += 1;
        list.items += 1;
        list.width = sign.len();
        let rest = " ".repeat(sign.len());
        self.prefixes.push(Prefix { first: sign, rest, used: false });
    }

    pub(super) fn end_list(&mut self) {
        let Some(list) = self.lists.pop() else { return };
        if list.indented {
            self.prefixes.pop();
        }
        self.gap = Gap::Blank;
        self.ended_list = self.lists.is_empty().then_some((list.ordered, list.sign));
    }

    /// An item of Word's: its lists are opened and closed until they are as deep as it is.
    pub(super) fn word_item(&mut self, item: WordItem) {
        if self.word.0 == 0 {
            self.word.1 = self.open.len();
        }
        let level = item.level.min(DEEPEST - 1);
        let other_kind =
            |marking: &Self| marking.lists.last().is_some_and(|list| list.ordered != item.ordered);
        if self.word.0 > level || self.word.0 == level && other_kind(self) {
            let to = if self.word.0 > level { level } else { level - 1 };
            self.end_word(to);
            if self.word.0 == level && other_kind(self) {
                self.end_word(level - 1);
            }
        }
        if self.word.0 == level {
            self.prefixes.pop();
        }
        while self.word.0 < level {
            // Where a level is left out, the one above has no item of its own.
            let skipped = self.word.0 + 1 < level;
            self.list(item.ordered, 1);
            self.word.0 += 1;
            if skipped {
                self.prefixes.push(Prefix { first: String::new(), rest: String::new(), used: true });
            }
        }
        self.item();
    }

    /// Ends lists of Word's until so many are left.
    pub(super) fn end_word(&mut self, left: usize) {
        while self.word.0 > left {
            self.word.0 -= 1;
            self.prefixes.pop();
            self.end_list();
        }
        if self.word.0 == 0 {
            self.word.1 = 0;
        }
    }
}

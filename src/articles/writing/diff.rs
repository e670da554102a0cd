//! What two texts have in common, word by word (Myers, “An O(ND) Difference Algorithm”), as far as that costs little: where they have too
//! little in common, one stands in the place of the other.

use serde::Serialize;

/// A piece of two texts that are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WordChange {
    /// It is in the older one alone.
    pub removed: bool,
    /// It is in the newer one alone.
    pub added: bool,
    pub text: String,
}

/// So many words may be in one text alone.
const MOST_CHANGES: usize = 1_000;

/// What became of one text in another.
#[must_use]
pub fn word_changes(old: &str, new: &str) -> Vec<WordChange> {
    let (old, new): (Vec<&str>, Vec<&str>) = (words(old).collect(), words(new).collect());
    let begin = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - begin;
    let end = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[begin..old.len() - end], &new[begin..new.len() - end]);
    let mut changes = Changes::default();
    old[..begin].iter().for_each(|word| changes.push(false, false, word));
    match steps(a, b) {
        Some(steps) => {
            let (mut x, mut y) = (0, 0);
            for step in steps {
                match step {
                    Step::Both => {
                        changes.push(false, false, a[x]);
                        (x, y) = (x + 1, y + 1);
                    }
                    Step::Old => {
                        changes.push(true, false, a[x]);
                        x += 1;
                    }
                    Step::New => {
                        changes.push(false, true, b[y]);
                        y += 1;
                    }
                }
            }
        }
        None => {
            a.iter().for_each(|word| changes.push(true, false, word));
            b.iter().for_each(|word| changes.push(false, true, word));
        }
    }
    old[old.len() - end..].iter().for_each(|word| changes.push(false, false, word));
    changes.0
}

#[derive(Default)]
struct Changes(Vec<WordChange>);

impl Changes {
    fn push(&mut self, removed: bool, added: bool, word: &str) {
        match self.0.last_mut() {
            Some(last) if (last.removed, last.added) == (removed, added) => last.text.push_str(word),
            _ => self.0.push(WordChange { removed, added, text: word.to_owned() }),
        }
    }
}

/// Words, each with the space behind it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let end = rest[word..].find(|c: char| !c.is_whitespace()).map_or(rest.len(), |space| word + space);
        let (one, behind) = rest.split_at(end);
        rest = behind;
        Some(one)
    })
}

#[derive(Clone, Copy)]
enum Step {
    Both,
    Old,
    New,
}

/// The shortest way from one to the other; none if it is too long.
fn steps(a: &[&str], b: &[&str]) -> Option<Vec<Step>> {
    let most = (a.len() + b.len()).min(MOST_CHANGES);
    // How far each diagonal reaches, by its number above `most`; and how it was after each round.
    let mut reach = vec![0_usize; 2 * most + 3];
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    let middle = most + 1;
    for round in 0..=most {
        rounds.push(reach[middle - round..=middle + round].to_vec());
        for at in (middle - round..=middle + round).step_by(2) {
            let down = at == middle - round || at != middle + round && reach[at - 1] < reach[at + 1];
            let mut x = if down { reach[at + 1] } else { reach[at - 1] + 1 };
            let mut y = (x + middle).checked_sub(at)?;
            while x < a.len() && y < b.len() && a[x] == b[y] {
                (x, y) = (x + 1, y + 1);
            }
            reach[at] = x;
            if x >= a.len() && y >= b.len() {
                return Some(way(&rounds, (a.len(), b.len())));
            }
        }
    }
    None
}

/// The way back from the end.
fn way(rounds: &[Vec<usize>], (mut x, mut y): (usize, usize)) -> Vec<Step> {
    let mut steps = Vec::new();
    for (round, reach) in rounds.iter().enumerate().rev() {
        // Of the round before; its middle is at `round`.
        let at = x + round - y.min(x + round);
        let get = |at: usize| reach.get(at).copied().unwrap_or_default();
        let down = at == 0 || at != 2 * round && get(at - 1) < get(at + 1);
        let (from_x, from_at) =
            if down { (get(at + 1), at + 1) } else { (get(at.saturating_sub(1)), at.saturating_sub(1)) };
        let from_y = (from_x + round).saturating_sub(from_at);
        let (begin_x, begin_y) = if round == 0 { (0, 0) } else { (from_x, from_y) };
        let after = if round == 0 {
            (0, 0)
        } else if down {
            (begin_x, begin_y + 1)
        } else {
            (begin_x + 1, begin_y)
        };
        while x > after.0 && y > after.1 {
            steps.push(Step::Both);
            (x, y) = (x - 1, y - 1);
        }
        if round > 0 {
            steps.push(if down { Step::New } else { Step::Old });
        }
        (x, y) = (begin_x, begin_y);
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> String {
        let sign = |change: &WordChange| match (change.removed, change.added) {
            (true, _) => format!("[-{}-]", change.text),
            (_, true) => format!("[+{}+]", change.text),
            _ => change.text.clone(),
        };
        word_changes(old, new).iter().map(sign).collect()
    }

    #[test]
    fn what_changed_is_shown_word_by_word() {
        assert_eq!(shown("One two three", "One two three"), "One two three");
        assert_eq!(shown("One two three", "One 2 three"), "One [-two -][+2 +]three");
        assert_eq!(shown("", "New"), "[+New+]");
        assert_eq!(shown("a b c a b b a", "c b a b a c"), "[-a b -]c [+b +]a b [-b a-][+a c+]");
    }

    /// Whatever changed, each text is told by the pieces that are its own.
    #[test]
    fn no_word_of_either_is_lost() {
        let mut seed = 7_u64;
        let mut text = || {
            let mut words = String::new();
            for _ in 0..60 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                words.push_str(["a ", "b ", "c\n", "d "][(seed >> 33) as usize % 4]);
            }
            words
        };
        for _ in 0..200 {
            let (old, new) = (text(), text());
            let changes = word_changes(&old, &new);
            let of = |is: fn(&WordChange) -> bool| {
                changes
                    .iter()
                    .filter(|change| is(change))
                    .map(|change| change.text.as_str())
                    .collect::<String>()
            };
            assert_eq!(of(|change| !change.added), old);
            assert_eq!(of(|change| !change.removed), new);
        }
        let (old, new) = ("x ".repeat(50_000), "y ".repeat(50_000));
        assert_eq!(word_changes(&old, &new).len(), 2, "two texts that have nothing in common");
    }
}

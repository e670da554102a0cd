//! The choices that the blocks of an edition make among its readers, and what each asks.
//!
//! The rule: blocks choose among readers by what is known of them when the edition is sealed, and by what the sender saw: what each choice
//! asks is frozen with the body. Whoever just gave, or is not to be asked, never sees the request for a gift. What somebody sees of whom
//! nothing is known, such as a visitor of the archive, is what somebody sees who never gave and is in no segment.

use std::time::Duration;

use super::{Block, Content, Edition, Readers, Result, Whom, store};
use crate::{
    clock::Moment,
    mail::SeenParts,
    segments::{self, Condition, KeptPart, SegmentCount, SegmentTree, When},
    settings::Settings,
    site::Site,
};

const DAY: Duration = Duration::from_secs(86_400);
/// Whoever gave within so long just gave, also where an edition went out since.
const JUST_GAVE_FOR: Duration = DAY.saturating_mul(14);
/// And where none went out before.
const AT_FIRST_FOR: Duration = DAY.saturating_mul(30);

/// A choice that an edition makes among its readers, for one block or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its number in the body.
    pub number: u8,
    pub whom: Whom,
    /// It is that of the request for a gift: whoever just gave, or is not to be asked, is left out in any case.
    pub asks: bool,
    /// What it asks, with every segment in its place.
    pub(super) tree: SegmentTree,
    /// What its segment asks, as it is kept; empty where it names none.
    segment: String,
}

impl Part {
    /// How many of the readers of an edition would see it; none is counted of a correction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seen_by_how_many(&self, site: &Site, edition: &Edition) -> Result<Option<SegmentCount>> {
        Ok(super::audience(edition).among_them(site, edition.id, &self.tree).await?)
    }

    /// Whether somebody sees it who stands as `known`, or of whom nothing is known.
    fn is_seen(&self, known: Option<Readers>) -> bool {
        self.whom.has(known) && !(self.asks && Readers::JustGave.has(known))
    }
}

/// The choices that an edition makes among its readers, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selections {
    parts: Vec<Part>,
    has_gone: bool,
}

impl Selections {
    /// Those of an edition, as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(site: &Site, settings: &Settings, edition: &Edition) -> Result<Self> {
        let wanted = wanted(&edition.content);
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let now = edition.sealed_at.unwrap_or_else(|| site.now());
        let last = store::last_sealed_at(&site.db, edition.list_id, edition.id, now).await?;
        let just_gave = just_gave(settings, last, now);
        let segments: Vec<i64> =
            segments::all(&site.db).await?.into_iter().map(|segment| segment.id).collect();
        let is_gone =
            |whom: Whom| matches!(whom.readers(), Some(Readers::Segment(one)) if !segments.contains(&one));
        let has_gone = wanted.iter().any(|(whom, _)| is_gone(*whom));
        let (mut parts, mut of_strangers, mut others) = (Vec::new(), 0, SeenParts::MOST_OF_A_KIND);
        for (whom, asks) in wanted {
            let mut all = Vec::new();
            all.extend(match whom {
                Whom::Everybody => None,
                Whom::Only(readers) => Some(tree_of(readers, &just_gave)),
                Whom::But(readers) => Some(SegmentTree::Not(Box::new(tree_of(readers, &just_gave)))),
            });
            if asks {
                let spared =
                    SegmentTree::Any(vec![SegmentTree::Is(Condition::NeverAsked), just_gave.clone()]);
                all.push(SegmentTree::Not(Box::new(spared)));
            }
            let tree = segments::in_full(&site.db, &SegmentTree::All(all)).await?;
            let segment = match whom.readers() {
                Some(readers @ Readers::Segment(_)) => {
                    segments::in_full(&site.db, &tree_of(readers, &just_gave)).await?.write()
                }
                _ => String::new(),
            };
            let mut part = Part { number: 0, whom, asks, tree, segment };
            let (number, end) = match part.is_seen(None) {
                true => (&mut of_strangers, SeenParts::MOST_OF_A_KIND),
                false => (&mut others, SeenParts::MOST),
            };
            // More of them are a mistake, which whoever wrote it is told of.
            if *number < end {
                part.number = *number;
                *number += 1;
                parts.push(part);
            }
        }
        Ok(Self { parts, has_gone })
    }

    /// Whether one of them asks for a segment that is gone.
    pub(super) const fn has_gone(&self) -> bool {
        self.has_gone
    }

    /// The readers that they name, each once.
    #[must_use]
    pub fn readers(&self) -> Vec<Readers> {
        let asks = self.parts.iter().any(|part| part.asks).then_some(Readers::JustGave);
        let mut readers: Vec<Readers> = Vec::new();
        for one in self.parts.iter().filter_map(|part| part.whom.readers()).chain(asks) {
            if !readers.contains(&one) {
                readers.push(one);
            }
        }
        readers
    }

    /// Each of them.
    pub fn each(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter()
    }

    /// The number of the part in which a block stands; none where that is for everybody.
    pub(super) fn part(&self, block: &Block, whom: Whom) -> Option<u8> {
        let asks = *block == Block::Appeal;
        self.parts.iter().find(|part| (part.whom, part.asks) == (whom, asks)).map(|part| part.number)
    }

    /// What somebody sees who stands as `known`, or of whom nothing is known.
    #[must_use]
    pub fn seen_by(&self, known: Option<Readers>) -> SeenParts {
        SeenParts(
            self.parts
                .iter()
                .filter(|part| part.is_seen(known))
                .fold(0, |seen, part| seen | 1 << part.number),
        )
    }

    /// What a reader sees who is there, if the edition were sealed now.
    pub(super) async fn seen_by_reader(&self, site: &Site, reader: i64) -> Result<SeenParts> {
        Ok(SeenParts(segments::parts_of_reader(site, &self.kept(), reader).await?))
    }

    /// As they are frozen with a body.
    pub(super) fn kept(&self) -> Vec<KeptPart> {
        self.parts
            .iter()
            .map(|part| KeptPart { number: part.number.into(), tree: part.tree.clone() })
            .collect()
    }

    /// What they ask, but for days that go by, so that nobody approves another choice than they saw.
    pub(super) fn said(&self) -> String {
        let undated = |part: &Part| {
            let (kind, word, _) = part.whom.words();
            format!("{} {kind} {word} {} {}\n", part.number, u8::from(part.asks), part.segment)
        };
        self.parts.iter().map(undated).collect()
    }
}

/// Every choice, in the order of the blocks, and whether it is that of the request for a gift.
fn wanted(content: &Content) -> Vec<(Whom, bool)> {
    let mut wanted = Vec::new();
    for placed in content.blocks.iter().filter(|placed| !placed.block.is_hidden()) {
        let one = (placed.whom, placed.block == Block::Appeal);
        if one != (Whom::Everybody, false) && !wanted.contains(&one) {
            wanted.push(one);
        }
    }
    wanted
}

/// Whether an edition makes more choices than a body can hold.
pub(super) fn are_too_many(content: &Content) -> bool {
    let asked = |known: bool| {
        let seen = |(whom, asks): &(Whom, bool)| whom.has(None) && !(*asks && Readers::JustGave.has(None));
        wanted(content).iter().filter(|one| seen(one) == known).count()
    };
    let most = usize::from(SeenParts::MOST_OF_A_KIND);
    asked(true) > most || asked(false) > most
}

fn just_gave(settings: &Settings, last: Option<Moment>, now: Moment) -> SegmentTree {
    let since = last.map_or_else(|| now.minus(AT_FIRST_FOR), |last| last.min(now.minus(JUST_GAVE_FOR)));
    SegmentTree::Is(Condition::LastGave { when: When::Since(settings.time_zone.date_of(since)) })
}

fn tree_of(readers: Readers, just_gave: &SegmentTree) -> SegmentTree {
    match readers {
        Readers::Giving(state) => SegmentTree::Is(Condition::Supporter { state }),
        Readers::JustGave => just_gave.clone(),
        Readers::Segment(segment) => SegmentTree::Is(Condition::Segment { segment }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscribers::DonorState;

    /// What a stranger sees has numbers that say so without looking anything up.
    #[test]
    fn a_stranger_never_gave_and_is_in_no_segment() {
        let part = |whom, asks| Part {
            number: 0,
            whom,
            asks,
            tree: SegmentTree::All(Vec::new()),
            segment: String::new(),
        };
        let never = Readers::Giving(DonorState::Never);
        for (whom, asks, is_seen) in [
            (Whom::Everybody, true, true),
            (Whom::Only(never), false, true),
            (Whom::But(never), true, false),
            (Whom::Only(Readers::JustGave), false, false),
            (Whom::But(Readers::JustGave), false, true),
            (Whom::Only(Readers::Segment(1)), false, false),
            (Whom::But(Readers::Segment(1)), true, true),
        ] {
            assert_eq!(part(whom, asks).is_seen(None), is_seen, "{whom:?}");
        }
        assert!(
            !part(Whom::Everybody, true).is_seen(Some(Readers::JustGave)),
            "whoever just gave is not asked"
        );
    }
}

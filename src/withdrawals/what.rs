//! What the journal says of a withdrawal: names that survive a restore, and no address.

use std::fmt;

use crate::clock::Moment;

/// Somebody does not want something any more; or took that back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// A reader left a list.
    Left {
        /// Their public id.
        reader: String,
        list: String,
        /// By which way, in the word that consent is kept in.
        how: String,
        /// For a database that has neither; none in lines of an earlier version, and where what the team did is taken back.
        known_by: Option<LeftBy>,
    },
    /// A reader who had left a list is on it again.
    Back {
        /// Their public id.
        reader: String,
        list: String,
    },
    /// A reader's mail goes to another address.
    Moved {
        /// Their public id.
        reader: String,
        /// The keyed hash of the address that they had.
        hash: String,
        /// That of the one that it goes to; none in lines of an earlier version.
        to: Option<String>,
    },
    /// A reader's mail goes to this address, whatever was said of it before.
    Stays {
        /// Their public id.
        reader: String,
        /// The keyed hash of the address.
        hash: String,
    },
    /// A reader rests from the lists that they are on.
    Paused {
        /// Their public id.
        reader: String,
        /// To the second.
        until: Moment,
    },
    /// A reader who took back that they left a list rests from it as before.
    Rests {
        /// Their public id.
        reader: String,
        list: String,
        /// To the second.
        until: Moment,
    },
    /// A reader who rested goes on before that is over.
    WentOn {
        /// Their public id.
        reader: String,
        /// Until when they would have rested, where one of several pauses was ended; none if all were.
        until: Option<Moment>,
    },
    /// A reader gets other topics of a list than before, or gets it at another rhythm.
    Chose(ListChoice),
    /// Somebody said that our mail is spam.
    Complained {
        /// The keyed hash of their address.
        hash: String,
    },
    /// Staff said that an address is never mailed.
    Blocked {
        /// Its keyed hash.
        hash: String,
    },
    /// Staff let an address be mailed again.
    Lifted {
        /// Its keyed hash.
        hash: String,
    },
    /// A reader was forgotten. Whoever of that address came back since did so themselves.
    Erased {
        /// Their public id.
        reader: String,
        /// The keyed hash of their address.
        hash: String,
    },
    /// A supporter asked to end a monthly donation.
    Ended {
        /// The public id of the donation.
        gift: String,
    },
}

/// What reader and list are known by where their public ids are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftBy {
    /// The keyed hash of the address.
    pub hash: String,
    /// The short name of the list.
    pub slug: String,
}

/// What somebody chose otherwise of one list; whatever is not here stays as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListChoice {
    /// The reader's public id.
    pub reader: String,
    pub list: String,
    /// How often they get it, in the word that it is kept in, or [`EVERYTHING`]; none if that stays.
    pub rhythm: Option<String>,
    /// The topics that they chose, by public id.
    pub on: Vec<String>,
    /// Those that they do not want any more.
    pub off: Vec<String>,
}

/// What stands for a list of which a reader gets everything.
pub const EVERYTHING: &str = "everything";
/// What stands where the rhythm stays as it is.
const AS_IT_IS: &str = "=";

impl ListChoice {
    /// Whether nothing is otherwise.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.rhythm.is_none() && self.on.is_empty() && self.off.is_empty()
    }

    /// The same behind what was said before of the same list: what counts of both.
    pub(super) fn goes_on_from(&mut self, before: &Self) {
        if self.rhythm.is_none() {
            self.rhythm.clone_from(&before.rhythm);
        }
        let (on, off) = (self.on.clone(), self.off.clone());
        let still = |those: &[String], now: &[String]| -> Vec<String> {
            let still = those.iter().filter(|topic| !on.contains(topic) && !off.contains(topic));
            still.chain(now).cloned().collect()
        };
        self.on = still(&before.on, &on);
        self.off = still(&before.off, &off);
    }

    fn parse(words: &[String]) -> Option<Self> {
        let (about, topics) = words.split_first_chunk::<3>()?;
        let [reader, list, rhythm] = about.clone();
        let rhythm = (rhythm != AS_IT_IS).then_some(rhythm);
        let mut choice = Self { reader, list, rhythm, on: Vec::new(), off: Vec::new() };
        for topic in topics {
            match topic.split_at_checked(1)? {
                ("+", topic) => choice.on.push(topic.to_owned()),
                ("-", topic) => choice.off.push(topic.to_owned()),
                _ => return None,
            }
        }
        Some(choice)
    }
}

impl fmt::Display for ListChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reader, list, rhythm, on, off } = self;
        write!(f, "chose {reader} {list} {}", rhythm.as_deref().unwrap_or(AS_IT_IS))?;
        on.iter().try_for_each(|topic| write!(f, " +{topic}"))?;
        off.iter().try_for_each(|topic| write!(f, " -{topic}"))
    }
}

impl fmt::Display for Withdrawal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left { reader, list, how, known_by: None } => write!(f, "left {reader} {list} {how}"),
            Self::Left { reader, list, how, known_by: Some(LeftBy { hash, slug }) } => {
                write!(f, "left {reader} {list} {how} {hash} {slug}")
            }
            Self::Back { reader, list } => write!(f, "back {reader} {list}"),
            Self::Moved { reader, hash, to: Some(to) } => write!(f, "moved {reader} {hash} {to}"),
            Self::Moved { reader, hash, to: None } => write!(f, "moved {reader} {hash}"),
            Self::Stays { reader, hash } => write!(f, "stays {reader} {hash}"),
            Self::Paused { reader, until } => write!(f, "paused {reader} {until}"),
            Self::Rests { reader, list, until } => write!(f, "rests {reader} {list} {until}"),
            Self::WentOn { reader, until: None } => write!(f, "went-on {reader}"),
            Self::WentOn { reader, until: Some(until) } => write!(f, "went-on {reader} {until}"),
            Self::Chose(choice) => write!(f, "{choice}"),
            Self::Complained { hash } => write!(f, "complained {hash}"),
            Self::Blocked { hash } => write!(f, "blocked {hash}"),
            Self::Lifted { hash } => write!(f, "lifted {hash}"),
            Self::Erased { reader, hash } => write!(f, "erased {reader} {hash}"),
            Self::Ended { gift } => write!(f, "ended {gift}"),
        }
    }
}

impl Withdrawal {
    /// What a line says; none if only a newer version knows.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let (kind, about) = words.split_first()?;
        Some(match (kind.as_str(), about) {
            ("left", [reader, list, how, known_by @ ..]) => Self::Left {
                reader: reader.clone(),
                list: list.clone(),
                how: how.clone(),
                known_by: match known_by {
                    [] => None,
                    [hash, slug] => Some(LeftBy { hash: hash.clone(), slug: slug.clone() }),
                    _ => return None,
                },
            },
            ("back", [reader, list]) => Self::Back { reader: reader.clone(), list: list.clone() },
            ("moved", [reader, hash]) => Self::Moved { reader: reader.clone(), hash: hash.clone(), to: None },
            ("moved", [reader, hash, to]) => {
                Self::Moved { reader: reader.clone(), hash: hash.clone(), to: Some(to.clone()) }
            }
            ("stays", [reader, hash]) => Self::Stays { reader: reader.clone(), hash: hash.clone() },
            ("paused", [reader, until]) => Self::Paused { reader: reader.clone(), until: moment(until)? },
            ("rests", [reader, list, until]) => {
                Self::Rests { reader: reader.clone(), list: list.clone(), until: moment(until)? }
            }
            ("went-on", [reader]) => Self::WentOn { reader: reader.clone(), until: None },
            ("went-on", [reader, until]) => {
                Self::WentOn { reader: reader.clone(), until: Some(moment(until)?) }
            }
            ("chose", choice) => Self::Chose(ListChoice::parse(choice)?),
            ("complained", [hash]) => Self::Complained { hash: hash.clone() },
            ("blocked", [hash]) => Self::Blocked { hash: hash.clone() },
            ("lifted", [hash]) => Self::Lifted { hash: hash.clone() },
            ("erased", [reader, hash]) => Self::Erased { reader: reader.clone(), hash: hash.clone() },
            ("ended", [gift]) => Self::Ended { gift: gift.clone() },
            _ => return None,
        })
    }

    /// What it is about, for whatever takes it back; none if nothing does. Pauses are told apart by their ends.
    #[must_use]
    pub fn about(&self) -> Option<(&str, &str)> {
        match self {
            Self::Left { reader, list, .. } | Self::Back { reader, list } => Some((reader, list)),
            Self::Moved { reader, hash, .. } | Self::Stays { reader, hash } => Some((reader, hash)),
            Self::Complained { hash } | Self::Blocked { hash } | Self::Lifted { hash } => Some((hash, "")),
            Self::Paused { .. }
            | Self::Rests { .. }
            | Self::WentOn { .. }
            | Self::Chose(_)
            | Self::Erased { .. }
            | Self::Ended { .. } => None,
        }
    }

    /// Whether it is there to take back another.
    #[must_use]
    pub const fn takes_back(&self) -> bool {
        matches!(self, Self::Back { .. } | Self::Stays { .. } | Self::Lifted { .. })
    }
}

fn moment(text: &str) -> Option<Moment> {
    text.parse::<jiff::Timestamp>().ok().map(Moment::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_as_it_was_written() {
        let reader = "r".to_owned();
        let hash = "h".to_owned();
        for withdrawal in [
            Withdrawal::Left {
                reader: reader.clone(),
                list: "l".to_owned(),
                how: "one-click".to_owned(),
                known_by: None,
            },
            Withdrawal::Left {
                reader: reader.clone(),
                list: "l".to_owned(),
                how: "one-click".to_owned(),
                known_by: Some(LeftBy { hash: hash.clone(), slug: "the-list".to_owned() }),
            },
            Withdrawal::Back { reader: reader.clone(), list: "l".to_owned() },
            Withdrawal::Moved { reader: reader.clone(), hash: hash.clone(), to: None },
            Withdrawal::Moved { reader: reader.clone(), hash: hash.clone(), to: Some("t".to_owned()) },
            Withdrawal::Stays { reader: reader.clone(), hash: hash.clone() },
            Withdrawal::Paused { reader: reader.clone(), until: Moment::from_unix_seconds(1_772_528_400) },
            Withdrawal::Rests {
                reader: reader.clone(),
                list: "l".to_owned(),
                until: Moment::from_unix_seconds(1_772_528_400),
            },
            Withdrawal::WentOn { reader: reader.clone(), until: None },
            Withdrawal::WentOn {
                reader: reader.clone(),
                until: Some(Moment::from_unix_seconds(1_772_528_400)),
            },
            Withdrawal::Chose(ListChoice {
                reader: reader.clone(),
                list: "l".to_owned(),
                rhythm: Some("weekly".to_owned()),
                on: vec!["t".to_owned(), "u".to_owned()],
                off: vec!["v".to_owned()],
            }),
            Withdrawal::Chose(ListChoice {
                reader: reader.clone(),
                list: "l".to_owned(),
                rhythm: None,
                on: Vec::new(),
                off: vec!["t".to_owned()],
            }),
            Withdrawal::Complained { hash: hash.clone() },
            Withdrawal::Blocked { hash: hash.clone() },
            Withdrawal::Lifted { hash: hash.clone() },
            Withdrawal::Erased { reader, hash },
            Withdrawal::Ended { gift: "g".to_owned() },
        ] {
            assert_eq!(Withdrawal::parse(&withdrawal.to_string()), Some(withdrawal));
        }
        for strange in ["erased r", "left r l h h", "chose r l", "chose r l = t", "chose r l = +t "] {
            assert_eq!(Withdrawal::parse(strange), None, "{strange}");
        }
    }
}

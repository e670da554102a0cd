//! A setting as a word: how it stands in its row, and how a person types it.

use crate::{
    clock::Zone,
    money::{self, Currency, GiftLimits, Money},
};

/// Where the magazine's articles live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArticlesAt {
    /// On our own pages.
    #[default]
    Here,
    /// On the magazine's existing site: titles link there, and pages of ours say that they are copies of those.
    Mirrored,
    /// On the magazine's existing site: titles link there, and no article pages are served.
    Elsewhere,
}

/// The settings on which it depends what a word of another one means.
#[derive(Clone, Copy)]
pub(super) struct Beside {
    pub(super) articles_at: ArticlesAt,
    pub(super) currency: Option<Currency>,
    pub(super) gift_least: Option<i64>,
    pub(super) gift_most: Option<i64>,
}

impl Beside {
    /// The least and the most of a gift: what was decided, else what is sensible in the currency; none where no gifts can be
    /// taken in it.
    pub(super) fn limits(&self) -> Option<GiftLimits> {
        let currency = self.currency?;
        let sensible = money::sensible_limits(currency)?;
        let or = |decided: Option<i64>, otherwise: Money| {
            decided.map_or(otherwise, |minor| Money::new(minor, currency))
        };
        Some(GiftLimits {
            least: or(self.gift_least, sensible.least),
            most: or(self.gift_most, sensible.most),
        })
    }

    /// "15" or "15.50", as a person would type it; nothing in a currency that we do not know.
    fn decimal(&self, minor: i64) -> Option<String> {
        let places = money::exponent(self.currency?);
        let unit = 10_i64.pow(places);
        let (whole, part) = (minor / unit, minor % unit);
        Some(match part {
            0 => whole.to_string(),
            part => format!("{whole}.{part:0>width$}", width = places as usize),
        })
    }
}

/// What can be a setting.
pub(super) trait Word: Sized {
    /// From its row. None for what we cannot read: an older program may meet rows of a newer one.
    fn read(word: &str) -> Option<Self>;
    /// As it stands in its row.
    fn written(&self) -> String;
    /// As a person types it.
    fn typed(&self, _: &Beside) -> String {
        self.written()
    }
}

impl Word for String {
    fn read(word: &str) -> Option<Self> {
        Some(word.to_owned())
    }
    fn written(&self) -> String {
        self.clone()
    }
}

impl Word for i64 {
    fn read(word: &str) -> Option<Self> {
        word.parse().ok()
    }
    fn written(&self) -> String {
        self.to_string()
    }
}

impl Word for bool {
    fn read(word: &str) -> Option<Self> {
        Some(word == "yes")
    }
    fn written(&self) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }
}

impl Word for Zone {
    fn read(word: &str) -> Option<Self> {
        Self::named(word)
    }
    fn written(&self) -> String {
        self.name().to_owned()
    }
}

impl Word for ArticlesAt {
    fn read(word: &str) -> Option<Self> {
        match word {
            "here" => Some(Self::Here),
            "mirrored" => Some(Self::Mirrored),
            "elsewhere" => Some(Self::Elsewhere),
            _ => None,
        }
    }
    fn written(&self) -> String {
        match self {
            Self::Here => "here",
            Self::Mirrored => "mirrored",
            Self::Elsewhere => "elsewhere",
        }
        .to_owned()
    }
}

/// An amount in minor units, or none.
impl Word for Option<i64> {
    fn read(word: &str) -> Option<Self> {
        Some(word.parse().ok())
    }
    fn written(&self) -> String {
        self.map(|minor| minor.to_string()).unwrap_or_default()
    }
    fn typed(&self, beside: &Beside) -> String {
        self.and_then(|minor| beside.decimal(minor)).unwrap_or_default()
    }
}

/// Amounts in minor units.
impl Word for Vec<i64> {
    fn read(word: &str) -> Option<Self> {
        Some(word.split(',').filter_map(|one| one.parse().ok()).collect())
    }
    fn written(&self) -> String {
        self.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
    }
    fn typed(&self, beside: &Beside) -> String {
        self.iter().filter_map(|minor| beside.decimal(*minor)).collect::<Vec<_>>().join(" ")
    }
}

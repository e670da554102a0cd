//! Gifts are found by what somebody says on the telephone: a name, an address, a receipt's number, a card's last four figures, an amount, a
//! day; and narrowed down by kind, state and time.
//!
//! Every word narrows further. What one word may be several things is looked for as each of them. Names and addresses are found from the
//! beginning of a word, by an index of words that the program writes (`donor_word`); at most [`SUPPORTERS`] supporters are gone through.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{
    lines::{ListedDonation, Total},
    states::{DonationKind, DonationState},
    store::{
        figures,
        search::{self as sql, GIFT, WORDED},
    },
};
use crate::{
    clock::{Moment, Zone},
    db::{self, Built, Db, Engine, Tx},
    email_address::{EmailAddress, folded},
    money::{Currency, Money},
    site::Site,
    words,
};

/// So many supporters are gone through who are called alike.
pub const SUPPORTERS: usize = 300;
/// A receipt that is looked for without its year is of one of so many.
const RECEIPT_YEARS: i16 = 10;
/// The most words that are looked for.
const WORDS: usize = 8;
/// The most characters of one.
const LONGEST: usize = 64;
/// So many supporters are given their words at once.
const CHUNK: i64 = 500;

/// One thing that a word may be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sense {
    /// Money, in minor units.
    Amount(i64),
    /// A card's last four figures.
    Card(String),
    /// The beginning of a receipt's number.
    Receipt(String),
    /// A day or a month, up to the moment behind it.
    Time(Moment, Moment),
}

/// What the list of gifts is narrowed down to; by default to nothing.
#[derive(Clone, Debug, Default)]
pub struct GiftSearch {
    /// Beginnings of words of a name or an address: all of them.
    names: Vec<String>,
    /// For each of the other words, what it may be.
    others: Vec<Vec<Sense>>,
    /// Paid, or begun where it is not paid, from then until before then.
    pub between: Option<(Moment, Moment)>,
    pub kind: Option<DonationKind>,
    pub became: Option<Became>,
}

words! {
    /// What became of the gifts that are looked for.
    pub enum Became {
        /// The money came, whatever came after.
        Paid = "paid",
        /// The bank has yet to pay.
        Waits = "waits",
        /// Some of it was sent back, or all.
        SentBack = "sent_back",
        /// A bank took it back, or asked.
        Disputed = "disputed",
        /// The bank did not pay.
        Failed = "failed",
        /// Nobody paid in time.
        Unfinished = "unfinished",
    }
}

/// Where a page of the list begins: behind the gift of that day and that row.
pub type GiftPlace = (Moment, i64);

/// Gifts that were found.
#[derive(Clone, Debug, Default)]
pub struct FoundGifts {
    /// The newest first.
    pub gifts: Vec<ListedDonation>,
    /// More supporters are called so than are gone through: a word more would find the right one.
    pub are_many: bool,
}

impl GiftSearch {
    /// What somebody typed into the one field; days as they are written in the magazine's zone, amounts in its currency, numbers of
    /// receipts also without their year.
    #[must_use]
    pub fn typed(text: &str, zone: &Zone, currency: Option<Currency>, now: Moment) -> Self {
        let mut search = Self::default();
        let words = days_in_figures(text);
        let beside = SaidBeside::of(&words, currency);
        let says_something = |word: &&String| !beside.is_said(word);
        for word in words.iter().filter(says_something).take(WORDS) {
            let word: String = word.trim_start_matches(['*', '•']).chars().take(LONGEST).collect();
            let mut senses = senses(&word, zone, currency);
            if is_the_rest_of_a_receipt(&word) {
                let years = now.year() - RECEIPT_YEARS + 1..=now.year();
                senses.extend(
                    years.map(|year| Sense::Receipt(format!("{year}-{}", word.to_ascii_uppercase()))),
                );
            }
            if !senses.is_empty() {
                search.others.push(senses);
                continue;
            }
            // A sign of money alone, as in "15 €", says nothing.
            let name = folded(&word);
            if name.contains('@') {
                search.names.push(name);
            } else {
                search.names.extend(parts(&name).map(str::to_owned));
            }
        }
        search
    }

    /// Whether it leaves anything out.
    #[must_use]
    pub fn narrows(&self) -> bool {
        !self.names.is_empty()
            || !self.others.is_empty()
            || self.between.is_some()
            || self.kind.is_some()
            || self.became.is_some()
    }

    /// A page of the gifts that are meant, behind a place.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page(&self, db: &Db, behind: Option<GiftPlace>, limit: i64) -> db::Result<FoundGifts> {
        let whose = self.whose(db).await?;
        let (at, id) = behind.unwrap_or((Moment(i64::MAX), i64::MAX));
        let found = || {
            let mut built = Built::new(db.engine());
            built.part(sql::FOUND, "", (at, id))?;
            self.narrow(&mut built, whose.as_ref(), sql::BETWEEN)?;
            built.piece(" order by coalesce(d.paid_at, d.created_at) desc, d.id desc");
            built.part(sql::AT_MOST, ALL, (limit,))?;
            Ok(built)
        };
        let ids = sql::ids(db, found()).await?;
        let gifts = sql::these(db, &db::array(&ids)?).await?;
        Ok(FoundGifts { gifts, are_many: whose.is_some_and(|whose| whose.are_many) })
    }

    /// What the paid ones come to, by kind and currency.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sums(&self, db: &Db) -> db::Result<Vec<Total>> {
        match self.became {
            Some(Became::Waits | Became::Failed | Became::Unfinished) => return Ok(Vec::new()),
            Some(Became::SentBack | Became::Disputed) => {}
            // Whatever no gift has to be looked at for.
            Some(Became::Paid) | None if self.names.is_empty() && self.others.is_empty() => {
                let mut totals = match self.between {
                    Some(span) => figures::totals_between(db, span).await?,
                    None => figures::totals(db).await?,
                };
                totals.retain(|total| self.kind.is_none() || total.kind == self.kind);
                return Ok(totals);
            }
            Some(Became::Paid) | None => {}
        }
        let whose = self.whose(db).await?;
        let summed = || {
            let mut built = Built::new(db.engine());
            built.piece("select kind, currency, cast(sum(case when amount_minor > 0 then 1 else 0 end) as bigint) as number, cast(sum(amount_minor) as bigint) as minor from (");
            built.part(sql::PAID, "", ())?;
            self.narrow(&mut built, whose.as_ref(), sql::PAID_BETWEEN)?;
            built.piece(") paid group by kind, currency order by currency, kind desc");
            Ok(built)
        };
        sql::sums(db, summed()).await
    }

    /// Whose gifts are meant; none where no name is looked for.
    async fn whose(&self, db: &Db) -> db::Result<Option<Whose>> {
        if self.names.is_empty() {
            return Ok(None);
        }
        let mut donors = sql::ids(db, self.by_words(db.engine())).await?;
        let are_many = donors.len() > SUPPORTERS;
        donors.truncate(SUPPORTERS);
        let waiting = sql::waiting(db).await?.into_iter().filter(|one| {
            let words = words_of(&one.email, &one.name);
            self.names.iter().all(|name| words.iter().any(|word| word.starts_with(name.as_str())))
        });
        let waiting: Vec<i64> = waiting.map(|one| one.id).collect();
        Ok(Some(Whose { donors: db::array(&donors)?, waiting: db::array(&waiting)?, are_many }))
    }

    fn by_words(&self, engine: Engine) -> db::Result<Built> {
        let mut built = Built::new(engine);
        for (number, name) in self.names.iter().enumerate() {
            built.piece(if number == 0 { "select donor_id from (" } else { " intersect " });
            built.piece(WORDED);
            built.part(sql::BEGINS_WITH, WORDED, (name.as_str(), behind(name)))?;
        }
        built.piece(") found");
        built.part(sql::AT_MOST, ALL, (SUPPORTERS as i64 + 1,))?;
        Ok(built)
    }

    fn narrow(&self, built: &mut Built, whose: Option<&Whose>, between: db::Sql) -> db::Result<()> {
        if let Some(whose) = whose {
            built.piece(" and ");
            built.part(sql::BY_WHOM, GIFT, (whose.donors.as_str(), whose.waiting.as_str()))?;
        }
        if let Some((from, until)) = self.between {
            built.piece(" and ");
            built.part(between, GIFT, (from, until))?;
        }
        if let Some(kind) = self.kind {
            built.piece(" and ");
            built.part(sql::OF_KIND, GIFT, (kind,))?;
        }
        if let Some(became) = self.became {
            built.piece(" and ");
            match became {
                Became::Waits => built.part(sql::IN_STATE, GIFT, (DonationState::Pending,))?,
                Became::Failed => built.part(sql::IN_STATE, GIFT, (DonationState::Failed,))?,
                Became::Unfinished => built.part(sql::IN_STATE, GIFT, (DonationState::Expired,))?,
                Became::Paid | Became::SentBack | Became::Disputed => built.part(sql::IS_PAID, GIFT, ())?,
            }
            match became {
                Became::SentBack => {
                    built.piece(" and ");
                    built.part(sql::SENT_BACK, GIFT, ())?;
                }
                Became::Disputed => {
                    built.piece(" and ");
                    built.part(sql::IN_DISPUTE, GIFT, ())?;
                }
                Became::Paid | Became::Waits | Became::Failed | Became::Unfinished => {}
            }
        }
        for senses in &self.others {
            for (number, sense) in senses.iter().enumerate() {
                built.piece(if number == 0 { " and (" } else { " or " });
                built.piece("(");
                match sense {
                    Sense::Amount(minor) => built.part(sql::OF_AMOUNT, GIFT, (*minor,))?,
                    Sense::Card(last4) => built.part(sql::BY_CARD, GIFT, (last4.as_str(),))?,
                    Sense::Receipt(number) => {
                        built.part(sql::BY_RECEIPT, GIFT, (number.as_str(), behind(number)))?;
                    }
                    Sense::Time(from, until) => built.part(sql::BETWEEN, GIFT, (*from, *until))?,
                }
                built.piece(")");
            }
            built.piece(")");
        }
        Ok(())
    }
}

/// What stands before how many.
const ALL: &str = "select d.id from donation d where true";

/// Whose gifts are meant, as JSON arrays: of supporters, and of gifts that have none yet.
struct Whose {
    donors: String,
    waiting: String,
    are_many: bool,
}

/// What stands behind everything that begins so.
fn behind(beginning: &str) -> String {
    format!("{beginning}\u{10ffff}")
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty())
}

/// The words by which a supporter is found, as they are looked for.
fn words_of(email: &str, name: &str) -> BTreeSet<String> {
    let readable = EmailAddress::parse(email).map_or_else(|_| email.to_owned(), |address| address.readable());
    let mut words = BTreeSet::new();
    for text in [email, &readable, name].map(folded) {
        words.extend(parts(&text).map(str::to_owned));
        if text.contains('@') {
            words.insert(text);
        }
    }
    words.into_iter().map(|word| word.chars().take(LONGEST).collect()).collect()
}

/// Everything that a word may be but a name.
fn senses(word: &str, zone: &Zone, currency: Option<Currency>) -> Vec<Sense> {
    let mut senses = times(word, zone);
    let bare = word.trim_start_matches('#');
    let mut parts = bare.splitn(2, '-');
    let is_receipt = matches!((parts.next(), parts.next()), (Some(year), Some(rest))
        if year.len() == 4 && is_figures(year) && rest.len() >= 3 && !rest.contains('-') && rest.bytes().all(|b| b.is_ascii_alphanumeric()));
    if is_receipt {
        senses.push(Sense::Receipt(bare.to_ascii_uppercase()));
    }
    if word.len() == 4 && is_figures(word) {
        senses.push(Sense::Card(word.to_owned()));
    }
    if let Some(money) = currency.and_then(|currency| Money::parse(word, currency).ok()) {
        senses.push(Sense::Amount(money.minor));
    }
    senses
}

/// The words of what was typed, where days and months as this program and people write them, such as `30 November 2026`, `Nov 30, 2026`
/// or `November 2026`, are one word in figures.
fn days_in_figures(text: &str) -> Vec<String> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let bare = |word: &str| word.trim_end_matches([',', '.']).to_lowercase();
    let month = |word: &str| {
        let word = bare(word);
        (word.len() >= 3).then(|| MONTHS.iter().position(|name| name.starts_with(&word))).flatten()
    };
    let year = |word: &str| Some(bare(word)).filter(|word| word.len() == 4 && is_figures(word));
    let day = |word: &str| {
        let word = bare(word);
        let figures = word.trim_end_matches(char::is_alphabetic);
        figures.parse::<u8>().ok().filter(|day| (1..=31).contains(day) && word.len() - figures.len() <= 2)
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
        let of_day = |first: &str, named: &str, last: &str| {
            Some(format!("{}-{:02}-{:02}", year(last)?, month(named)? + 1, day(first)?))
        };
        let (found, taken) = match rest {
            [first, second, third, ..]
                if let Some(found) =
                    of_day(first, second, third).or_else(|| of_day(second, first, third)) =>
            {
                (found, 3)
            }
            [first, second, ..] if let (Some(month), Some(year)) = (month(first), year(second)) => {
                (format!("{year}-{:02}", month + 1), 2)
            }
            rest => (rest[0].to_owned(), 1),
        };
        all.push(found);
        at += taken;
    }
    all
}

/// What people say, and our own pages, beside an amount, or beside the last figures of a card; alone, each may be a name.
struct SaidBeside {
    /// The currency of the amounts, where there are figures.
    code: Option<&'static str>,
    is_of_card: bool,
}

impl SaidBeside {
    fn of(words: &[String], currency: Option<Currency>) -> Self {
        let figures = |word: &String| word.bytes().any(|byte| byte.is_ascii_digit());
        let last_four = |word: &String| {
            let bare = word.trim_start_matches(['*', '•']);
            bare.len() == 4 && is_figures(bare)
        };
        Self {
            code: currency.filter(|_| words.iter().any(figures)).map(|currency| currency.code()),
            is_of_card: words.iter().any(last_four),
        }
    }

    fn is_said(&self, word: &str) -> bool {
        const OF_CARDS: [&str; 7] = ["card", "ending", "in", "visa", "mastercard", "amex", "maestro"];
        self.code.is_some_and(|code| code.eq_ignore_ascii_case(word))
            || self.is_of_card && OF_CARDS.iter().any(|one| one.eq_ignore_ascii_case(word))
    }
}

/// Whether a word is a receipt's number without its year, which nobody reads out: [`short_name`](crate::token::short_name), which has figures by all
/// but certainty and none of 0, 1, 8 and 9; a name with a year of birth has.
fn is_the_rest_of_a_receipt(word: &str) -> bool {
    word.len() == 12
        && word.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'2'..=b'7'))
        && word.bytes().any(|b| b.is_ascii_digit())
}

fn is_figures(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A day as people write it: `2026-11-29`, `29.11.2026`, `11/29/2026`, `29/11/2026`; or a month, `2026-11`. Where day and month could
/// stand either way, it is both.
fn times(word: &str, zone: &Zone) -> Vec<Sense> {
    let numbers: Option<Vec<i16>> = word.split(['-', '.', '/']).map(|part| part.parse().ok()).collect();
    let day = |year, month, day| {
        let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        zone.day(date)
    };
    let found: Vec<Option<(Moment, Moment)>> = match numbers.as_deref() {
        Some(&[year @ 1000..=9999, month, of_month]) => vec![day(year, month, of_month)],
        Some(&[first, second, year @ 1000..=9999]) if first == second => vec![day(year, first, second)],
        Some(&[first, second, year @ 1000..=9999]) => {
            vec![day(year, second, first), day(year, first, second).filter(|_| word.contains('/'))]
        }
        Some(&[year @ 1000..=9999, month]) if word.contains('-') => {
            vec![day(year, month, 1).map(|(begins, _)| (begins, zone.month_after(begins)))]
        }
        _ => Vec::new(),
    };
    found.into_iter().flatten().map(|(from, until)| Sense::Time(from, until)).collect()
}

/// When the first gift was paid.
///
/// # Errors
/// When the database fails.
pub async fn first_gift(db: &Db) -> db::Result<Option<Moment>> {
    sql::first(db).await
}

/// Whoever gave is found by their words from now on.
pub(super) async fn word(tx: &mut Tx, donor_id: i64, email: &str, name: &str) -> db::Result<()> {
    let words: Vec<String> = words_of(email, name).into_iter().collect();
    sql::word(tx, donor_id, &db::array(&words)?).await
}

/// Gives the supporters their words who have none: those of an older version, and whose name or address changed.
///
/// # Errors
/// When the database fails; what was done stays.
pub async fn word_supporters(site: &Site) -> db::Result<()> {
    let mut after = 0;
    loop {
        let donors = sql::unworded(&site.db, after, CHUNK).await?;
        let Some(last) = donors.last().map(|one| one.id) else { return Ok(()) };
        db::again(async || {
            let mut tx = site.db.begin().await?;
            for one in &donors {
                word(&mut tx, one.id, &one.email, &one.name).await?;
            }
            tx.commit().await
        })
        .await?;
        after = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> GiftSearch {
        let zone = Zone::named("Europe/Berlin").expect("a zone");
        GiftSearch::typed(text, &zone, Some(Currency::EUR), Moment::from_unix_seconds(1_790_000_000))
    }

    #[test]
    fn a_word_is_looked_for_as_everything_that_it_may_be() {
        let search = typed("Özdemir 15.50 4242 2026-k3x9 ann@EXAMPLE.org");
        assert_eq!(search.names, ["ozdemir", "ann@example.org"]);
        assert_eq!(search.others[0], [Sense::Amount(1_550)]);
        assert_eq!(search.others[1], [Sense::Card("4242".to_owned()), Sense::Amount(424_200)]);
        assert_eq!(search.others[2], [Sense::Receipt("2026-K3X9".to_owned())]);
        let rest = typed("mpb2idxyd2r4");
        assert!(
            rest.names.is_empty() && rest.others[0].contains(&Sense::Receipt("2026-MPB2IDXYD2R4".to_owned()))
        );
        assert_eq!(typed("anna19870312").names, ["anna19870312"]);
        assert!(!typed("").narrows() && !typed(" € ").narrows());
    }

    #[test]
    fn a_day_is_read_as_people_write_it() {
        let day = |text: &str| match &typed(text).others[..] {
            [senses] => senses
                .iter()
                .filter_map(|sense| match sense {
                    Sense::Time(from, _) => Some(from.day(&Zone::named("Europe/Berlin").expect("a zone"))),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        assert_eq!(day("2026-11-29"), ["2026-11-29"]);
        assert_eq!(day("29.11.2026"), ["2026-11-29"]);
        assert_eq!(day("3/4/2026"), ["2026-04-03", "2026-03-04"], "both are meant");
        assert_eq!(day("11/29/2026"), ["2026-11-29"]);
        assert_eq!(day("2026-11"), ["2026-11-01"], "a month, from its first day");
        assert!(day("31.02.2026").is_empty());
    }
}

//! What a person may type for a setting, and what they are told of anything else.

use std::ops::RangeInclusive;

use url::Url;

use super::words::{ArticlesAt, Beside, Word as _};
use crate::{
    clock::Zone,
    email_address::EmailAddress,
    mail::{self, GREETING},
    money::{self, GiftLimits, Money},
};

/// The value, or the sentence that stands at the field.
pub(super) type Checked<T> = Result<T, String>;

/// A text that may be empty.
pub(super) fn text(longest: usize) -> impl Fn(&str, &Beside) -> Checked<String> {
    move |text, _| {
        let fits = text.chars().count() <= longest;
        fits.then(|| text.to_owned()).ok_or_else(|| format!("Use at most {longest} characters."))
    }
}

/// A text that may not.
pub(super) fn wanted(longest: usize, when_empty: &str) -> impl Fn(&str, &Beside) -> Checked<String> {
    move |typed, beside| {
        if typed.is_empty() { Err(when_empty.to_owned()) } else { text(longest)(typed, beside) }
    }
}

/// A text in which fields may stand. Which of them there are is known elsewhere.
pub(super) fn with_fields(
    check: impl Fn(&str, &Beside) -> Checked<String>,
) -> impl Fn(&str, &Beside) -> Checked<String> {
    move |typed, beside| {
        let text = check(typed, beside)?;
        mail::field_named(&text).map(drop).map_err(|mistake| mistake.to_string())?;
        Ok(text)
    }
}

/// How readers are greeted, in one line; the usual way if that is left empty.
pub(super) fn greeting(typed: &str, beside: &Beside) -> Checked<String> {
    if typed.is_empty() {
        return Ok(GREETING.to_owned());
    }
    if typed.contains(char::is_control) {
        return Err("Write it in one line.".to_owned());
    }
    with_fields(text(200))(typed, beside)
}

/// A whole number.
pub(super) fn number(
    range: RangeInclusive<i64>,
    (no_number, not_within): (&str, &str),
) -> impl Fn(&str, &Beside) -> Checked<i64> {
    move |text, _| {
        let number = text.parse().map_err(|_| no_number.to_owned())?;
        range.contains(&number).then_some(number).ok_or_else(|| not_within.to_owned())
    }
}

pub(super) fn yes_or_no(text: &str, _: &Beside) -> Checked<bool> {
    Ok(text == "yes")
}

pub(super) fn zone(text: &str, _: &Beside) -> Checked<Zone> {
    Zone::named(text).ok_or_else(|| "Choose a time zone from the list.".to_owned())
}

/// A language as browsers name it: "en", "en-AU", "zh-Hant".
pub(super) fn language(typed: &str, _: &Beside) -> Checked<String> {
    let mut parts = typed.split('-');
    let first = parts.next().unwrap_or_default();
    let is_language = (2..=3).contains(&first.len()) && first.chars().all(|c| c.is_ascii_alphabetic());
    let others =
        parts.all(|part| (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()));
    let whole = (is_language && others && typed.len() <= 35).then(|| typed.to_owned());
    whole.ok_or_else(|| "Enter a code such as en, en-AU or de.".to_owned())
}

pub(super) fn place(text: &str, _: &Beside) -> Checked<ArticlesAt> {
    ArticlesAt::read(text).ok_or_else(|| "Choose where your articles live.".to_owned())
}

/// The magazine's existing site, wanted only when articles live there.
pub(super) fn site(text: &str, beside: &Beside) -> Checked<String> {
    if text.is_empty() && beside.articles_at == ArticlesAt::Here {
        return Ok(String::new());
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let whole = || "Enter the whole address, such as https://www.example.org.".to_owned();
    url.map(String::from).ok_or_else(whole)
}

pub(super) fn email_wanted(text: &str, _: &Beside) -> Checked<String> {
    EmailAddress::parse(text).map(String::from).map_err(|error| error.to_string())
}

pub(super) fn email(text: &str, beside: &Beside) -> Checked<String> {
    if text.is_empty() { Ok(String::new()) } else { email_wanted(text, beside) }
}

/// Domains, a line each, in the form in which addresses are kept.
pub(super) fn domains(typed: &str, beside: &Beside) -> Checked<String> {
    let mut domains = Vec::new();
    for line in
        text(10_000)(typed, beside)?.split([',', ' ', '\n']).map(str::trim).filter(|line| !line.is_empty())
    {
        let domain = line.trim_start_matches('@').trim_end_matches('.');
        let domain = idna::domain_to_ascii_strict(domain).ok().filter(|domain| domain.contains('.'));
        domains.push(
            domain
                .ok_or_else(|| format!("“{line}” is no domain. Write it as in example.com, a line each."))?,
        );
    }
    Ok(domains.join("\n"))
}

pub(super) fn currency(text: &str, _: &Beside) -> Checked<String> {
    let known = money::currency(text).filter(|known| money::sensible_limits(*known).is_some());
    let known = known.map(|known| known.code().to_owned());
    known.ok_or_else(|| {
        "Enter a currency code that gifts can be taken in, such as EUR, GBP or AUD.".to_owned()
    })
}

/// A least of the magazine's own; none while it is empty, or the currency is not settled.
pub(super) fn least(text: &str, beside: &Beside) -> Checked<Option<i64>> {
    let Some(currency) = beside.currency.filter(|_| !text.is_empty()) else { return Ok(None) };
    let amount = Money::parse(text, currency).map_err(|error| error.to_string())?;
    let most = money::provider_most(currency);
    let takes = || format!("The payment service takes at most {most} at once.");
    (amount.minor <= most.minor).then_some(Some(amount.minor)).ok_or_else(takes)
}

/// A most of its own, which is no less than the least.
pub(super) fn most(text: &str, beside: &Beside) -> Checked<Option<i64>> {
    let gift_most = least(text, beside)?;
    match (Beside { gift_most, ..*beside }).limits() {
        Some(GiftLimits { least, most }) if least.minor > most.minor => {
            Err(format!("The largest gift is smaller than the smallest, {least}."))
        }
        _ => Ok(gift_most),
    }
}

/// One to six amounts that can be given.
pub(super) fn amounts(text: &str, beside: &Beside) -> Checked<Vec<i64>> {
    const AT_MOST: usize = 6;
    // What is wrong with those is said there.
    let limits = beside.limits().filter(|limits| limits.least.minor <= limits.most.minor);
    let (Some(currency), Some(GiftLimits { least, most })) = (beside.currency, limits) else {
        return Ok(Vec::new());
    };
    let amounts = one_by_one(text).into_iter().map(|one| Money::parse(&one, currency));
    let amounts = amounts.map(|read| read.map(|amount| amount.minor));
    let amounts: Vec<i64> = amounts.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if !(1..=AT_MOST).contains(&amounts.len()) {
        return Err("Enter one to six amounts with spaces between them.".to_owned());
    }
    if amounts.iter().any(|minor| !(least.minor..=most.minor).contains(minor)) {
        return Err(format!("Suggest amounts that can be given: from {least} to {most}."));
    }
    Ok(amounts)
}

/// Amounts with spaces between them; what has no digits, such as a sign, belongs to the amount before it.
fn one_by_one(text: &str) -> Vec<String> {
    let mut amounts: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match amounts.last_mut() {
            Some(last) if !word.contains(char::is_numeric) => last.push_str(word),
            _ => amounts.push(word.to_owned()),
        }
    }
    amounts
}

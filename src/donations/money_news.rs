//! What happened to money that a treasurer has to know of, told by letter: a refund or payout that failed, a dispute, a
//! warning, an account that is restricted or silent.

use super::{
    account,
    lines::figures,
    states::RecurringState,
    store::back::{self as rows, About},
};
use crate::{
    db::Result,
    mail::MoneyNews,
    payments::DisputeState,
    queue::{self, Due, Happened, Telling},
    settings::Settings,
    site::Site,
    staff,
};

/// Writes the letter about one such thing.
///
/// # Errors
/// When the database fails; then it is told at the next turn.
pub async fn tell_of_money(site: &Site, news: &Due<Happened>) -> Result<Telling> {
    let mut words = news.what.subject.split(' ');
    let (kind, id) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let settings = Settings::load(&site.db).await?;
    let people = staff::treasurers(&site.db).await?;
    let mut tx = site.db.begin().await?;
    let about = match kind {
        "refund" => rows::about_refund(&mut tx, id).await?,
        // Each state of a dispute is a row of its own: what it has gone on from meanwhile would be the same letter twice.
        "dispute" => {
            let state = words.next().unwrap_or_default();
            rows::about_dispute(&mut tx, id).await?.filter(|about| about.state == state)
        }
        "warning" => rows::about_warning(&mut tx, id).await?,
        "payout" => rows::about_payout(&mut tx, id).await?,
        // What happened to one of its bills stands in no row.
        "bill" => {
            let reason = words.next().unwrap_or_default().to_owned();
            rows::about_regular(&mut tx, id).await?.map(|about| About { reason, ..about })
        }
        _ => None,
    };
    let Some(about) = about else { return Ok(Telling::NotSo) };
    let due = about.due_at.map(|at| at.date(&settings.time_zone));
    let Some((what, means)) = said(kind, &about, due.as_deref()) else { return Ok(Telling::NotSo) };
    if !queue::news_told(&mut tx, news, site.now()).await? {
        return Ok(Telling::NotSo);
    }
    let letterhead = settings.letterhead(site);
    let page = about.donation.as_ref().map_or_else(
        || site.url("/desk/donations"),
        |donation| site.url(&format!("/desk/donations/{donation}")),
    );
    let context = MoneyNews { sender: letterhead.sender.clone(), what, means, page_url: page };
    let fact = format!("{}:{}", news.name, news.since.0);
    if !staff::tell(&mut tx, (site, &letterhead), &people, &fact, &context).await? {
        return Ok(Telling::NobodyThere);
    }
    tx.commit().await?;
    Ok(Telling::Written)
}

/// Writes to the treasurers that our account at the payment service is in trouble, while it is.
///
/// # Errors
/// When the database fails; they are told at a later turn.
pub async fn tell_of_account(site: &Site, news: &Due<Happened>) -> Result<Telling> {
    let trouble = account::trouble(&site.db, site.now()).await?;
    let Some((what, means)) = trouble.said(&news.what.subject) else { return Ok(Telling::NotSo) };
    let (settings, people) = (Settings::load(&site.db).await?, staff::treasurers(&site.db).await?);
    let mut tx = site.db.begin().await?;
    if !queue::news_told(&mut tx, news, site.now()).await? {
        return Ok(Telling::NotSo);
    }
    let letterhead = settings.letterhead(site);
    let page_url = site.url("/desk/donations");
    let context = MoneyNews { sender: letterhead.sender.clone(), what, means: means.to_owned(), page_url };
    let fact = format!("{}:{}", news.name, news.since.0);
    if !staff::tell(&mut tx, (site, &letterhead), &people, &fact, &context).await? {
        return Ok(Telling::NobodyThere);
    }
    tx.commit().await?;
    Ok(Telling::Written)
}

/// What happened, and what to do; none of what needs nobody any more.
fn said(kind: &str, about: &About, due: Option<&str>) -> Option<(String, String)> {
    let amount = figures(about.amount_minor, &about.currency);
    let by = due.map_or_else(String::new, |day| format!(" by {day}"));
    let (what, means) = match kind {
        "refund" if about.state == "failed" => (
            format!("{amount} that you sent back did not arrive"),
            format!(
                "The supporter’s bank did not take it{}, so the money is with the payment service again, and the gift counts as \
                 before. Ask the supporter how they would like to have it.",
                reason(&about.reason)
            ),
        ),
        "dispute" => {
            let state = DisputeState::parse(&about.state).unwrap_or(DisputeState::NeedsResponse);
            match state {
                DisputeState::WarningNeedsResponse => (
                    format!("A bank asks about a gift of {amount}"),
                    format!("It has taken nothing yet. Answer at the payment service{by}, or send the gift back."),
                ),
                DisputeState::NeedsResponse | DisputeState::AppealNeedsResponse => (
                    format!("A bank takes back a gift of {amount}"),
                    format!(
                        "{} The bank has taken the money, and the payment service a fee. Answer at the payment service{by}, or \
                         the money is lost. Do not write to the supporter for money meanwhile: we do not, either.",
                        why_disputed(&about.reason)
                    ),
                ),
                DisputeState::Won => (
                    format!("A bank gives back a gift of {amount}"),
                    "It had taken it back, and decided for you. There is nothing to do.".to_owned(),
                ),
                DisputeState::Lost => (
                    format!("A gift of {amount} is lost to its supporter’s bank"),
                    "The bank decided for the supporter. There is nothing more to do; the gift does not count any more."
                        .to_owned(),
                ),
                _ => return None,
            }
        }
        "warning" if about.state == "actionable" => (
            format!("A gift of {amount} may be a fraud"),
            format!(
                "The bank of the card says {}. Sending the gift back now spares you a dispute and its fee.",
                why_warned(&about.reason)
            ),
        ),
        "payout" if about.state == "failed" => (
            format!("{amount} did not arrive at your bank"),
            format!(
                "The payment service tried to pay it out{}, and has the money again. Look at your bank account in the settings \
                 of the payment service.",
                reason(&about.reason)
            ),
        ),
        "bill" if about.state != RecurringState::Cancelled.as_str() => (
            format!("A regular gift of {amount} cannot be billed"),
            format!(
                "The payment service could not make out its bill{}, and takes nothing until somebody has mended it there: look for the \
                 invoice that is still a draft.",
                reason(&about.reason)
            ),
        ),
        _ => return None,
    };
    Some((what, means))
}

/// What the bank of a card warns of (`fraud_type` of an early fraud warning).
fn why_warned(kind: &str) -> &'static str {
    match kind {
        "card_never_received" => "that the card was taken before it came to its owner",
        "fraudulent_card_application" => "that the card was made out to a wrong name",
        "made_with_counterfeit_card" => "that the card is a forgery",
        "made_with_lost_card" => "that the card was lost",
        "made_with_stolen_card" => "that the card was stolen",
        "unauthorized_use_of_card" => "that its owner did not allow the payment",
        _ => "so, and not why",
    }
}

/// Why a bank takes a payment back (<https://docs.stripe.com/disputes/categories>).
#[must_use]
pub fn why_disputed(reason: &str) -> String {
    match reason {
        "fraudulent" => "The supporter says that they did not make this payment.".to_owned(),
        "unrecognized" => "The supporter does not recognise the payment on their statement.".to_owned(),
        "duplicate" => "The supporter says that they were charged twice.".to_owned(),
        "subscription_canceled" => "The supporter says that they had ended their regular gift.".to_owned(),
        "credit_not_processed" => {
            "The supporter says that money was promised back and did not come.".to_owned()
        }
        "debit_not_authorized" => "The supporter says that they did not allow the debit.".to_owned(),
        "" | "general" | "bank_cannot_process" | "customer_initiated" => {
            "The bank does not say why.".to_owned()
        }
        other => format!("The bank's word for why: {}.", other.replace('_', " ")),
    }
}

/// The provider's word for why, where it says one.
fn reason(word: &str) -> String {
    let words = word.replace('_', " ");
    if matches!(word, "" | "unknown") { String::new() } else { format!(" ({})", words.trim_end_matches('.')) }
}

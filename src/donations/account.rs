//! Our account at the provider: whether it may take and pay out money, and whether its news reach us by themselves. Shown at the desk and by
//! the doctor.

pub use super::store::account::KnownAccount;
use super::store::account::{self as rows, Heard};
use crate::{
    clock::Moment,
    db::{self, Db},
    payments::{AccountStanding, PaymentProvider, ProviderError},
    queue::{self, News},
    site::Site,
};

/// So long nothing may come by itself while there is news to be had by asking.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(86_400);

/// What is wrong with the account, or with how its news come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountTrouble {
    /// Money can neither come in nor go out as it should.
    pub restricted: Option<KnownAccount>,
    /// What happens there is heard by asking alone, since then; the provider's way to us is broken.
    pub silent_since: Option<Moment>,
}

impl AccountTrouble {
    /// A sentence for each thing, without its full stop.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences: Vec<String> = self.restricted.iter().map(restricted).collect();
        if self.silent_since.is_some() {
            sentences.push(SILENT.to_owned());
        }
        sentences
    }
}

impl AccountTrouble {
    /// What each thing is called among the news: what begins anew is told anew.
    fn subjects(&self) -> Vec<String> {
        let since = |what: &str, since: Moment| format!("{what} {}", since.0);
        let restricted = self.restricted.as_ref().and_then(|known| known.restricted_since);
        let all =
            [restricted.map(|at| since("restricted", at)), self.silent_since.map(|at| since("silent", at))];
        all.into_iter().flatten().collect()
    }

    /// What is to be told of one of them, and what to do; none if that is over.
    pub(super) fn said(&self, subject: &str) -> Option<(String, &'static str)> {
        if !self.subjects().iter().any(|one| one == subject) {
            return None;
        }
        match &self.restricted {
            Some(known) if subject.starts_with("restricted") => Some((restricted(known), RESTRICTED_MEANS)),
            _ => Some((SILENT.to_owned(), SILENT_MEANS)),
        }
    }
}

const RESTRICTED_MEANS: &str = "Sign in at the payment service: it says there what it needs of you. We ask it again and again, and \
    the desk says when all is well. Supporters who come meanwhile are told that nothing was charged.";
const SILENT_MEANS: &str = "Nothing is lost: we ask every ten minutes, and what happened there comes that much later. Whoever \
    runs the server mends it with `broadside payments setup`, which shows first what it would change.";

const SILENT: &str = "The payment service does not tell us by itself any more what happens there: we hear of it late, by asking";

fn restricted(account: &KnownAccount) -> String {
    let what = match (account.may_charge, account.may_pay_out) {
        (false, false) => "takes no gifts for you any more, and pays nothing out to your bank",
        (false, true) => "takes no gifts for you any more",
        _ => "pays nothing out to your bank any more",
    };
    let wants = match account.wants.as_str() {
        "" => String::new(),
        wants => format!(". It waits for: {wants}"),
    };
    format!("The payment service {what}{wants}")
}

impl Heard {
    /// Since when nothing came by itself, if that is for too long: what is new by asking should have been told.
    fn silent_since(self, now: Moment) -> Option<Moment> {
        let (first, last) = self.asked_first.zip(self.asked_last)?;
        let since = self.told.unwrap_or(first);
        (last > since
            && now.since(last) < SILENCE
            && now.since(since) >= SILENCE
            && now.since(first) >= SILENCE)
            .then_some(since)
    }
}

/// What is wrong now.
///
/// # Errors
/// When the database fails.
pub async fn trouble(db: &Db, now: Moment) -> db::Result<AccountTrouble> {
    Ok(AccountTrouble {
        restricted: rows::standing(db).await?.filter(|known| known.restricted_since.is_some()),
        silent_since: rows::heard(db).await?.silent_since(now),
    })
}

/// Asks the provider how the account stands, and keeps what it says.
///
/// # Errors
/// When the provider does not say, or the database fails.
pub async fn look(
    site: &Site,
    provider: &dyn PaymentProvider,
) -> Result<AccountStanding, super::ProviderPollError> {
    let standing = match provider.account().standing().await {
        // A restricted key may not be allowed to ask: then this is not known, and nothing else is wrong.
        Err(ProviderError::Refused { status: 401 | 403, .. }) => return Ok(AccountStanding::unknown()),
        answer => answer?,
    };
    let mut tx = site.db.begin().await?;
    rows::keep_standing(&mut tx, &standing, site.now()).await?;
    tx.commit().await?;
    Ok(standing)
}

/// Has the treasurers told of what is wrong now: once, and again each week while it goes on.
///
/// # Errors
/// When the database fails; it is looked at again at the next turn.
pub async fn note_trouble(site: &Site) -> db::Result<()> {
    let trouble = trouble(&site.db, site.now()).await?;
    let subjects = trouble.subjects();
    if subjects.is_empty() {
        return Ok(());
    }
    let mut tx = site.db.begin().await?;
    for subject in subjects {
        queue::add_news(&mut tx, site.now(), News::Account, &subject).await?;
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_a_day_without_news_while_there_are_some() {
        let hours = |hours: i64| Some(Moment::from_unix_seconds(hours * 3_600));
        let now = Moment::from_unix_seconds(100 * 3_600);
        let heard = |told, asked_first, asked_last| Heard { told, asked_first, asked_last }.silent_since(now);
        assert_eq!(heard(hours(70), hours(10), hours(99)), hours(70));
        assert_eq!(heard(None, hours(60), hours(99)), hours(60), "it never told us of anything");
        for (told, first, last, why) in [
            (hours(99), hours(10), hours(98), "it tells us"),
            (hours(70), hours(10), hours(69), "nothing happens there"),
            (hours(70), hours(10), hours(71), "there was a hiccup, and nothing happened since"),
            (None, hours(90), hours(99), "it was set up today"),
            (None, None, None, "it is new"),
        ] {
            assert_eq!(heard(told, first, last), None, "{why}");
        }
    }
}

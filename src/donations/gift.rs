//! A supporter sets out to give: what they typed is checked, the gift is written down, and the way to the checkout opens.

use std::time::Duration;

use super::{
    brakes::{Braked, Giver, Try},
    calls,
    store::{self, from_articles, gifts::NewDonation, months::NewRecurring},
};
use crate::{
    articles,
    db::{self, MaybeDatabase},
    delivery,
    email_address::EmailAddress,
    links::Give,
    money::{AmountError, GiftLimits, Money},
    payments::{Every, NewCheckout, PaymentProvider, ProviderError},
    settings::Settings,
    site::Site,
    token::{self, Purpose, TokenError},
};

/// What the donation form sent, as it was typed.
#[derive(Clone, Copy, Debug)]
pub struct GiftRequest<'a> {
    /// The amount, in the currency of the settings; the form does not choose one.
    pub amount: &'a str,
    /// Once or monthly.
    pub every: Every,
    /// Where the receipt goes.
    pub email: &'a str,
    /// The supporter's name; may be empty.
    pub name: &'a str,
    /// Who sets out, as far as the brakes ask.
    pub giver: Giver<'a>,
    /// What the gift is to be called: a new public id.
    pub gift: &'a str,
    /// Where the payment page leads whoever turns back: an address below ours.
    pub back: &'a str,
    /// The token of the edition whose link led here, if any; a bad one credits nobody.
    pub edition_token: Option<&'a str>,
    /// The slug of the article under which they were asked, if any; one that readers do not see is none.
    pub article: Option<&'a str>,
}

/// What to change in the form, each in words for who typed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors {
    /// About the amount.
    pub amount: Option<String>,
    /// The two amounts that what was typed may mean.
    pub readings: Option<[Money; 2]>,
    /// About the address.
    pub email: Option<String>,
    /// About the name.
    pub name: Option<String>,
}

impl FieldErrors {
    const fn is_empty(&self) -> bool {
        self.amount.is_none() && self.email.is_none() && self.name.is_none()
    }
}

/// A gift that is written down and has a checkout page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedGift {
    /// The donation's public id.
    pub public_id: String,
    /// Where the supporter pays.
    pub checkout_url: String,
}

/// Why there is no checkout page.
#[derive(Debug, thiserror::Error)]
pub enum GiftError {
    /// The form needs changes.
    #[error("the form needs changes")]
    Invalid(FieldErrors),
    /// More gifts are begun than a magazine is given: someone tries cards out. How long until the next may be.
    #[error("too many gifts in a short time")]
    TooMany(Duration),
    /// The browser is to do some work first, or its owner to wait.
    #[error("some work comes first")]
    Work,
    /// Many cards were declined: strangers can give again after so long.
    #[error("giving is closed to strangers")]
    Closed(Duration),
    /// Gifts cannot be taken in the currency of the settings.
    #[error("no gifts can be taken in {0}")]
    Currency(String),
    /// The provider gave no page; nothing was charged.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The database failed; nothing was charged.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// For so long a payment page is open: half an hour, and five minutes for clocks that differ.
const PAGE_LASTS: Duration = Duration::from_secs(35 * 60);

const LONGEST_NAME: usize = 100;

/// The token of the page that thanks for a gift, `/thanks/{token}`: the name of a gift alone opens nothing, for it stands in
/// logs and at the provider.
#[must_use]
pub fn thanks_token(site: &Site, public_id: &str) -> String {
    let until = site.now().plus(THANKS_LAST);
    site.keys.sign(Purpose::Thanks, &format!("{GIFT}{public_id}"), Some(until))
}

/// The public id of the gift whose page a token opens.
///
/// # Errors
/// When the token is not genuine, or too old.
pub fn gift_of(site: &Site, token: &str) -> Result<String, TokenError> {
    let scope = site.keys.verify(Purpose::Thanks, token, site.now())?;
    scope.strip_prefix(GIFT).map(str::to_owned).ok_or(TokenError::Invalid)
}

const GIFT: &str = "gift.";
/// A bank debit takes up to two weeks; the receipt is for later.
const THANKS_LAST: Duration = Duration::from_secs(30 * 86_400);

/// Writes a gift down and opens the provider's checkout page for it. Nobody is subscribed to anything (TRUST L2).
///
/// # Errors
/// [`GiftError`]. When the provider did not answer, the stored call is finished later by [`resume_calls`](super::resume_calls).
pub async fn start_gift(
    site: &Site,
    provider: &dyn PaymentProvider,
    settings: &Settings,
    request: &GiftRequest<'_>,
) -> Result<StartedGift, GiftError> {
    let limits = settings.gift_limits().ok_or_else(|| GiftError::Currency(settings.currency.clone()))?;
    let (amount, email, name) = check(request, limits).map_err(GiftError::Invalid)?;
    let a_try = Try::begin(site, &request.giver, &email).await?;
    let given = request.edition_token.and_then(|given| Give::read(&site.keys, given, site.now()).ok());
    let edition_id = match given {
        Some(Give(edition)) => delivery::edition_by_name(&site.db, &edition).await?,
        None => None,
    };
    let article = match request.article.filter(|slug| !slug.is_empty()) {
        Some(slug) => articles::published_by_slug(site, slug).await?,
        None => None,
    };
    let from = Origin {
        edition_id,
        article: article.as_ref().map(|article| (article.id.0, article.title.as_str())),
    };

    let public_id = request.gift.to_owned();
    let recurring_id = (request.every == Every::Month).then(token::public_id);
    let checkout = NewCheckout {
        idempotency_key: format!("checkout:{public_id}"),
        every: request.every,
        amount_minor: amount.minor,
        currency: amount.currency.code().to_owned(),
        description: match request.every {
            Every::Once => format!("Donation to {}", settings.magazine_name),
            Every::Month => format!("Monthly donation to {}", settings.magazine_name),
        },
        email: email.to_string(),
        donation: public_id.clone(),
        recurring: recurring_id.clone(),
        success_url: site.url(&format!("/thanks/{}", thanks_token(site, &public_id))),
        cancel_url: site.url(request.back),
        expires_at: Some(site.now().plus(PAGE_LASTS).unix_seconds()),
    };
    let call = db::again(async || write_down(site, &a_try, &checkout, (&name, from)).await).await?;
    match calls::open_checkout(site, provider, &call).await? {
        Ok(checkout_url) => Ok(StartedGift { public_id, checkout_url }),
        Err(error) if error.is_about_the_gift() => Err(GiftError::Invalid(refused(&error))),
        Err(error) => Err(error.into()),
    }
}

impl MaybeDatabase for GiftError {
    fn database(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Braked> for GiftError {
    fn from(braked: Braked) -> Self {
        match braked {
            Braked::TooMany(wait) => Self::TooMany(wait),
            Braked::Work => Self::Work,
            Braked::Closed(wait) => Self::Closed(wait),
            Braked::Database(error) => Self::Database(error),
        }
    }
}

/// What is given and where its receipt goes, as a form says it; nothing is written down.
///
/// # Errors
/// [`GiftError::Invalid`], or [`GiftError::Currency`].
pub fn read_gift(settings: &Settings, request: &GiftRequest<'_>) -> Result<(Money, EmailAddress), GiftError> {
    let limits = settings.gift_limits().ok_or_else(|| GiftError::Currency(settings.currency.clone()))?;
    let (amount, email, _) = check(request, limits).map_err(GiftError::Invalid)?;
    Ok((amount, email))
}

/// What the provider would not take, at the field that it is about.
fn refused(error: &ProviderError) -> FieldErrors {
    let ProviderError::Refused { code, .. } = error else { return FieldErrors::default() };
    match code.as_str() {
        "email_invalid" => FieldErrors {
            email: Some("The payment service does not take this address.".to_owned()),
            ..FieldErrors::default()
        },
        code => {
            let what = if code == "amount_too_large" { "larger" } else { "smaller" };
            let amount = format!("That amount is {what} than a bank card can pay.");
            FieldErrors { amount: Some(amount), ..FieldErrors::default() }
        }
    }
}

fn check(
    request: &GiftRequest<'_>,
    GiftLimits { least, most }: GiftLimits,
) -> Result<(Money, EmailAddress, String), FieldErrors> {
    let mut errors = FieldErrors::default();
    let read = Money::parse(request.amount, least.currency);
    errors.readings = read.as_ref().err().and_then(AmountError::readings);
    let amount = read.map_err(|error| error.to_string()).and_then(|money| {
        if money.minor < least.minor {
            Err(format!("The smallest gift we can take here is {least}."))
        } else if money.minor > most.minor {
            Err(format!("The largest gift we can take here is {most}. Please write to us for a larger one."))
        } else {
            Ok(money)
        }
    });
    let email = EmailAddress::parse(request.email).map_err(|error| error.to_string());
    let name: String = request.name.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if name.chars().count() > LONGEST_NAME {
        errors.name = Some(format!("Use at most {LONGEST_NAME} characters."));
    }
    match (amount, email) {
        (Ok(amount), Ok(email)) if errors.is_empty() => Ok((amount, email, name)),
        (amount, email) => {
            errors.amount = amount.err();
            errors.email = email.err();
            Err(errors)
        }
    }
}

/// Where somebody was asked for a gift.
#[derive(Clone, Copy)]
struct Origin<'a> {
    edition_id: Option<i64>,
    /// Its id, and what it is called.
    article: Option<(i64, &'a str)>,
}

/// The rows of the gift and the call that is about to be made, in one transaction, before the call.
async fn write_down(
    site: &Site,
    a_try: &Try<'_>,
    checkout: &NewCheckout,
    (name, Origin { edition_id, article }): (&str, Origin<'_>),
) -> Result<store::calls::Call, GiftError> {
    let now = site.now();
    let mut tx = site.db.begin().await?;
    a_try.judge(&mut tx, site).await?;
    let recurring = match &checkout.recurring {
        None => None,
        Some(public_id) => {
            let new = NewRecurring {
                public_id,
                email: &checkout.email,
                name,
                amount_minor: checkout.amount_minor,
                currency: &checkout.currency,
                edition_id,
                at: now,
            };
            Some(store::months::add_recurring(&mut tx, &new).await?)
        }
    };
    let new = NewDonation {
        public_id: &checkout.donation,
        email: &checkout.email,
        name,
        recurring_donation_id: recurring.as_ref().map(|row| row.id),
        amount_minor: checkout.amount_minor,
        currency: &checkout.currency,
        edition_id,
        at: now,
    };
    let donation = store::gifts::add_donation(&mut tx, &new).await?;
    if let Some(article) = article {
        from_articles::add(&mut tx, donation.id, article).await?;
    }
    a_try.write(&mut tx, site, donation.id).await?;
    let call = calls::store_checkout(&mut tx, site, checkout).await?;
    tx.commit().await?;
    Ok(call)
}

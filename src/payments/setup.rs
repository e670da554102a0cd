//! What is to be done at the provider so that its news reach us, found out before anything is done.
//!
//! The rules that must hold: an endpoint of another program is left alone, and so is one of ours until the secret of the one that
//! replaces it is in the settings; so there is no moment in which news that come are not believed.

use url::Url;

use super::{
    ProviderError, Stripe,
    account::{Endpoint, Portal},
    kinds,
};
use crate::token;

/// How the provider is to know us.
#[derive(Clone, Debug)]
pub struct SetupWanted {
    /// Where events are to be sent.
    pub url: String,
    /// Where the provider's page for supporters leads back to.
    pub return_url: String,
    /// The secrets that the settings know.
    pub secrets: Vec<String>,
}

impl SetupWanted {
    /// By the address of the magazine, and the secrets that the settings know.
    #[must_use]
    pub fn of(base_url: &Url, secrets: Vec<String>) -> Self {
        let base = base_url.as_str().trim_end_matches('/');
        Self { url: format!("{base}/hooks/stripe"), return_url: format!("{base}/"), secrets }
    }
}

/// One thing that is to be done there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupStep {
    /// An endpoint is made; its secret is told once.
    Make,
    /// Kinds that an endpoint lacks are added, and it is switched on if it is off.
    Mend { endpoint: String, lacks: Vec<&'static str>, is_off: bool },
    /// An endpoint that another has replaced, or that was never finished, is removed.
    Remove { endpoint: String, why: &'static str },
    /// What supporters may do on the provider's page is set.
    Portal { known: Option<String> },
}

impl SetupStep {
    /// What is done, for whoever has to agree.
    #[must_use]
    pub fn sentence(&self, wanted: &SetupWanted) -> String {
        match self {
            Self::Make => format!(
                "make a webhook endpoint for {}: {} kinds of events, API version {}",
                wanted.url,
                kinds::told().len(),
                Stripe::version()
            ),
            Self::Mend { endpoint, lacks, is_off } => {
                let mut all = Vec::new();
                if !lacks.is_empty() {
                    all.push(format!("add {} to its events", lacks.join(", ")));
                }
                if *is_off {
                    all.push("switch it on".to_owned());
                }
                format!("mend the webhook endpoint {endpoint}: {}", all.join(", and "))
            }
            Self::Remove { endpoint, why } => format!("remove the webhook endpoint {endpoint}: {why}"),
            Self::Portal { known } => {
                let (what, which) = match known {
                    Some(id) => ("set", format!(" ({id})")),
                    None => ("make", String::new()),
                };
                format!(
                    "{what} what supporters can do on Stripe's own page{which}: change how they pay, end what they give, see what they paid; it leads back to {}",
                    wanted.return_url
                )
            }
        }
    }
}

/// What is to be done, and what only a person can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    pub steps: Vec<SetupStep>,
    /// What needs a person, a sentence each.
    pub notes: Vec<String>,
}

/// A secret that was made, to be put into the settings: nobody is told it again.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSecret(pub String);

/// Shows nothing of it, so that no log holds it.
impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewSecret")
    }
}

fn is_known(endpoint: &Endpoint, wanted: &SetupWanted) -> bool {
    let named = |name: &String| wanted.secrets.iter().any(|secret| token::short_name(secret) == *name);
    endpoint.secret_name.as_ref().is_some_and(named)
}

fn lacks(endpoint: &Endpoint) -> Vec<&'static str> {
    let has = |kind: &&str| endpoint.kinds.iter().any(|one| one == "*" || one == kind);
    kinds::told().into_iter().filter(|kind| !has(kind)).collect()
}

fn is_of_our_version(endpoint: &Endpoint) -> bool {
    endpoint.version.as_deref() == Some(Stripe::version())
}

/// Of our address, the newest first.
fn ours<'a>(endpoints: &'a [Endpoint], wanted: &SetupWanted) -> Vec<&'a Endpoint> {
    let mut ours: Vec<&Endpoint> = endpoints.iter().filter(|one| one.url == wanted.url).collect();
    ours.sort_by(|one, other| (other.created, &other.id).cmp(&(one.created, &one.id)));
    ours
}

/// Finds out what is to be done. With `rotate` there is to be a new secret, beside the one that is in the settings.
#[must_use]
pub fn plan(endpoints: &[Endpoint], portals: &[Portal], wanted: &SetupWanted, rotate: bool) -> Setup {
    let mut setup = Setup::default();
    let all = ours(endpoints, wanted);
    for one in all.iter().filter(|one| one.is_unfinished) {
        let why = "it was made, and its secret was never told";
        setup.steps.push(SetupStep::Remove { endpoint: one.id.clone(), why });
    }
    let all: Vec<&Endpoint> = all.into_iter().filter(|one| !one.is_unfinished).collect();
    // Of ours, whose secret nobody wrote into the settings.
    let (waiting, others): (Vec<&Endpoint>, Vec<&Endpoint>) =
        all.into_iter().partition(|one| one.secret_name.is_some() && !is_known(one, wanted));
    let right = others.iter().copied().find(|one| is_of_our_version(one));
    match right {
        _ if rotate => {
            for one in &waiting {
                let why = "its secret was never put into the settings";
                setup.steps.push(SetupStep::Remove { endpoint: one.id.clone(), why });
            }
            setup.steps.push(SetupStep::Make);
        }
        Some(right) => {
            let (lacks, is_off) = (lacks(right), !right.is_enabled);
            if !lacks.is_empty() || is_off {
                setup.steps.push(SetupStep::Mend { endpoint: right.id.clone(), lacks, is_off });
            }
            // A secret that the settings know replaces every older one.
            for one in others.iter().filter(|one| one.id != right.id && is_known(right, wanted)) {
                let why = "another has replaced it, whose secret is in the settings";
                setup.steps.push(SetupStep::Remove { endpoint: one.id.clone(), why });
            }
        }
        None if waiting.is_empty() => setup.steps.push(SetupStep::Make),
        None => {}
    }
    if !rotate {
        for one in &waiting {
            setup.notes.push(format!(
                "the webhook endpoint {} waits until its secret is in STRIPE_WEBHOOK_SECRET. If it was lost: broadside payments setup --rotate --yes",
                one.id
            ));
        }
    }
    // What another program made there is its own: ours is named wherever we lead to it.
    let portal = portals.iter().find(|one| one.is_ours);
    if portal.is_none_or(|portal| !portal.is_right(&wanted.return_url)) {
        setup.steps.push(SetupStep::Portal { known: portal.map(|portal| portal.id.clone()) });
    }
    setup
}

/// What is wrong with how the provider's news come to us, a sentence each.
#[must_use]
pub fn troubles(endpoints: &[Endpoint], wanted: &SetupWanted) -> Vec<String> {
    let all = ours(endpoints, wanted);
    let Some(right) = all
        .iter()
        .find(|one| is_known(one, wanted) && is_of_our_version(one))
        .or_else(|| all.iter().find(|one| one.secret_name.is_none() && !one.is_unfinished))
        .or(all.first())
    else {
        return vec![format!(
            "no webhook endpoint leads to {}, so gifts are heard of late, by asking. Make it: broadside payments setup",
            wanted.url
        )];
    };
    let mut wrong = Vec::new();
    if !right.is_enabled {
        wrong.push(format!("the webhook endpoint {} is switched off", right.id));
    }
    if !is_of_our_version(right) {
        let version = right.version.as_deref().unwrap_or("of the account");
        wrong.push(format!(
            "the webhook endpoint {} sends the API version {version}, and we read {}",
            right.id,
            Stripe::version()
        ));
    }
    let lacks = lacks(right);
    if !lacks.is_empty() {
        wrong.push(format!("the webhook endpoint {} does not send {}", right.id, lacks.join(", ")));
    }
    if right.is_unfinished || right.secret_name.is_some() && !is_known(right, wanted) {
        wrong.push(format!(
            "the secret of the webhook endpoint {} is not in STRIPE_WEBHOOK_SECRET, so what it sends is not believed",
            right.id
        ));
    }
    for sentence in &mut wrong {
        sentence.push_str(". What to do is shown by: broadside payments setup");
    }
    wrong
}

/// Looks what is to be done at Stripe.
///
/// # Errors
/// [`ProviderError`].
pub async fn look(stripe: &Stripe, wanted: &SetupWanted, rotate: bool) -> Result<Setup, ProviderError> {
    Ok(plan(&stripe.endpoints().await?, &stripe.portals().await?, wanted, rotate))
}

/// Does one step; the new secret if it made one.
///
/// # Errors
/// [`ProviderError`]; what was done before stays, and the next look finds what is left.
pub async fn carry_out(
    stripe: &Stripe,
    step: &SetupStep,
    wanted: &SetupWanted,
) -> Result<Option<NewSecret>, ProviderError> {
    match step {
        SetupStep::Make => {
            let key = format!("setup:{}", token::public_id());
            let (endpoint, secret) = stripe.make_endpoint(&wanted.url, &kinds::told(), &key).await?;
            // Should this fail, nobody hears the secret, and the next look removes what was made.
            stripe.name_secret(&endpoint.id, &token::short_name(&secret)).await?;
            Ok(Some(NewSecret(secret)))
        }
        SetupStep::Mend { endpoint, .. } => {
            stripe.mend_endpoint(endpoint, &kinds::told()).await?;
            Ok(None)
        }
        SetupStep::Remove { endpoint, .. } => {
            stripe.remove_endpoint(endpoint).await?;
            Ok(None)
        }
        SetupStep::Portal { known } => {
            stripe.set_portal(known.as_deref(), &wanted.return_url).await?;
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;

    fn wanted(secrets: &[&str]) -> SetupWanted {
        SetupWanted {
            url: "https://news.example.org/hooks/stripe".to_owned(),
            return_url: "https://news.example.org/giving".to_owned(),
            secrets: secrets.iter().map(ToString::to_string).collect(),
        }
    }

    fn endpoint(id: &str, secret: Option<&str>, at: i64) -> Endpoint {
        Endpoint {
            id: id.to_owned(),
            url: wanted(&[]).url,
            kinds: kinds::told().into_iter().map(str::to_owned).collect(),
            version: Some(Stripe::version().to_owned()),
            is_enabled: true,
            secret_name: secret.map(token::short_name),
            is_unfinished: false,
            created: Moment::from_unix_seconds(at),
        }
    }

    fn portal() -> Portal {
        Portal {
            id: "bpc_1".to_owned(),
            is_ours: true,
            changes_method: true,
            ends: true,
            shows_history: true,
            changes_address: false,
            changes_gift: false,
            return_url: Some(wanted(&[]).return_url),
        }
    }

    fn steps(endpoints: &[Endpoint], wanted: &SetupWanted, rotate: bool) -> Vec<SetupStep> {
        plan(endpoints, &[portal()], wanted, rotate).steps
    }

    fn remove(id: &str) -> impl Fn(&SetupStep) -> bool {
        move |step| matches!(step, SetupStep::Remove { endpoint, .. } if endpoint == id)
    }

    #[test]
    fn what_is_right_is_left_alone_and_what_others_made_is_too() {
        let wanted = wanted(&["whsec_a"]);
        let shop =
            Endpoint { url: "https://shop.example.org/hook".to_owned(), ..endpoint("we_shop", None, 1) };
        let right = endpoint("we_1", Some("whsec_a"), 2);
        assert_eq!(plan(&[shop.clone(), right.clone()], &[portal()], &wanted, false), Setup::default());
        assert_eq!(troubles(&[shop.clone(), right], &wanted), [""; 0]);
        assert_eq!(steps(&[shop], &wanted, false), [SetupStep::Make]);
        // One that somebody made by hand: nobody can say whether its secret is the one in the settings.
        assert_eq!(steps(&[endpoint("we_hand", None, 1)], &wanted, false), []);
    }

    #[test]
    fn what_is_off_or_lacks_kinds_is_mended_and_another_version_is_replaced() {
        let wanted = wanted(&["whsec_a"]);
        let mut broken = endpoint("we_1", Some("whsec_a"), 1);
        broken.is_enabled = false;
        broken.kinds.retain(|kind| kind != "invoice.paid");
        let mend = SetupStep::Mend { endpoint: "we_1".to_owned(), lacks: vec!["invoice.paid"], is_off: true };
        assert_eq!(steps(std::slice::from_ref(&broken), &wanted, false), [mend]);
        assert_eq!(troubles(&[broken], &wanted).len(), 2);
        let old = Endpoint { version: None, ..endpoint("we_old", Some("whsec_a"), 1) };
        assert_eq!(steps(std::slice::from_ref(&old), &wanted, false), [SetupStep::Make]);
        assert_eq!(troubles(&[old], &wanted).len(), 1);
    }

    /// TRUST D11: at no step is there an endpoint whose secret the settings do not know, and none beside it whose they do.
    #[test]
    fn a_secret_is_replaced_without_a_moment_in_which_news_are_not_believed() {
        let (old, new) = (endpoint("we_old", Some("whsec_a"), 1), endpoint("we_new", Some("whsec_b"), 2));
        assert_eq!(steps(std::slice::from_ref(&old), &wanted(&["whsec_a"]), true), [SetupStep::Make]);
        // The new one is not in the settings: the old one stays, and so does the new one.
        let both = [old, new];
        let before = plan(&both, &[portal()], &wanted(&["whsec_a"]), false);
        assert!(before.steps.is_empty() && before.notes.len() == 1, "{before:?}");
        assert_eq!(troubles(&both, &wanted(&["whsec_a"])), [""; 0]);
        // It is: the old one goes.
        let after = steps(&both, &wanted(&["whsec_a", "whsec_b"]), false);
        assert!(after.len() == 1 && remove("we_old")(&after[0]), "{after:?}");
        // The new secret was lost: another is made, and the lost one goes.
        let lost = steps(&both, &wanted(&["whsec_a"]), true);
        assert!(lost.len() == 2 && remove("we_new")(&lost[0]) && lost[1] == SetupStep::Make, "{lost:?}");
    }

    #[test]
    fn what_was_made_and_never_told_is_made_anew() {
        let unheard = Endpoint { is_unfinished: true, ..endpoint("we_1", None, 1) };
        let found = steps(std::slice::from_ref(&unheard), &wanted(&[]), false);
        assert!(found.len() == 2 && remove("we_1")(&found[0]) && found[1] == SetupStep::Make, "{found:?}");
    }

    #[test]
    fn the_page_for_supporters_is_made_or_mended() {
        let wanted = wanted(&["whsec_a"]);
        let right = [endpoint("we_1", Some("whsec_a"), 1)];
        let made = plan(&right, &[], &wanted, false).steps;
        assert_eq!(made, [SetupStep::Portal { known: None }]);
        for wrong in [Portal { changes_address: true, ..portal() }, Portal { changes_gift: true, ..portal() }]
        {
            let mended = plan(&right, &[wrong], &wanted, false).steps;
            assert_eq!(mended, [SetupStep::Portal { known: Some("bpc_1".to_owned()) }]);
        }
        let another = Portal { is_ours: false, ..portal() };
        let beside = plan(&right, &[another], &wanted, false).steps;
        assert_eq!(beside, [SetupStep::Portal { known: None }], "another program's is left alone");
    }
}

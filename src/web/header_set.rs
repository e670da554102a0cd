//! Which headers go back with which kind of page (TRUST 4.3).

use axum::http::{HeaderName, header};

/// Browsers come by https alone from now on. What stands on other hosts below ours is not ours to say, unless a setting does.
const HTTPS_ALONE: &str = "max-age=31536000";

/// Which headers go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderSet {
    /// The team's pages.
    Desk,
    /// A form for readers and supporters, and every page that knows who is looking: never stored.
    PublicForm,
    /// A page that is the same for everybody; may show pictures of other sites.
    Public,
    /// The body of an edition, as it was mailed: sandboxed, without scripts, forms or cookies.
    Archive,
    /// The body of an edition that was not mailed yet, for the team: sandboxed like an old one, and never stored.
    Preview,
    /// What programs fetch by themselves: feeds and the site map.
    Machine,
    /// A file of ours, named by its content.
    Asset,
    /// An answer to a program.
    Hook,
    /// An answer to a page of another site, as JSON.
    Api,
}

impl HeaderSet {
    pub(super) const fn is_desk(self) -> bool {
        matches!(self, Self::Desk)
    }

    pub(super) fn of_path(path: &str) -> Self {
        let desk = path == "/desk" || path.starts_with("/desk/") || path.starts_with("/set-up/");
        if desk { Self::Desk } else { Self::PublicForm }
    }

    fn policy(self, checkout: Option<&str>) -> String {
        const HEAD: &str = "default-src 'none'; script-src 'self'; style-src 'self';";
        const MIDDLE: &str = "font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'";
        const TAIL: &str = "frame-ancestors 'none'; base-uri 'none'; object-src 'none'";
        // A browser asks the policy again for where a form is redirected to, so the checkout must stand in it.
        let checkout = checkout.map(|origin| format!(" {origin}")).unwrap_or_default();
        match self {
            Self::Desk => format!("{HEAD} img-src 'self' data:; {MIDDLE}; {TAIL}"),
            Self::PublicForm => format!("{HEAD} img-src 'self' data:; {MIDDLE}{checkout}; {TAIL}"),
            Self::Public => format!("{HEAD} img-src 'self' https: data:; {MIDDLE}{checkout}; {TAIL}"),
            Self::Archive | Self::Preview => {
                "sandbox allow-popups; default-src 'none'; img-src https: data:; \
                              style-src 'unsafe-inline'"
                    .to_owned()
            }
            Self::Machine | Self::Asset | Self::Hook | Self::Api => {
                "default-src 'none'; frame-ancestors 'none'".to_owned()
            }
        }
    }

    const fn cache(self) -> &'static str {
        match self {
            Self::Desk | Self::PublicForm | Self::Preview | Self::Hook | Self::Api => "no-store",
            Self::Public | Self::Archive => "no-cache",
            // A feed is asked for by very many, and an article a few minutes old is new.
            Self::Machine => "public, max-age=300",
            Self::Asset => "public, max-age=31536000, immutable",
        }
    }

    /// Everything this set says, in the order it is sent; tests compare it byte by byte.
    #[must_use]
    pub fn all(self, checkout: Option<&str>, token_page: bool) -> Vec<(HeaderName, String)> {
        let referrer = if token_page { "no-referrer" } else { "strict-origin-when-cross-origin" };
        // What a token opens is somebody's own, whatever the page looks like.
        let cache = if token_page { "no-store" } else { self.cache() };
        let mut all = vec![
            (header::STRICT_TRANSPORT_SECURITY, HTTPS_ALONE.to_owned()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (header::REFERRER_POLICY, referrer.to_owned()),
            (header::CONTENT_SECURITY_POLICY, self.policy(checkout)),
            (header::CACHE_CONTROL, cache.to_owned()),
        ];
        if matches!(self, Self::Desk | Self::PublicForm) {
            all.push((HeaderName::from_static("cross-origin-opener-policy"), "same-origin".to_owned()));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST 4.3, byte by byte, so that the sets themselves cannot drift.
    #[test]
    fn the_header_sets_are_those_of_the_contract() {
        let policy = |set: HeaderSet, checkout| {
            let all = set.all(checkout, false);
            all.into_iter().find(|(name, _)| name == header::CONTENT_SECURITY_POLICY).expect("a policy").1
        };
        assert_eq!(
            policy(HeaderSet::Desk, Some("https://checkout.stripe.com")),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
        );
        assert_eq!(
            policy(HeaderSet::PublicForm, Some("https://checkout.stripe.com")),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self' https://checkout.stripe.com; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
        );
        assert_eq!(
            policy(HeaderSet::Archive, None),
            "sandbox allow-popups; default-src 'none'; img-src https: data:; style-src 'unsafe-inline'"
        );
        let desk = HeaderSet::Desk.all(None, false);
        assert!(
            desk.contains(&(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000".into())),
            "hosts below ours are not ours to speak for"
        );
        assert!(desk.contains(&(header::CACHE_CONTROL, "no-store".into())));
        assert!(HeaderSet::Public.all(None, true).contains(&(header::REFERRER_POLICY, "no-referrer".into())));
        assert!(HeaderSet::Public.all(None, true).contains(&(header::CACHE_CONTROL, "no-store".into())));
    }
}

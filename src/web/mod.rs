//! The web: one table of routes, the layers that the table drives, pages, forms.
//!
//! The rule: a route exists by standing in [`routes()`], with who may come, how a forged request is kept out and
//! which headers go back; nothing adds a route beside it. What is for whoever watches the program is on an address of its own
//! ([`Monitor`]). A handler parses, calls one domain function, and renders.
//!
//! It may call every domain; only the commands call it. Start reading at `routes.rs`.
//!
//! # Adding a page
//!
//! 1. A line in [`routes()`]: `Route::get("/desk/readers", Staff(Role::READERS), Desk, desk::readers::list::show)`.
//! 2. A file named as in the address, with `show` and `submit`, at the desk in the folder of its item of the menu. There a handler
//!    takes [`Desk`] and ends in
//!    `desk.page("desk/readers/list", "Readers", &data).await`; for readers it takes `State<App>` and ends in
//!    `app.public_page("public/subscribe", "Subscribe", &data).await`. After a form did its work:
//!    `Ok(session::see_other("/desk/readers?done=saved"))`, where `words::done` knows the sentence for `saved`.
//! 3. A form comes in as [`Posted`], becomes a [`Form`] by `posted.form(FIELDS)?`, and goes back with `desk.page_again` or
//!    [`App::public_page_again`] (422) when `!form.is_valid()`. The first `show` passes `Form::new(FIELDS)`. A page that was acted
//!    on too late comes back with `.map(answers::conflict)` (409); what a domain refuses becomes a page in `error/domains.rs`.
//!    A list that may grow is read by `paging::List::page`, and its template ends in `{{> pages …}}`.
//! 4. A template in `pages/`, wrapped in `{{#> desk}}`, `{{#> public}}` or `{{#> door}}`. Every desk form holds `{{> csrf}}`; fields are
//!    `{{> field form.email label="…" type="email"}}` and `{{> area form.text label="…"}}`, with `{{> mistakes form}}` above the form.
//!    The classes stand at the top of `static/broadside.css`.

mod answers;
mod desk;
mod elsewhere;
mod error;
mod forms;
mod guard;
mod header_set;
mod headers;
mod hooks;
mod monitor;
mod pages;
mod paging;
mod public;
mod rhythms;
mod routes;
mod session;
mod statics;
#[cfg(test)]
mod tests;
mod upload;
mod words;

use std::{
    net::IpAddr,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::DefaultBodyLimit, middleware, response::Response};
use serde::Serialize;

pub use self::{
    error::WebError,
    forms::{Form, Posted},
    header_set::HeaderSet,
    hooks::BounceHooks,
    monitor::{LIMITS as MONITOR_LIMITS, Monitor, Watched, serve as serve_monitor, serve_while_waiting},
    pages::Pages,
    routes::{Csrf, Route, Who, routes},
    session::{ClientAddress, Desk, SignedIn},
};
use crate::{
    articles::Fetcher,
    deliverability::Lookout,
    doctor::{Doctor, KnownHere},
    door::{self, Headcount, Limits},
    mail::Templates,
    meters::Meters,
    origin::{FormerNames, Positions},
    payments::Payments,
    publishing::Readerships,
    relays::RelayOptions,
    site::Site,
    staff::{Hasher, PasswordCost},
    subscribers::Rush,
};

/// What a handler gives back.
pub type Outcome = Result<Response, WebError>;

/// What every handler can reach. A clone is the same until one of them is changed: each request takes several, one for each layer that it
/// runs through.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl DerefMut for App {
    fn deref_mut(&mut self) -> &mut Parts {
        Arc::make_mut(&mut self.0)
    }
}

/// What an [`App`] is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The instance.
    pub site: Site,
    /// The page templates.
    pub pages: Pages,
    /// The email templates.
    pub templates: Templates,
    /// Asks feeds.
    pub fetcher: Fetcher,
    /// Set while our own mailbox and payment provider stand in for the outside world.
    pub sandbox: Option<Arc<SandboxInfo>>,
    /// Looks whether our mail is believed; none in the sandbox.
    pub lookout: Option<Lookout>,
    /// Looks what is wrong, and the place where it looks; none in a process that knows no settings.
    pub doctor: Option<(Arc<Doctor>, Arc<str>)>,
    /// Which instance this is.
    pub here: KnownHere,
    /// The mail services with their limits; empty in a process that does not know them.
    pub relays: Arc<[RelayOptions]>,
    /// The payment provider; none while donations are switched off.
    pub payments: Option<Payments>,
    /// What says how far the database has come; none in a process that keeps no such files.
    pub positions: Option<Arc<Positions>>,
    /// Who calls us by a former name.
    pub former: FormerNames,
    /// Mail services that may report bounces.
    pub bounce_hooks: Arc<hooks::BounceHooks>,
    /// Where the hosted checkout lives (`https://checkout.stripe.com`), so that a form may lead there.
    pub checkout_origin: Option<Arc<str>>,
    /// Where passwords are hashed.
    pub hasher: Hasher,
    /// How much work a password hash is.
    pub password_cost: PasswordCost,
    /// Whether browsers insist on https for every host below ours, too.
    pub hsts_subdomains: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Arc<[IpAddr]>,
    /// A form to subscribe that comes back sooner was filled in by a program.
    pub quickest_form: Duration,
    /// Who is at the form to subscribe.
    pub rush: Rush,
    /// What was counted of very many readers within the last minute.
    pub readerships: Readerships,
    /// Where pages are counted.
    pub meters: Meters,
    /// How many connections there are.
    pub headcount: Headcount,
}

/// Where the sandbox can be looked at.
#[derive(Clone, Debug, Serialize)]
pub struct SandboxInfo {
    /// The mailbox page.
    pub mailbox_url: String,
    /// The page of what was paid.
    pub payments_url: String,
}

impl App {
    /// An app with no sandbox and no checkout, with passwords as strong as they should be.
    ///
    /// # Errors
    /// When a page template is broken, which a test would have found.
    pub fn new(site: Site, templates: Templates, fetcher: Fetcher) -> Result<Self, pages::PagesError> {
        Ok(Self(Arc::new(Parts {
            site,
            templates,
            fetcher,
            pages: Pages::load()?,
            sandbox: None,
            lookout: None,
            doctor: None,
            here: KnownHere::default(),
            relays: Arc::new([]),
            payments: None,
            positions: None,
            former: FormerNames::default(),
            bounce_hooks: Arc::default(),
            checkout_origin: None,
            hasher: Hasher::default(),
            password_cost: PasswordCost::STRONG,
            hsts_subdomains: false,
            trusted_proxies: Arc::new([]),
            quickest_form: Duration::from_secs(2),
            rush: Rush::default(),
            readerships: Readerships::default(),
            meters: Meters::default(),
            headcount: Headcount::default(),
        })))
    }

    /// The same with donations switched on: forms may lead to the provider's checkout.
    #[must_use]
    pub fn with_payments(mut self, payments: Payments) -> Self {
        self.checkout_origin = Some(payments.provider.checkout_origin().into());
        self.payments = Some(payments);
        self
    }
}

/// The whole site as a service. Serve it with connection info, so that [`ClientAddress`] knows where a request came from.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in routes::routes() {
        let path = route.path;
        let rule = route.rule();
        let check = middleware::from_fn_with_state((app.clone(), rule), guard::check);
        let handler = route.into_handler().route_layer(middleware::from_fn(error::page::catch));
        router = router.route(path, handler.route_layer(check));
    }
    router
        .fallback(|| async { WebError::NotFound })
        // The guard reads bodies under the limit of each route; axum's own limit would only stand in the way of a larger one.
        .layer(DefaultBodyLimit::disable())
        // Of what breaks off before a handler begins; there the page knows its route.
        .layer(middleware::from_fn(error::page::catch))
        .layer(middleware::from_fn_with_state(app.clone(), headers::finish))
        .with_state(app)
}

/// Serves the site until `stop` is done; requests that have begun are answered. Nobody is waited for beyond the limits.
pub async fn serve(
    listener: tokio::net::TcpListener,
    app: App,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let (trusted, headcount) = (app.trusted_proxies.clone(), app.headcount.clone());
    door::serve(listener, router(app), limits, headcount, trusted, stop).await;
}

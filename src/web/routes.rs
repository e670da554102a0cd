//! Every route of the site, on one screen: method, path, who may come, the rule against forged requests, headers, handler.
//!
//! The router is built from this table and from nothing else, and tests walk it with every role (TRUST T6, A7).
//! A path that holds `{token}` is a link from a mail or a log: its pages send no referrer.

use std::{collections::BTreeSet, sync::LazyLock};

use axum::{
    extract::State,
    handler::Handler,
    http::{Method, header},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, on},
};

use super::{App, HeaderSet, desk, hooks, public, statics};
use crate::{articles::LARGEST_OPML, origin::Caller, pictures::LARGEST_PICTURE, staff::Role, subscribers};

/// Who may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anybody.
    Public,
    /// Staff with one of these roles.
    Staff(&'static [Role]),
}

/// How a request that another site made a browser send is told from a real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Csrf {
    /// It changes nothing.
    Safe,
    /// The session's token in the field `csrf` or the header `X-CSRF-Token`, and the browser's word on where it came from.
    Token,
    /// A form without a session: the browser's word on where it came from.
    PublicForm,
    /// As a form without a session; or a page of a site that the owner named for the form, where nothing is written by what it sends
    /// before it was pressed on a page of ours, or a brake of its own has let it through.
    NamedSites,
    /// One-click unsubscribing (RFC 8058): mail providers send no cookie, no origin and no token. The link is the authority.
    OneClick,
    /// Signed by the payment provider or a mail service.
    Webhook,
}

/// One line of the table.
#[derive(Debug)]
pub struct Route {
    /// GET (which answers HEAD too) or POST.
    pub method: Method,
    /// As axum writes paths.
    pub path: &'static str,
    /// Who may come.
    pub who: Who,
    /// How forged requests are kept out.
    pub csrf: Csrf,
    /// Which headers go back.
    pub headers: HeaderSet,
    /// The most bytes a body may have.
    pub body_limit: usize,
    /// Whether its form may hold a file, which the handler reads as it comes.
    pub takes_file: bool,
    handler: MethodRouter<App>,
}

/// What the layers need to know of a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) path: &'static str,
    pub(super) who: Who,
    pub(super) csrf: Csrf,
    pub(super) headers: HeaderSet,
    pub(super) body_limit: usize,
    pub(super) takes_file: bool,
}

impl Rule {
    /// Whether the path itself is a secret.
    pub(super) fn is_token_page(self) -> bool {
        self.path.contains("{token}")
    }

    /// Who calls such a page; nobody in particular where a browser asks by itself, or whoever watches the site.
    pub(super) fn caller(self) -> Option<Caller> {
        match self.headers {
            HeaderSet::Asset => None,
            HeaderSet::Machine => None,
            _ if matches!(self.path, "/favicon.ico" | "/robots.txt") => None,
            HeaderSet::Hook if self.path == "/hooks/stripe" => Some(Caller::Payments),
            HeaderSet::Hook if self.csrf == Csrf::Webhook => Some(Caller::Bounces),
            HeaderSet::Hook => None,
            headers if headers.is_desk() => Some(Caller::Desk),
            _ if self.is_token_page() => Some(Caller::Links),
            _ => Some(Caller::Pages),
        }
    }
}

const KIB: usize = 1_024;
/// The largest file of readers.
const LARGEST_ARCHIVE: usize = crate::articles::LARGEST_ARCHIVE as usize;
const LARGEST_LIST: usize = subscribers::LARGEST_FILE as usize;

impl Route {
    fn get<H, T>(path: &'static str, who: Who, headers: HeaderSet, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let handler = on(axum::routing::MethodFilter::GET, handler);
        Self {
            method: Method::GET,
            path,
            who,
            csrf: Csrf::Safe,
            headers,
            body_limit: 0,
            takes_file: false,
            handler,
        }
    }

    fn post<H, T>(path: &'static str, who: Who, csrf: Csrf, headers: HeaderSet, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let handler = on(axum::routing::MethodFilter::POST, handler);
        let body_limit = match csrf {
            Csrf::Safe => 0,
            Csrf::Token | Csrf::Webhook => 1_024 * KIB,
            Csrf::PublicForm | Csrf::NamedSites | Csrf::OneClick => 64 * KIB,
        };
        Self { method: Method::POST, path, who, csrf, headers, body_limit, takes_file: false, handler }
    }

    /// For pages of other sites: a POST, and the question of a browser whether it may be sent.
    fn for_sites<H, T>(path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        use axum::routing::MethodFilter;
        let both = on(MethodFilter::POST.or(MethodFilter::OPTIONS), handler);
        let (who, csrf, headers) = (Who::Public, Csrf::NamedSites, HeaderSet::Api);
        let takes_file = false;
        Self {
            method: Method::POST,
            path,
            who,
            csrf,
            headers,
            body_limit: 64 * KIB,
            takes_file,
            handler: both,
        }
    }

    /// The same for a form that holds a file of at most so many bytes.
    fn with_file(mut self, largest: usize) -> Self {
        (self.takes_file, self.body_limit) = (true, largest + 64 * KIB);
        self
    }

    pub(super) fn rule(&self) -> Rule {
        let Self { path, who, csrf, headers, body_limit, takes_file, .. } = *self;
        Rule { path, who, csrf, headers, body_limit, takes_file }
    }

    pub(super) fn into_handler(self) -> MethodRouter<App> {
        self.handler
    }
}

/// The table.
#[must_use]
#[rustfmt::skip]
pub fn routes() -> Vec<Route> {
    use Csrf::{NamedSites, OneClick, PublicForm as FormRule, Token, Webhook};
    use HeaderSet::{Archive, Asset, Desk, Hook, Machine, Preview, Public, PublicForm};
    use Who::{Public as Anybody, Staff};

    vec![
        // Readers and supporters.
        Route::get("/static/{hash}/{name}", Anybody, Asset, statics::show),
        Route::get("/favicon.ico", Anybody, Public, statics::favicon),
        Route::get("/robots.txt", Anybody, Public, robots),
        Route::get("/", Anybody, Public, public::home::show),
        Route::get("/articles/{slug}", Anybody, Public, public::article::show),
        Route::get("/pictures/{file}", Anybody, Asset, public::picture::show),
        Route::get("/feed.xml", Anybody, Machine, public::feed::show),
        Route::get("/topics/{slug}", Anybody, Public, public::home::show_topic),
        Route::get("/topics/{slug}/feed.xml", Anybody, Machine, public::feed::show_topic),
        Route::get("/authors/{slug}", Anybody, Public, public::author::show),
        Route::get("/authors/{slug}/feed.xml", Anybody, Machine, public::feed::show_author),
        Route::get("/sitemap.xml", Anybody, Machine, public::site_map::show),
        Route::get("/sitemaps/{part}", Anybody, Machine, public::site_map::show_part),
        Route::get("/archive", Anybody, Public, public::archive::show),
        Route::get("/archive/{id}", Anybody, Archive, public::archive::show_one),
        Route::get("/view/{token}", Anybody, Archive, public::view::show),

        Route::get("/subscribe", Anybody, PublicForm, public::subscribe::show),
        Route::post("/subscribe", Anybody, FormRule, PublicForm, public::subscribe::submit),
        Route::get("/subscribe/sent", Anybody, PublicForm, public::subscribe::sent),
        Route::get("/subscribe/{form}", Anybody, PublicForm, public::subscribe::show_one),
        Route::post("/subscribe/{form}", Anybody, NamedSites, PublicForm, public::subscribe::submit_one),
        Route::get("/subscribe/{form}/embedded", Anybody, PublicForm, public::subscribe::show_embedded),
        Route::post("/subscribe/{form}/embedded", Anybody, FormRule, PublicForm, public::subscribe::submit_embedded),
        Route::get("/subscribe/{form}/embedded/sent", Anybody, PublicForm, public::subscribe::sent_embedded),
        Route::for_sites("/api/forms/{form}", public::sign_up::receive),
        Route::get("/confirm/{token}", Anybody, PublicForm, public::confirm::show),
        Route::post("/confirm/{token}", Anybody, FormRule, PublicForm, public::confirm::submit),
        Route::get("/unsubscribe/{token}", Anybody, PublicForm, public::unsubscribe::show),
        Route::post("/unsubscribe/{token}", Anybody, OneClick, PublicForm, public::unsubscribe::submit),
        Route::get("/again/{token}", Anybody, PublicForm, public::again::show),
        Route::post("/again/{token}", Anybody, FormRule, PublicForm, public::again::submit),
        Route::get("/choices", Anybody, PublicForm, public::choices::show),
        Route::post("/choices", Anybody, FormRule, PublicForm, public::choices::submit),
        Route::get("/choices/sent", Anybody, PublicForm, public::choices::sent),
        Route::get("/preferences/{token}", Anybody, PublicForm, public::preferences::show),
        Route::post("/preferences/{token}", Anybody, FormRule, PublicForm, public::preferences::submit),
        Route::post("/preferences/{token}/copy", Anybody, FormRule, PublicForm, public::your_data::ask_copy),
        Route::get("/your-data/{token}", Anybody, PublicForm, public::your_data::show),
        Route::get("/your-data/{token}/file", Anybody, PublicForm, public::your_data::file),
        Route::post("/preferences/{token}/forget", Anybody, FormRule, PublicForm, public::your_data::ask_erasure),
        Route::get("/forget-me/{token}", Anybody, PublicForm, public::forget_me::show),
        Route::post("/forget-me/{token}", Anybody, FormRule, PublicForm, public::forget_me::submit),
        Route::get("/preferences/{token}/address", Anybody, PublicForm, public::moving::show),
        Route::post("/preferences/{token}/address", Anybody, FormRule, PublicForm, public::moving::submit),
        Route::get("/address/{token}", Anybody, PublicForm, public::moving::look),
        Route::post("/address/{token}", Anybody, FormRule, PublicForm, public::moving::press),

        Route::get("/sample-link", Anybody, Public, public::sample_link::show),

        Route::get("/donate", Anybody, PublicForm, public::donate::show),
        Route::post("/donate", Anybody, FormRule, PublicForm, public::donate::submit),
        Route::get("/thanks/{token}", Anybody, PublicForm, public::thanks::show),
        Route::get("/giving/{token}", Anybody, PublicForm, public::giving::show),
        Route::post("/giving/{token}", Anybody, FormRule, PublicForm, public::giving::submit),
        Route::get("/gift-address/{token}", Anybody, PublicForm, public::gift_address::show),
        Route::post("/gift-address/{token}", Anybody, FormRule, PublicForm, public::gift_address::submit),
        Route::get("/supporter", Anybody, PublicForm, public::supporter::ask),
        Route::post("/supporter", Anybody, FormRule, PublicForm, public::supporter::ask_submit),
        Route::get("/supporter/sent", Anybody, PublicForm, public::supporter::sent_page),
        Route::get("/supporter/{token}", Anybody, PublicForm, public::supporter::show),
        Route::post("/supporter/{token}", Anybody, FormRule, PublicForm, public::supporter::submit),
        Route::get("/supporter/{token}/statement", Anybody, PublicForm, public::supporter::statement),

        // Programs.
        Route::post("/hooks/stripe", Anybody, Webhook, Hook, hooks::payments::receive),
        Route::post("/hooks/bounces/{provider}", Anybody, Webhook, Hook, hooks::receive_bounce),

        Route::get("/here/{nonce}", Anybody, Hook, hooks::here::show),

        // The first run.
        Route::get("/set-up/{token}", Anybody, Desk, desk::door::set_up::show),
        Route::post("/set-up/{token}", Anybody, FormRule, Desk, desk::door::set_up::submit),

        // Coming in and going out.
        Route::get("/desk/sign-in", Anybody, Desk, desk::door::sign_in::show),
        Route::post("/desk/sign-in", Anybody, FormRule, Desk, desk::door::sign_in::submit),
        Route::post("/desk/sign-in-link", Anybody, FormRule, Desk, desk::door::sign_in::send_link),
        Route::get("/desk/sign-in/{token}", Anybody, Desk, desk::door::sign_in_link::show),
        Route::post("/desk/sign-in/{token}", Anybody, FormRule, Desk, desk::door::sign_in_link::submit),
        Route::get("/desk/join/{token}", Anybody, Desk, desk::door::join::show),
        Route::post("/desk/join/{token}", Anybody, FormRule, Desk, desk::door::join::submit),
        Route::post("/desk/sign-out", Staff(Role::ANYONE), Token, Desk, desk::door::sign_in::sign_out),

        // The desk.
        Route::get("/desk", Staff(Role::ANYONE), Desk, desk::overview::show),
        Route::get("/desk/articles", Staff(Role::ANYONE), Desk, desk::articles::list::show),
        Route::get("/desk/articles/bin", Staff(Role::ANYONE), Desk, desk::articles::bin::show),
        Route::get("/desk/articles/bring-in", Staff(Role::WRITING), Desk, desk::articles::bring_in::show),
        Route::post("/desk/articles/bring-in", Staff(Role::WRITING), Token, Desk, desk::articles::bring_in::submit).with_file(LARGEST_ARCHIVE),
        Route::post("/desk/articles/bring-in/site", Staff(Role::WRITING), Token, Desk, desk::articles::bring_in::site),
        Route::get("/desk/articles/bring-in/{archive}", Staff(Role::WRITING), Desk, desk::articles::archive::show),
        Route::post("/desk/articles/bring-in/{archive}", Staff(Role::WRITING), Token, Desk, desk::articles::archive::submit),
        Route::post("/desk/articles/bring-in/{archive}/stop", Staff(Role::WRITING), Token, Desk, desk::articles::archive::stop),
        Route::post("/desk/articles/bring-in/{archive}/remove", Staff(Role::WRITING), Token, Desk, desk::articles::archive::remove),
        Route::get("/desk/articles/bring-in/{archive}/left", Staff(Role::WRITING), Desk, desk::articles::archive::left),
        Route::get("/desk/articles/new", Staff(Role::WRITING), Desk, desk::articles::article::new),
        Route::post("/desk/articles/new", Staff(Role::WRITING), Token, Desk, desk::articles::article::create),
        Route::post("/desk/articles/preview", Staff(Role::WRITING), Token, Desk, desk::articles::writing::preview),
        Route::post("/desk/articles/paste", Staff(Role::WRITING), Token, Desk, desk::articles::writing::paste),
        Route::post("/desk/articles/keep", Staff(Role::WRITING), Token, Desk, desk::articles::writing::keep),
        Route::post("/desk/articles/throw-away", Staff(Role::WRITING), Token, Desk, desk::articles::writing::throw_away),
        Route::get("/desk/authors", Staff(Role::ANYONE), Desk, desk::articles::authors::show),
        Route::get("/desk/authors/{id}", Staff(Role::ANYONE), Desk, desk::articles::authors::show_one),
        Route::post("/desk/authors/{id}", Staff(Role::WRITING), Token, Desk, desk::articles::authors::submit),
        Route::post("/desk/authors/{id}/merge", Staff(Role::WRITING), Token, Desk, desk::articles::authors::merge),
        Route::post("/desk/authors/{id}/part", Staff(Role::WRITING), Token, Desk, desk::articles::authors::part),
        Route::get("/desk/articles/{id}", Staff(Role::ANYONE), Desk, desk::articles::article::show),
        Route::post("/desk/articles/{id}", Staff(Role::WRITING), Token, Desk, desk::articles::article::submit),
        Route::get("/desk/pictures", Staff(Role::ANYONE), Desk, desk::articles::pictures::show),
        Route::post("/desk/pictures", Staff(Role::WRITING), Token, Desk, desk::articles::pictures::submit)
            .with_file(2 * LARGEST_PICTURE),
        Route::get("/desk/pictures/{id}", Staff(Role::ANYONE), Desk, desk::articles::picture::show),
        Route::post("/desk/pictures/{id}", Staff(Role::WRITING), Token, Desk, desk::articles::picture::submit),
        Route::get("/desk/articles/{id}/delete", Staff(Role::WRITING), Desk, desk::articles::bin::show_delete),
        Route::post("/desk/articles/{id}/delete", Staff(Role::WRITING), Token, Desk, desk::articles::bin::delete),
        Route::post("/desk/articles/{id}/back", Staff(Role::WRITING), Token, Desk, desk::articles::bin::back),
        Route::get("/desk/feeds", Staff(Role::ANYONE), Desk, desk::articles::feeds::show),
        Route::post("/desk/feeds", Staff(Role::WRITING), Token, Desk, desk::articles::feeds::submit),
        Route::get("/desk/feeds/opml", Staff(Role::WRITING), Desk, desk::articles::feeds::write_list),
        Route::post("/desk/feeds/opml", Staff(Role::WRITING), Token, Desk, desk::articles::feeds::read_list).with_file(LARGEST_OPML),
        Route::post("/desk/feeds/opml/add", Staff(Role::WRITING), Token, Desk, desk::articles::feeds::add_list),
        Route::get("/desk/feeds/{id}", Staff(Role::ANYONE), Desk, desk::articles::feed::show),
        Route::post("/desk/feeds/{id}", Staff(Role::WRITING), Token, Desk, desk::articles::feed::submit),
        Route::post("/desk/feeds/{id}/fetch", Staff(Role::WRITING), Token, Desk, desk::articles::feed::fetch),
        Route::post("/desk/feeds/{id}/pause", Staff(Role::WRITING), Token, Desk, desk::articles::feed::pause),
        Route::post("/desk/feeds/{id}/go-on", Staff(Role::WRITING), Token, Desk, desk::articles::feed::go_on),
        Route::get("/desk/feeds/{id}/remove", Staff(Role::WRITING), Desk, desk::articles::feed::show_removal),
        Route::post("/desk/feeds/{id}/remove", Staff(Role::WRITING), Token, Desk, desk::articles::feed::remove),
        Route::post("/desk/feeds/{id}/back", Staff(Role::WRITING), Token, Desk, desk::articles::feed::back),
        Route::get("/desk/articles/{id}/source", Staff(Role::ANYONE), Desk, desk::articles::source::show),
        Route::post("/desk/articles/{id}/source", Staff(Role::WRITING), Token, Desk, desk::articles::source::take),
        Route::get("/desk/articles/{id}/revisions", Staff(Role::ANYONE), Desk, desk::articles::revisions::show),
        Route::get("/desk/articles/{id}/revisions/{revision}", Staff(Role::ANYONE), Desk, desk::articles::revisions::show_one),
        Route::get("/desk/editions", Staff(Role::ANYONE), Desk, desk::editions::list::show),
        Route::post("/desk/editions", Staff(Role::WRITING), Token, Desk, desk::editions::list::submit),
        Route::get("/desk/editions/{id}", Staff(Role::ANYONE), Desk, desk::editions::edition::show),
        Route::post("/desk/editions/{id}", Staff(Role::WRITING), Token, Desk, desk::editions::edition::submit),
        Route::get("/desk/editions/{id}/preview", Staff(Role::ANYONE), Preview, desk::editions::preview::show),
        Route::get("/desk/editions/{id}/progress", Staff(Role::ANYONE), Desk, desk::editions::progress::events),
        Route::get("/desk/editions/{id}/send", Staff(Role::SENDING), Desk, desk::editions::send::show),
        Route::post("/desk/editions/{id}/send", Staff(Role::SENDING), Token, Desk, desk::editions::send::submit),
        Route::post("/desk/editions/{id}/test", Staff(Role::WRITING), Token, Desk, desk::editions::test::submit),
        Route::post("/desk/editions/{id}/ask", Staff(Role::WRITING), Token, Desk, desk::editions::approval::submit),
        Route::get("/desk/test-copies", Staff(Role::WRITING), Desk, desk::editions::test_addresses::show),
        Route::post("/desk/test-copies", Staff(Role::WRITING), Token, Desk, desk::editions::test_addresses::submit),
        Route::post("/desk/editions/{id}/undo", Staff(Role::SENDING), Token, Desk, desk::editions::act::undo),
        Route::post("/desk/editions/{id}/pause", Staff(Role::SENDING), Token, Desk, desk::editions::act::pause),
        Route::post("/desk/editions/{id}/resume", Staff(Role::SENDING), Token, Desk, desk::editions::act::resume),
        Route::get("/desk/editions/{id}/cancel", Staff(Role::SENDING), Desk, desk::editions::cancel::show),
        Route::post("/desk/editions/{id}/cancel", Staff(Role::SENDING), Token, Desk, desk::editions::cancel::submit),
        Route::get("/desk/editions/{id}/delete", Staff(Role::WRITING), Desk, desk::editions::delete::show),
        Route::post("/desk/editions/{id}/delete", Staff(Role::WRITING), Token, Desk, desk::editions::delete::submit),
        Route::get("/desk/editions/{id}/correct", Staff(Role::WRITING), Desk, desk::editions::correct::show),
        Route::post("/desk/editions/{id}/correct", Staff(Role::WRITING), Token, Desk, desk::editions::correct::submit),
        Route::post("/desk/editions/{id}/again", Staff(Role::READERS), Token, Desk, desk::editions::again::submit),
        Route::post("/desk/editions/{id}/correction", Staff(Role::WRITING), Token, Desk, desk::editions::correct::begin),
        Route::get("/desk/editions/{id}/release", Staff(Role::SENDING), Desk, desk::editions::release::show),
        Route::post("/desk/editions/{id}/release", Staff(Role::SENDING), Token, Desk, desk::editions::release::submit),
        Route::post("/desk/editions/{id}/retry", Staff(Role::SENDING), Token, Desk, desk::editions::act::retry),
        Route::get("/desk/editions/{id}/doubt", Staff(Role::SENDING), Desk, desk::editions::doubt::show),
        Route::post("/desk/editions/{id}/doubt", Staff(Role::SENDING), Token, Desk, desk::editions::doubt::submit),
        Route::get("/desk/editions/{id}/copies/{reader}", Staff(Role::READERS), Desk, desk::editions::copies::show),
        Route::get("/desk/lists", Staff(Role::LISTS), Desk, desk::lists::list::show),
        Route::post("/desk/lists", Staff(Role::LISTS), Token, Desk, desk::lists::list::submit),
        Route::get("/desk/lists/{id}", Staff(Role::LISTS), Desk, desk::lists::one::show),
        Route::post("/desk/lists/{id}", Staff(Role::LISTS), Token, Desk, desk::lists::one::submit),
        Route::post("/desk/lists/{id}/move", Staff(Role::LISTS), Token, Desk, desk::lists::list::shift),
        Route::get("/desk/lists/{id}/retire", Staff(Role::LISTS), Desk, desk::lists::retire::show),
        Route::post("/desk/lists/{id}/retire", Staff(Role::LISTS), Token, Desk, desk::lists::retire::submit),
        Route::post("/desk/lists/{id}/back", Staff(Role::LISTS), Token, Desk, desk::lists::retire::back),
        Route::get("/desk/topics", Staff(Role::LISTS), Desk, desk::lists::topics::show),
        Route::post("/desk/topics", Staff(Role::LISTS), Token, Desk, desk::lists::topics::submit),
        Route::get("/desk/topics/{id}", Staff(Role::LISTS), Desk, desk::lists::topic::show),
        Route::post("/desk/topics/{id}", Staff(Role::LISTS), Token, Desk, desk::lists::topic::submit),
        Route::post("/desk/topics/{id}/move", Staff(Role::LISTS), Token, Desk, desk::lists::topics::shift),
        Route::get("/desk/topics/{id}/merge", Staff(Role::LISTS), Desk, desk::lists::merge::show),
        Route::post("/desk/topics/{id}/merge", Staff(Role::LISTS), Token, Desk, desk::lists::merge::submit),
        Route::get("/desk/topics/{id}/retire", Staff(Role::LISTS), Desk, desk::lists::topic_end::show),
        Route::post("/desk/topics/{id}/retire", Staff(Role::LISTS), Token, Desk, desk::lists::topic_end::submit),
        Route::post("/desk/topics/{id}/back", Staff(Role::LISTS), Token, Desk, desk::lists::topic_end::back),
        Route::get("/desk/readers", Staff(Role::READERS), Desk, desk::readers::list::show),
        Route::post("/desk/readers", Staff(Role::READERS), Token, Desk, desk::readers::list::submit),
        Route::get("/desk/readers/export", Staff(Role::READERS), Desk, desk::readers::export::show),
        Route::post("/desk/readers/export", Staff(Role::READERS), Token, Desk, desk::readers::export::submit),
        Route::get("/desk/readers/{id}", Staff(Role::READERS), Desk, desk::readers::reader::show),
        Route::get("/desk/readers/{id}/leave", Staff(Role::READERS), Desk, desk::readers::leave::show),
        Route::post("/desk/readers/{id}/leave", Staff(Role::READERS), Token, Desk, desk::readers::leave::submit),
        Route::post("/desk/readers/{id}/name", Staff(Role::READERS), Token, Desk, desk::readers::acts::name),
        Route::post("/desk/readers/{id}/address", Staff(Role::READERS), Token, Desk, desk::readers::acts::address),
        Route::post("/desk/readers/{id}/address/off", Staff(Role::READERS), Token, Desk, desk::readers::acts::call_off),
        Route::get("/desk/readers/{id}/correct", Staff(Role::READERS), Desk, desk::readers::correct::show),
        Route::post("/desk/readers/{id}/correct", Staff(Role::READERS), Token, Desk, desk::readers::correct::submit),
        Route::post("/desk/readers/{id}/join", Staff(Role::READERS), Token, Desk, desk::readers::acts::join),
        Route::post("/desk/readers/{id}/choices-link", Staff(Role::READERS), Token, Desk, desk::readers::acts::choices_link),
        Route::post("/desk/readers/{id}/pause", Staff(Role::READERS), Token, Desk, desk::readers::acts::pause),
        Route::post("/desk/readers/{id}/go-on", Staff(Role::READERS), Token, Desk, desk::readers::acts::go_on),
        Route::post("/desk/readers/{id}/notes", Staff(Role::READERS), Token, Desk, desk::readers::acts::note),
        Route::post("/desk/readers/{id}/notes/{note}/remove", Staff(Role::READERS), Token, Desk, desk::readers::acts::remove_note),
        Route::post("/desk/readers/{id}/held", Staff(Role::OWNING), Token, Desk, desk::readers::held::submit),
        Route::get("/desk/readers/{id}/forget", Staff(Role::OWNING), Desk, desk::readers::forget::show),
        Route::post("/desk/readers/{id}/forget", Staff(Role::OWNING), Token, Desk, desk::readers::forget::submit),
        Route::post("/desk/readers/{id}/mail-again", Staff(Role::READERS), Token, Desk, desk::readers::blocked::mail_again),
        Route::post("/desk/readers/{id}/block", Staff(Role::READERS), Token, Desk, desk::readers::blocked::block),
        Route::get("/desk/blocked", Staff(Role::READERS), Desk, desk::readers::blocked::show),
        Route::post("/desk/blocked", Staff(Role::READERS), Token, Desk, desk::readers::blocked::submit),
        Route::post("/desk/blocked/{id}/lift", Staff(Role::READERS), Token, Desk, desk::readers::blocked::lift),
        Route::get("/desk/segments", Staff(Role::READERS), Desk, desk::readers::segments::show),
        Route::get("/desk/segments/new", Staff(Role::READERS), Desk, desk::readers::segments::new),
        Route::post("/desk/segments/new", Staff(Role::READERS), Token, Desk, desk::readers::segments::create),
        Route::get("/desk/segments/{segment}", Staff(Role::READERS), Desk, desk::readers::segments::show_one),
        Route::post("/desk/segments/{segment}", Staff(Role::READERS), Token, Desk, desk::readers::segments::submit),
        Route::post("/desk/segments/{segment}/delete", Staff(Role::READERS), Token, Desk, desk::readers::segments::delete),
        Route::get("/desk/many", Staff(Role::READERS), Desk, desk::readers::many::show),
        Route::get("/desk/many/new", Staff(Role::READERS), Desk, desk::readers::many::new),
        Route::post("/desk/many/new", Staff(Role::READERS), Token, Desk, desk::readers::many::begin),
        Route::post("/desk/many/ask-again", Staff(Role::READERS), Token, Desk, desk::readers::ask_again::submit),
        Route::get("/desk/many/{act}", Staff(Role::READERS), Desk, desk::readers::many_act::show),
        Route::post("/desk/many/{act}/go", Staff(Role::READERS), Token, Desk, desk::readers::many_act::go),
        Route::post("/desk/many/{act}/stop", Staff(Role::READERS), Token, Desk, desk::readers::many_act::stop),
        Route::post("/desk/many/{act}/undo", Staff(Role::READERS), Token, Desk, desk::readers::many_act::undo),
        Route::post("/desk/many/{act}/remove", Staff(Role::READERS), Token, Desk, desk::readers::many_act::remove),
        Route::get("/desk/imports", Staff(Role::READERS), Desk, desk::readers::imports::show),
        Route::post("/desk/imports", Staff(Role::READERS), Token, Desk, desk::readers::imports::submit).with_file(LARGEST_LIST),
        Route::get("/desk/imports/{import}", Staff(Role::READERS), Desk, desk::readers::import::show),
        Route::post("/desk/imports/{import}", Staff(Role::READERS), Token, Desk, desk::readers::import::submit),
        Route::post("/desk/imports/{import}/back", Staff(Role::READERS), Token, Desk, desk::readers::import::back),
        Route::post("/desk/imports/{import}/go", Staff(Role::READERS), Token, Desk, desk::readers::import::go),
        Route::post("/desk/imports/{import}/stop", Staff(Role::READERS), Token, Desk, desk::readers::import::stop),
        Route::post("/desk/imports/{import}/undo", Staff(Role::READERS), Token, Desk, desk::readers::import::undo),
        Route::post("/desk/imports/{import}/remove", Staff(Role::READERS), Token, Desk, desk::readers::import::remove),
        Route::get("/desk/imports/{import}/problems", Staff(Role::READERS), Desk, desk::readers::import::problems),
        Route::get("/desk/requests", Staff(Role::READERS), Desk, desk::readers::requests::show),
        Route::post("/desk/requests", Staff(Role::READERS), Token, Desk, desk::readers::requests::submit),
        Route::get("/desk/requests/{id}", Staff(Role::READERS), Desk, desk::readers::request::show),
        Route::post("/desk/requests/{id}", Staff(Role::READERS), Token, Desk, desk::readers::request::submit),
        Route::post("/desk/requests/{id}/close", Staff(Role::READERS), Token, Desk, desk::readers::requests::close),
        Route::get("/desk/bounces", Staff(Role::READERS), Desk, desk::readers::bounces::show),
        Route::post("/desk/bounces/{edition}/gone", Staff(Role::READERS), Token, Desk, desk::readers::bounces::gone),
        Route::post("/desk/bounces/{edition}/kept", Staff(Role::READERS), Token, Desk, desk::readers::bounces::kept),
        Route::post("/desk/bounces/letters/{id}", Staff(Role::READERS), Token, Desk, desk::readers::bounces::read_letter),
        Route::get("/desk/forms", Staff(Role::FORMS), Desk, desk::forms::list::show),
        Route::post("/desk/forms", Staff(Role::FORMS), Token, Desk, desk::forms::list::submit),
        Route::get("/desk/forms/{form}", Staff(Role::FORMS), Desk, desk::forms::form::show),
        Route::post("/desk/forms/{form}", Staff(Role::FORMS), Token, Desk, desk::forms::form::submit),
        Route::post("/desk/forms/{form}/sites", Staff(Role::OWNING), Token, Desk, desk::forms::form::submit_with_sites),
        Route::get("/desk/forms/{form}/away", Staff(Role::FORMS), Desk, desk::forms::away::show),
        Route::post("/desk/forms/{form}/away", Staff(Role::FORMS), Token, Desk, desk::forms::away::submit),
        Route::get("/desk/fields", Staff(Role::FORMS), Desk, desk::forms::fields::show),
        Route::post("/desk/fields", Staff(Role::FORMS), Token, Desk, desk::forms::fields::submit),
        Route::get("/desk/fields/{field}", Staff(Role::FORMS), Desk, desk::forms::field::show),
        Route::post("/desk/fields/{field}", Staff(Role::FORMS), Token, Desk, desk::forms::field::submit),
        Route::get("/desk/fields/{field}/remove", Staff(Role::FORMS), Desk, desk::forms::field::show_removal),
        Route::post("/desk/fields/{field}/remove", Staff(Role::FORMS), Token, Desk, desk::forms::field::remove),
        Route::get("/desk/account", Staff(Role::ANYONE), Desk, desk::account::show),
        Route::post("/desk/account", Staff(Role::ANYONE), Token, Desk, desk::account::submit),
        Route::get("/desk/donations", Staff(Role::MONEY), Desk, desk::donations::list::show),
        Route::get("/desk/donations/adopt", Staff(Role::MONEY), Desk, desk::donations::adopt::show),
        Route::post("/desk/donations/adopt/look", Staff(Role::MONEY), Token, Desk, desk::donations::adopt::look),
        Route::post("/desk/donations/adopt/take", Staff(Role::MONEY), Token, Desk, desk::donations::adopt::take),
        Route::post("/desk/donations/adopt/stop", Staff(Role::MONEY), Token, Desk, desk::donations::adopt::stop),
        Route::get("/desk/donations/book", Staff(Role::MONEY), Desk, desk::donations::book::show),
        Route::post("/desk/donations/book", Staff(Role::MONEY), Token, Desk, desk::donations::book::close),
        Route::post("/desk/donations/book/compare", Staff(Role::MONEY), Token, Desk, desk::donations::book::compare),
        Route::get("/desk/donations/payouts/{id}", Staff(Role::MONEY), Desk, desk::donations::book::show_payout),
        Route::get("/desk/donations/file", Staff(Role::MONEY), Desk, desk::donations::file::show),
        Route::post("/desk/donations/file", Staff(Role::MONEY), Token, Desk, desk::donations::file::submit),
        Route::get("/desk/donations/{id}", Staff(Role::MONEY), Desk, desk::donations::one::show),
        Route::post("/desk/donations/{id}/end", Staff(Role::MONEY), Token, Desk, desk::donations::one::end),
        Route::post("/desk/donations/{id}/refund", Staff(Role::MONEY), Token, Desk, desk::donations::one::refund),
        Route::post("/desk/donations/refunds/{id}/away", Staff(Role::MONEY), Token, Desk, desk::donations::list::refund_seen),
        Route::post("/desk/donations/{id}/letter", Staff(Role::MONEY), Token, Desk, desk::donations::one::letter),
        Route::post("/desk/donations/{id}/note", Staff(Role::MONEY), Token, Desk, desk::donations::one::note),
        Route::post("/desk/donations/{id}/asking", Staff(Role::MONEY), Token, Desk, desk::donations::one::asking),
        Route::get("/desk/donations/{id}/forget", Staff(Role::OWNING), Desk, desk::donations::forget::show),
        Route::post("/desk/donations/{id}/forget", Staff(Role::OWNING), Token, Desk, desk::donations::forget::submit),
        Route::post("/desk/donations/events/{id}", Staff(Role::MONEY), Token, Desk, desk::donations::list::try_again),
        Route::post("/desk/donations/events/{id}/away", Staff(Role::MONEY), Token, Desk, desk::donations::list::put_away),
        Route::post("/desk/donations/account", Staff(Role::MONEY), Token, Desk, desk::donations::list::ask_account),
        Route::post("/desk/donations/checkouts/away", Staff(Role::MONEY), Token, Desk, desk::donations::list::seen),
        Route::post("/desk/donations/monthly/{id}/end", Staff(Role::MONEY), Token, Desk, desk::donations::list::ask_again),
        Route::get("/desk/settings", Staff(Role::OWNING), Desk, desk::settings::magazine::show),
        Route::post("/desk/settings", Staff(Role::OWNING), Token, Desk, desk::settings::magazine::submit),
        Route::get("/desk/deliverability", Staff(Role::OWNING), Desk, desk::settings::deliverability::show),
        Route::post("/desk/deliverability", Staff(Role::OWNING), Token, Desk, desk::settings::deliverability::submit),
        Route::post("/desk/deliverability/large", Staff(Role::OWNING), Token, Desk, desk::settings::deliverability::large),
        Route::post("/desk/deliverability/keys", Staff(Role::OWNING), Token, Desk, desk::settings::keys::make),
        Route::post(
            "/desk/deliverability/keys/{id}/activate",
            Staff(Role::OWNING),
            Token,
            Desk,
            desk::settings::keys::activate,
        ),
        Route::get(
            "/desk/deliverability/keys/{id}/retire",
            Staff(Role::OWNING),
            Desk,
            desk::settings::keys::show_retire,
        ),
        Route::post(
            "/desk/deliverability/keys/{id}/retire",
            Staff(Role::OWNING),
            Token,
            Desk,
            desk::settings::keys::retire,
        ),
        Route::get("/desk/doctor", Staff(Role::OWNING), Desk, desk::settings::doctor::show),
        Route::post("/desk/doctor", Staff(Role::OWNING), Token, Desk, desk::settings::doctor::submit),
        Route::get("/desk/jobs", Staff(Role::OWNING), Desk, desk::settings::jobs::show),
        Route::post("/desk/jobs/again", Staff(Role::OWNING), Token, Desk, desk::settings::jobs::try_again),
        Route::get("/desk/audit", Staff(Role::OWNING), Desk, desk::settings::audit::show),
        Route::post("/desk/audit/export", Staff(Role::OWNING), Token, Desk, desk::settings::audit::export),
        Route::get("/desk/address", Staff(Role::OWNING), Desk, desk::settings::address::show),
        Route::post("/desk/address", Staff(Role::OWNING), Token, Desk, desk::settings::address::submit),
        Route::get("/desk/team", Staff(Role::OWNING), Desk, desk::settings::team::show),
        Route::post("/desk/team", Staff(Role::OWNING), Token, Desk, desk::settings::team::submit),
        Route::post("/desk/team/{id}/role", Staff(Role::OWNING), Token, Desk, desk::settings::team::change_role),
        Route::post("/desk/team/{id}/invite", Staff(Role::OWNING), Token, Desk, desk::settings::team::invite_again),
        Route::post("/desk/team/{id}/disable", Staff(Role::OWNING), Token, Desk, desk::settings::team::disable),
        Route::post("/desk/team/{id}/enable", Staff(Role::OWNING), Token, Desk, desk::settings::team::enable),
    ]
}

/// Whether a page stands at that path, so that it can be asked for; at the root in any case.
pub(super) fn has_page(path: &str) -> bool {
    static PAGES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        routes().iter().filter(|route| route.method == Method::GET).map(|route| route.path).collect()
    });
    let fits = |known: &str| {
        let (mut parts, mut known) = (path.split('/'), known.split('/'));
        let fits =
            known.by_ref().all(|one| parts.next().is_some_and(|part| one == part || one.starts_with('{')));
        fits && parts.next().is_none()
    };
    path == "/" || PAGES.iter().any(|known| fits(known))
}

/// `GET /robots.txt` (RFC 9309): the table says what is for everybody. What the archive, articles and forms are is worth finding.
async fn robots(State(app): State<App>) -> Response {
    let closed: BTreeSet<String> = routes().iter().filter(|route| is_closed(route)).map(first_part).collect();
    let mut text = String::from("User-agent: *\n");
    closed.iter().for_each(|path| text.push_str(&format!("Disallow: {path}\n")));
    text.push_str(&format!("\nSitemap: {}\n", app.site.url("/sitemap.xml")));
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// For the team, for a program, or for whoever has the link.
fn is_closed(route: &Route) -> bool {
    matches!(route.headers, HeaderSet::Desk | HeaderSet::Preview | HeaderSet::Hook | HeaderSet::Api)
        || route.rule().is_token_page()
}

/// Everything that begins so is meant: `/desk` for `/desk/readers`.
fn first_part(route: &Route) -> String {
    format!("/{}", route.path.split('/').nth(1).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST A30: what is for staff, or known by a link alone, is left in no cache; nor is anything that a form asks.
    #[test]
    fn only_what_is_the_same_for_everybody_may_be_stored() {
        for route in routes() {
            let all = route.headers.all(None, route.rule().is_token_page());
            let stored = !all.contains(&(axum::http::header::CACHE_CONTROL, "no-store".to_owned()));
            let for_everybody = route.who == Who::Public && !route.rule().is_token_page();
            assert!(for_everybody || !stored, "{} may be stored", route.path);
        }
    }

    #[test]
    fn a_page_is_found_by_its_path() {
        for path in ["/", "/desk", "/desk/forms/main", "/desk/readers/r1/leave"] {
            assert!(has_page(path), "{path}");
        }
        for path in [
            "/desk/forms/main/sites",
            "/desk/readers/r1/notes",
            "/desk/readers/r1/notes/3/remove",
            "/nowhere",
            "",
        ] {
            assert!(!has_page(path), "{path}");
        }
    }

    /// A path is written once in the table for each method, and posts say how forged requests are kept out.
    #[test]
    fn the_table_is_in_order() {
        let mut seen = std::collections::HashSet::new();
        for route in routes() {
            assert!(
                seen.insert((route.method.clone(), route.path)),
                "{} {} stands twice",
                route.method,
                route.path
            );
            let desk = route.path == "/desk" || route.path.starts_with("/desk/");
            assert!(!desk || matches!(route.headers, HeaderSet::Desk | HeaderSet::Preview), "{}", route.path);
            assert_eq!(route.method == Method::GET, route.csrf == Csrf::Safe, "{}", route.path);
            if let Who::Staff(_) = route.who {
                assert!(desk, "{} is for staff and not at the desk", route.path);
            }
        }
    }
}

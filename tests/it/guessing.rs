//! Who may come through which door, and what the ids and links of others open: nothing.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use broadside::{
    publishing,
    staff::Role::{self, Editor, Owner, Sender, Treasurer, Viewer},
    token::Purpose,
    web::{Who, routes},
};

use crate::support::{
    both_engines,
    database::{change, rows},
    pages::{Answer, Web},
};

/// Every route and who of the team may come. It is written down here by hand, as the team was told it, and not read from the program;
/// a new route belongs into it.
#[rustfmt::skip]
const DOORS: &[(&[Role], &[&str])] = &[
    // What is for readers, supporters, programs and whoever has a link.
    (&[], &[
        "GET /static/{hash}/{name}",
        "GET /favicon.ico",
        "GET /robots.txt",
        "GET /",
        "GET /articles/{slug}",
        "GET /feed.xml",
        "GET /topics/{slug}",
        "GET /topics/{slug}/feed.xml",
        "GET /authors/{slug}",
        "GET /authors/{slug}/feed.xml",
        "GET /sitemap.xml",
        "GET /sitemaps/{part}",
        "GET /pictures/{file}",
        "GET /archive",
        "GET /archive/{id}",
        "GET /view/{token}",
        "GET /subscribe",
        "POST /subscribe",
        "GET /subscribe/sent",
        "GET /subscribe/{form}",
        "POST /subscribe/{form}",
        "GET /subscribe/{form}/embedded",
        "POST /subscribe/{form}/embedded",
        "GET /subscribe/{form}/embedded/sent",
        "GET /confirm/{token}",
        "POST /confirm/{token}",
        "GET /unsubscribe/{token}",
        "POST /unsubscribe/{token}",
        "GET /again/{token}",
        "POST /again/{token}",
        "GET /choices",
        "POST /choices",
        "GET /choices/sent",
        "GET /preferences/{token}",
        "POST /preferences/{token}",
        "POST /preferences/{token}/copy",
        "GET /your-data/{token}",
        "GET /your-data/{token}/file",
        "POST /preferences/{token}/forget",
        "GET /forget-me/{token}",
        "POST /forget-me/{token}",
        "GET /preferences/{token}/address",
        "POST /preferences/{token}/address",
        "GET /address/{token}",
        "POST /address/{token}",
        "GET /sample-link",
        "GET /donate",
        "POST /donate",
        "GET /thanks/{token}",
        "GET /giving/{token}",
        "POST /giving/{token}",
        "GET /gift-address/{token}",
        "POST /gift-address/{token}",
        "GET /supporter",
        "POST /supporter",
        "GET /supporter/sent",
        "GET /supporter/{token}",
        "POST /supporter/{token}",
        "GET /supporter/{token}/statement",
        "POST /hooks/stripe",
        "POST /hooks/bounces/{provider}",
        "GET /here/{nonce}",
        "GET /set-up/{token}",
        "POST /set-up/{token}",
        "GET /desk/sign-in",
        "POST /desk/sign-in",
        "POST /desk/sign-in-link",
        "GET /desk/sign-in/{token}",
        "POST /desk/sign-in/{token}",
        "GET /desk/join/{token}",
        "POST /desk/join/{token}",
        "POST /api/forms/{form}",
    ]),
    // The whole team: what the magazine publishes, and their own account.
    (&[Owner, Editor, Sender, Treasurer, Viewer], &[
        "POST /desk/sign-out",
        "GET /desk",
        "GET /desk/articles",
        "GET /desk/articles/{id}",
        "GET /desk/articles/bin",
        "GET /desk/feeds",
        "GET /desk/feeds/{id}",
        "GET /desk/pictures",
        "GET /desk/pictures/{id}",
        "GET /desk/articles/{id}/source",
        "GET /desk/articles/{id}/revisions",
        "GET /desk/articles/{id}/revisions/{revision}",
        "GET /desk/authors",
        "GET /desk/authors/{id}",
        "GET /desk/editions",
        "GET /desk/editions/{id}",
        "GET /desk/editions/{id}/preview",
        "GET /desk/editions/{id}/progress",
        "GET /desk/account",
        "POST /desk/account",
    ]),
    // Who writes articles and composes editions.
    (&[Owner, Editor, Sender], &[
        "GET /desk/articles/bring-in",
        "POST /desk/articles/bring-in",
        "POST /desk/articles/bring-in/site",
        "GET /desk/articles/bring-in/{archive}",
        "POST /desk/articles/bring-in/{archive}",
        "POST /desk/articles/bring-in/{archive}/stop",
        "POST /desk/articles/bring-in/{archive}/remove",
        "GET /desk/articles/bring-in/{archive}/left",
        "GET /desk/articles/new",
        "POST /desk/articles/new",
        "POST /desk/articles/preview",
        "POST /desk/articles/paste",
        "POST /desk/articles/keep",
        "POST /desk/articles/throw-away",
        "POST /desk/articles/{id}",
        "POST /desk/articles/{id}/source",
        "GET /desk/articles/{id}/delete",
        "POST /desk/articles/{id}/delete",
        "POST /desk/articles/{id}/back",
        "POST /desk/feeds",
        "GET /desk/feeds/opml",
        "POST /desk/feeds/opml",
        "POST /desk/feeds/opml/add",
        "POST /desk/feeds/{id}",
        "POST /desk/feeds/{id}/fetch",
        "POST /desk/feeds/{id}/pause",
        "POST /desk/feeds/{id}/go-on",
        "POST /desk/authors/{id}",
        "POST /desk/authors/{id}/merge",
        "POST /desk/authors/{id}/part",
        "GET /desk/feeds/{id}/remove",
        "POST /desk/feeds/{id}/remove",
        "POST /desk/feeds/{id}/back",
        "POST /desk/pictures",
        "POST /desk/pictures/{id}",
        "POST /desk/editions",
        "POST /desk/editions/{id}",
        "POST /desk/editions/{id}/test",
        "POST /desk/editions/{id}/ask",
        "GET /desk/test-copies",
        "POST /desk/test-copies",
        "GET /desk/editions/{id}/delete",
        "POST /desk/editions/{id}/delete",
        "GET /desk/editions/{id}/correct",
        "POST /desk/editions/{id}/correct",
        "POST /desk/editions/{id}/correction",
    ]),
    // Who looks after lists, topics, forms and fields.
    (&[Owner, Editor], &[
        "GET /desk/lists",
        "POST /desk/lists",
        "GET /desk/lists/{id}",
        "POST /desk/lists/{id}",
        "POST /desk/lists/{id}/move",
        "GET /desk/lists/{id}/retire",
        "POST /desk/lists/{id}/retire",
        "POST /desk/lists/{id}/back",
        "GET /desk/topics",
        "POST /desk/topics",
        "GET /desk/topics/{id}",
        "POST /desk/topics/{id}",
        "POST /desk/topics/{id}/move",
        "GET /desk/topics/{id}/merge",
        "POST /desk/topics/{id}/merge",
        "GET /desk/topics/{id}/retire",
        "POST /desk/topics/{id}/retire",
        "POST /desk/topics/{id}/back",
        "GET /desk/forms",
        "POST /desk/forms",
        "GET /desk/forms/{form}",
        "GET /desk/forms/{form}/away",
        "POST /desk/forms/{form}/away",
        "POST /desk/forms/{form}",
        "GET /desk/fields",
        "POST /desk/fields",
        "GET /desk/fields/{field}",
        "POST /desk/fields/{field}",
        "GET /desk/fields/{field}/remove",
        "POST /desk/fields/{field}/remove",
    ]),
    // Who sends, and sees readers.
    (&[Owner, Sender], &[
        "GET /desk/editions/{id}/send",
        "POST /desk/editions/{id}/send",
        "POST /desk/editions/{id}/undo",
        "POST /desk/editions/{id}/pause",
        "POST /desk/editions/{id}/resume",
        "GET /desk/editions/{id}/cancel",
        "POST /desk/editions/{id}/cancel",
        "GET /desk/editions/{id}/release",
        "POST /desk/editions/{id}/release",
        "POST /desk/editions/{id}/retry",
        "GET /desk/editions/{id}/doubt",
        "POST /desk/editions/{id}/doubt",
        "GET /desk/editions/{id}/copies/{reader}",
        "GET /desk/readers",
        "POST /desk/readers",
        "GET /desk/readers/{id}",
        "GET /desk/readers/{id}/leave",
        "POST /desk/readers/{id}/leave",
        "POST /desk/readers/{id}/name",
        "POST /desk/readers/{id}/address",
        "POST /desk/readers/{id}/address/off",
        "GET /desk/readers/{id}/correct",
        "POST /desk/readers/{id}/correct",
        "POST /desk/readers/{id}/join",
        "POST /desk/readers/{id}/choices-link",
        "POST /desk/readers/{id}/pause",
        "POST /desk/readers/{id}/go-on",
        "POST /desk/readers/{id}/notes",
        "POST /desk/readers/{id}/notes/{note}/remove",
        "POST /desk/readers/{id}/mail-again",
        "POST /desk/readers/{id}/block",
        "GET /desk/blocked",
        "POST /desk/blocked",
        "POST /desk/blocked/{id}/lift",
        "GET /desk/readers/export",
        "POST /desk/readers/export",
        "GET /desk/segments",
        "GET /desk/segments/new",
        "POST /desk/segments/new",
        "GET /desk/segments/{segment}",
        "POST /desk/segments/{segment}",
        "POST /desk/segments/{segment}/delete",
        "GET /desk/many",
        "GET /desk/many/new",
        "POST /desk/many/new",
        "POST /desk/many/ask-again",
        "POST /desk/editions/{id}/again",
        "GET /desk/many/{act}",
        "POST /desk/many/{act}/go",
        "POST /desk/many/{act}/stop",
        "POST /desk/many/{act}/undo",
        "POST /desk/many/{act}/remove",
        "GET /desk/imports",
        "POST /desk/imports",
        "GET /desk/imports/{import}",
        "POST /desk/imports/{import}",
        "POST /desk/imports/{import}/back",
        "POST /desk/imports/{import}/go",
        "POST /desk/imports/{import}/stop",
        "POST /desk/imports/{import}/undo",
        "POST /desk/imports/{import}/remove",
        "GET /desk/imports/{import}/problems",
        "GET /desk/requests",
        "GET /desk/requests/{id}",
        "POST /desk/requests/{id}",
        "POST /desk/requests",
        "POST /desk/requests/{id}/close",
        "GET /desk/bounces",
        "POST /desk/bounces/{edition}/gone",
        "POST /desk/bounces/{edition}/kept",
        "POST /desk/bounces/letters/{id}",
    ]),
    // Who sees money.
    (&[Owner, Treasurer], &[
        "GET /desk/donations",
        "GET /desk/donations/adopt",
        "POST /desk/donations/adopt/look",
        "POST /desk/donations/adopt/take",
        "POST /desk/donations/adopt/stop",
        "GET /desk/donations/book",
        "POST /desk/donations/book",
        "POST /desk/donations/book/compare",
        "GET /desk/donations/payouts/{id}",
        "POST /desk/donations/{id}/end",
        "POST /desk/donations/{id}/refund",
        "POST /desk/donations/refunds/{id}/away",
        "GET /desk/donations/file",
        "POST /desk/donations/file",
        "GET /desk/donations/{id}",
        "POST /desk/donations/{id}/letter",
        "POST /desk/donations/{id}/note",
        "POST /desk/donations/{id}/asking",
        "POST /desk/donations/account",
        "POST /desk/donations/events/{id}",
        "POST /desk/donations/events/{id}/away",
        "POST /desk/donations/checkouts/away",
        "POST /desk/donations/monthly/{id}/end",
    ]),
    // Who runs the magazine.
    (&[Owner], &[
        "POST /desk/forms/{form}/sites",
        "GET /desk/settings",
        "POST /desk/settings",
        "GET /desk/deliverability",
        "POST /desk/deliverability",
        "POST /desk/deliverability/large",
        "POST /desk/deliverability/keys",
        "POST /desk/deliverability/keys/{id}/activate",
        "GET /desk/deliverability/keys/{id}/retire",
        "POST /desk/deliverability/keys/{id}/retire",
        "GET /desk/doctor",
        "POST /desk/doctor",
        "GET /desk/jobs",
        "POST /desk/jobs/again",
        "GET /desk/audit",
        "POST /desk/audit/export",
        "GET /desk/address",
        "POST /desk/address",
        "GET /desk/team",
        "POST /desk/team",
        "POST /desk/team/{id}/role",
        "POST /desk/team/{id}/invite",
        "POST /desk/team/{id}/disable",
        "POST /desk/team/{id}/enable",
        "POST /desk/readers/{id}/held",
        "GET /desk/donations/{id}/forget",
        "POST /desk/donations/{id}/forget",
        "GET /desk/readers/{id}/forget",
        "POST /desk/readers/{id}/forget",
    ]),
];

/// TRUST A13, T6: every role on every route, as it is written down above. That the router holds to the program's own table is another
/// test (`every_route_opens_to_the_roles_of_the_table_and_to_no_others`).
#[test]
fn every_door_is_open_to_those_who_are_written_down_here() {
    let mut said: BTreeMap<String, &[Role]> = BTreeMap::new();
    for (roles, doors) in DOORS {
        for door in *doors {
            assert!(said.insert((*door).to_owned(), *roles).is_none(), "{door} stands twice");
        }
    }
    for route in routes() {
        let door = format!("{} {}", route.method, route.path);
        let roles: &[Role] = match route.who {
            Who::Public => &[],
            Who::Staff(roles) => roles,
        };
        let said = said.remove(&door);
        assert_eq!(
            said,
            Some(roles),
            "{door}: who may come is written down in this test, and whoever changes it changes both"
        );
    }
    assert!(said.is_empty(), "there is no such route: {said:?}");
}

/// Rows of every kind that a path can name. No number is that of two of them.
const ROWS: &[&str] = &[
    "insert into list (id, public_id, slug, name, description, visibility, created_at) values (101, 'alist000000000000001', 'aside', 'Aside', '', 'public', 7)",
    "insert into reader_topic (id, public_id, name, name_key, description, position, created_at) values (201, 'atopic00000000000001', 'Lamps', 'lamps', '', 1, 7)",
    "insert into field (id, name, label, kind, choices) values (301, 'afield', 'A field', 'text', '')",
    "insert into feed (id, url, title, created_at) values (401, 'https://feeds.example/a', 'A feed', 7)",
    "insert into article (id, slug, title, standfirst, byline, body_html, word_count, state, published_at, created_at, updated_at, content_hash)
        values (501, 'an-article', 'An article', '', '', '', 1, 'draft', 7, 7, 7, '')",
    "insert into article_revision (id, article_id, version, at, text) values (502, 501, 17, 7, '{}')",
    "insert into author (id, slug, spelling, name, changed_at) values (551, 'an-author', 'an author', 'An author', 7)",
    "insert into picture (id, public_id, file, alt, is_decorative, caption, credit, created_at) values (571, 'apicture00000000000000000a', 'a.jpg', '', 0, '', '', 7)",
    "insert into form (id, slug, name, title, intro, wording, offers, campaign, source, sites, state) values (601, 'aform', 'A form', '', '', '', 'all', '', '', '', 'open')",
    "insert into subscriber (id, public_id, email, email_key, name, created_at) values
        (701, 'areader0000000000001', 'ann@example.org', 'ann@example.org', 'Ann', 7),
        (702, 'another0000000000001', 'bob@example.org', 'bob@example.org', 'Bob', 7)",
    "insert into reader_note (id, subscriber_id, text, at) values (801, 701, 'of Ann', 7), (802, 702, 'of Bob', 7)",
    "insert into edition (id, public_id, digest_id, list_id, state, revision, unknown_policy, created_at, updated_at)
        select 901, 'anedition00000000001', min(id), min(list_id), 'draft', 1, 'resend', 7, 7 from digest",
    "insert into edition_revision (edition_id, revision, subject, preview_text, intro_markdown, created_at) values (901, 1, 'One', '', '', 7)",
    "insert into suppression (id, address_hash, reason, detail, created_at) values (1001, 'h', 'staff', '', 7)",
    "insert into reader_request (id, kind, address, address_hash, detail, received_at, due_at) values (1101, 'access', 'ann@example.org', 'h', '', 7, 8)",
    "insert into segment (id, public_id, name, name_key, version, created_at, changed_at) values (2801, 'asegment000000000001', 'Some', 'some', 1, 7, 7)",
    "insert into segment_version (segment_id, version, tree, saved_at) values (2801, 1, '{\"version\":1,\"tree\":{\"all\":[{\"is\":{\"what\":\"stopped\",\"reason\":null}}]}}', 7)",
    "insert into bulk_act (id, public_id, state, deed, created_at, changed_at, list_id, why, filter, whom, up_to, reached, expected, sums, trouble, attempts, next_at)
        values (2701, 'amanyact000000000001', 'ready', 'take-off', 7, 7, 101, 'x', '{}', 'all', 1, 1, '', '', '', 0, 7)",
    "insert into import (id, public_id, state, created_at, changed_at, file, size, basis, source, makes_lists, choices, survey, expected, report, pass, line, trouble, attempts, next_at)
        values (1701, 'animport000000000001', 'ready', 7, 7, 'a.csv', 1, 'consent', 'x', false, '', '', '', '', 0, 0, '', 0, 7)",
    "insert into archive (id, public_id, state, kind, staff_id, created_at, changed_at, file, size, choices, survey, report, at, trouble, attempts, next_at)
        values (1751, 'anarchive00000000001', 'asking', 'wordpress', null, 7, 7, 'a.xml', 1, '', '', '', 0, '', 0, 7)",
    "insert into bounce_letter (id, key, from_address, subject, words, received_at) values (1201, 'k', 'ann@example.org', 'Hello', '', 7)",
    "insert into donor (id, public_id, email, email_key, name, created_at) values (1301, 'adonor00000000000001', 'ann@example.org', 'ann@example.org', 'Ann', 7)",
    "insert into donation (id, public_id, donor_id, email, name, kind, amount_minor, currency, state, created_at, paid_at)
        values (1401, 'agift000000000000001', 1301, 'ann@example.org', 'Ann', 'once', 1250, 'EUR', 'paid', 7, 7)",
    "insert into recurring_donation (id, public_id, donor_id, email, name, amount_minor, currency, state, created_at)
        values (1501, 'amonthly000000000001', 1301, 'ann@example.org', 'Ann', 500, 'EUR', 'active', 7)",
    "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, created_at, received_at, next_at)
        values ('evt1601', 'x', 'x', 'webhook', '', 'dead', 1, 7, 7, 7)",
];

/// What each of them is called, by the part of a path before its place.
const KINDS: &[(&str, &[&str])] = &[
    ("lists", &["101", "alist000000000000001", "aside"]),
    ("topics", &["201", "atopic00000000000001"]),
    ("fields", &["301", "afield"]),
    ("feeds", &["401"]),
    ("articles", &["501", "an-article"]),
    ("revisions", &["17"]),
    ("authors", &["551", "an-author"]),
    ("pictures", &["apicture00000000000000000a"]),
    ("bring-in", &["anarchive00000000001"]),
    ("forms", &["601", "aform"]),
    ("readers", &["701", "areader0000000000001", "702", "another0000000000001"]),
    ("notes", &["801"]),
    ("editions", &["901", "anedition00000000001"]),
    ("blocked", &["1001"]),
    ("requests", &["1101"]),
    ("imports", &["1701", "animport000000000001"]),
    ("many", &["2701", "amanyact000000000001"]),
    ("segments", &["2801", "asegment000000000001"]),
    ("letters", &["1201"]),
    ("donations", &["1401", "agift000000000000001", "1301", "adonor00000000000001"]),
    ("monthly", &["1501", "amonthly000000000001"]),
    ("events", &["evt1601"]),
    ("payouts", &["po1901"]),
    ("refunds", &["arefund0000000000001"]),
    ("keys", &[]),
    ("team", &[]),
];

/// The same thing called otherwise.
fn kind(before: &str) -> &str {
    match before {
        "copies" => "readers",
        "bounces" => "editions",
        other => other,
    }
}

/// What nobody has, of the same make.
fn nobodys(id: &str) -> String {
    let other = |c: char| if c.is_ascii_digit() { '9' } else { 'z' };
    id.chars().map(other).collect()
}

/// What is seen, whichever id was asked for.
fn seen(answer: &Answer, id: &str) -> (StatusCode, String, String) {
    // Names of files have numbers of their own.
    let (mut body, mut rest) = (String::new(), answer.body.as_str());
    while let Some((before, file)) = rest.split_once("/static/") {
        body.push_str(&before.replace(id, "ID"));
        rest = file.split_once('/').map_or("", |(_, rest)| rest);
    }
    body.push_str(&rest.replace(id, "ID"));
    (answer.status, answer.header("location").replace(id, "ID"), body)
}

both_engines! {
    /// TRUST A11: an id that is real, of another thing, opens as little as one that nobody has: the same status and the same bytes, on
    /// every route of the desk and for each id in its path; and nothing is changed.
    async fn the_id_of_another_thing_opens_nothing(web: Web) {
        let db = &web.app.site.db;
        publishing::ensure_first(&web.app.site).await.expect("a list and a digest");
        for row in ROWS {
            change(db, row).await;
        }
        let (cookie, csrf) = web.session_of(Role::Owner).await;
        let held = async || {
            let mut all = Vec::new();
            for table in ["list", "reader_topic", "field", "feed", "article", "author", "form", "subscriber", "reader_note", "edition", "suppression", "reader_request", "import", "bulk_act", "segment", "bounce_letter", "donation", "recurring_donation", "staff"] {
                let sql: &'static str = Box::leak(format!("select count(*) from {table}").into_boxed_str());
                all.push((table, rows::<(i64,)>(db, sql).await[0].0));
            }
            all
        };
        let before = held().await;
        let mut tried = 0;
        for route in routes().into_iter().filter(|route| matches!(route.who, Who::Staff(_))) {
            let parts: Vec<&str> = route.path.split('/').collect();
            for at in (0..parts.len()).filter(|at| parts[*at].starts_with('{')) {
                let own = kind(parts[at - 1]);
                assert!(KINDS.iter().any(|(kind, _)| *kind == own), "{}: say here what {own} are called", route.path);
                let path = |id: &str| {
                    let part = |(place, part): (usize, &&str)| {
                        let real = || KINDS.iter().find(|(of, _)| *of == kind(parts[place - 1])).and_then(|(_, ids)| ids.last()).copied().unwrap_or("x");
                        match part.starts_with('{') {
                            true if place == at => id.to_owned(),
                            true => real().to_owned(),
                            false => (*part).to_owned(),
                        }
                    };
                    parts.iter().enumerate().map(part).collect::<Vec<_>>().join("/")
                };
                let ask = async |id: &str| {
                    let path = path(id);
                    match route.method {
                        Method::GET => web.get(&path, &cookie).await,
                        _ => web.post(&path, &cookie, &[("csrf", &csrf)]).await,
                    }
                };
                let mut nothing = BTreeMap::new();
                for id in KINDS.iter().filter(|(kind, _)| *kind != own).flat_map(|(_, ids)| *ids) {
                    let nobodys = nobodys(id);
                    if !nothing.contains_key(&nobodys) {
                        nothing.insert(nobodys.clone(), seen(&ask(&nobodys).await, &nobodys));
                    }
                    let others = ask(id).await;
                    assert_eq!(seen(&others, id), nothing[&nobodys], "{} {} with {id}", route.method, route.path);
                    assert!(route.method != Method::GET || !others.status.is_success(), "{} with {id}: {}", route.path, others.status);
                    tried += 1;
                }
            }
        }
        assert!(tried > 1_000, "{tried}");
        // The note of one reader, under the name of another.
        web.post("/desk/readers/areader0000000000001/notes/802/remove", &cookie, &[("csrf", &csrf)]).await;
        assert_eq!(held().await, before);
    }

    /// TRUST A11, A23: a link of ours opens the page that it was made for. On any other page, or with a letter changed, it is as
    /// good as one that somebody made up: the same status and the same bytes, looked at and pressed.
    async fn a_link_opens_no_other_page_than_its_own(web: Web) {
        publishing::ensure_first(&web.app.site).await.expect("a list and a digest");
        for row in ROWS {
            change(&web.app.site.db, row).await;
        }
        let keys = &web.app.site.keys;
        let (reader, list, edition) = ("areader0000000000001", "alist000000000000001", "anedition00000000001");
        let expires = Some(web.app.site.now().plus(std::time::Duration::from_secs(600)));
        // Their own page, and each with what it says.
        let links = [
            ("/confirm/", keys.sign(Purpose::Confirm, &format!("{reader}.{list}"), expires)),
            ("/unsubscribe/", keys.sign(Purpose::Unsubscribe, &format!("{reader}.{list}.{edition}"), None)),
            ("/again/", keys.sign(Purpose::ConfirmAgain, &format!("{reader}.{list}.{edition}"), None)),
            ("/preferences/", keys.sign(Purpose::Preferences, reader, None)),
            ("/address/", keys.sign(Purpose::AddressChange, "achange0000000000001.old", expires)),
            ("/view/", keys.sign(Purpose::View, &format!("{edition}.{reader}"), None)),
            ("/give/", keys.sign(Purpose::Give, edition, None)),
            ("/thanks/", keys.sign(Purpose::Thanks, "gift.agift000000000000001", expires)),
            ("/giving/", keys.sign(Purpose::Thanks, "monthly.amonthly000000000001", None)),
            ("/supporter/", keys.sign(Purpose::Thanks, "supporter.adonor0000000000001.9999999999", None)),
            ("/desk/sign-in/", keys.sign(Purpose::SignIn, reader, expires)),
            ("/desk/join/", keys.sign(Purpose::Invite, reader, expires)),
            ("/set-up/", keys.sign(Purpose::SetUp, "", expires)),
        ];
        let mut tried = 0;
        for route in routes().into_iter().filter(|route| route.path.contains("{token}")) {
            let ask = async |token: &str| {
                let path = route.path.replace("{token}", token);
                match route.method {
                    Method::GET => web.get(&path, "").await,
                    _ => web.post(&path, "", &[("List-Unsubscribe", "One-Click")]).await,
                }
            };
            for (own, token) in &links {
                let made_up: String = token.chars().rev().collect();
                let nothing = seen(&ask(&made_up).await, &made_up);
                let mut others: Vec<String> = Vec::new();
                if !route.path.starts_with(own) {
                    others.push(token.clone());
                }
                // Of its own page, with a letter of what it says changed.
                let letter = token.len() / 3;
                let changed = if token.as_bytes()[letter] == b'A' { "B" } else { "A" };
                others.push(format!("{}{changed}{}", &token[..letter], &token[letter + 1..]));
                for other in others {
                    let answer = seen(&ask(&other).await, &other);
                    assert_eq!(answer, nothing, "{} {} with a link of {own}", route.method, route.path);
                    tried += 1;
                }
            }
        }
        assert!(tried > 150, "{tried}");
        for (path, token) in links.iter().filter(|(path, _)| *path == "/preferences/") {
            let made_up: String = token.chars().rev().collect();
            let own = seen(&web.get(&format!("{path}{token}"), "").await, token);
            let nothing = seen(&web.get(&format!("{path}{made_up}"), "").await, &made_up);
            assert!(own.0 == StatusCode::OK && own != nothing, "{path}: on its own page it works");
        }
    }
}

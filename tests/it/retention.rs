//! Nothing grows for ever unless somebody said so: each table has its rule, what is over goes, and what is needed stays.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use broadside::{
    clock::Clock,
    db::{Db, Engine},
    jobs::{self, AT_ONCE, RETENTION, Retention},
    site::Site,
};
use sqlx::AssertSqlSafe;

use crate::{
    statements::plan,
    support::{
        TestApp, TestDb, both_engines,
        database::{change, rows},
    },
};

const DAY: Duration = Duration::from_secs(86_400);

/// What may go of a table: which of its spans it is about, where to look what is left, and how a row is made. `{at}` becomes
/// the moment at which the row was over, `{n}` its name.
type Case = (&'static str, usize, &'static str, &'static [&'static str]);

const CASES: &[Case] = &[
    ("staff_session", 0, "select token_hash from staff_session",
        &["insert into staff_session (token_hash, staff_id, created_at, last_seen_at) select '{n}', id, {at}, {at} from staff"]),
    // "Old" is here what is yet to come.
    ("staff_session", 1, "select token_hash from staff_session where token_hash like 'later-%'",
        &["insert into staff_session (token_hash, staff_id, created_at, last_seen_at)
            select 'later-{n}', id, {at} + case '{n}' when 'old' then 172800000000 else 0 end, {at} from staff"]),
    ("used_token", 0, "select token_hash from used_token", &["insert into used_token (token_hash, used_at) values ('{n}', {at})"]),
    ("attempt", 0, "select key from attempt", &["insert into attempt (key, counted, began_at, ends_at) values ('{n}', 1, 0, {at})"]),
    ("delivery_attempt", 0, "select reply from delivery_attempt", &[
        "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, created_at, updated_at, finished_at)
            select 'attempt-{n}', id, list_id, 'finished', 1, 'resend', 0, 0, {at} from digest",
        "insert into delivery_attempt (edition_id, subscriber_id, attempt, worker_id, outcome, stage, reply, at)
            select id, 1, 1, 1, 'accepted', 'dot', '{n}', 0 from edition where public_id = 'attempt-{n}'"]),
    ("worker", 0, "select host from worker where host not like 'relay-%'",
        &["insert into worker (host, pid, started_at, heartbeat_at, stopped_at) values ('{n}', 1, 0, 0, {at})"]),
    ("notice", 0, "select key from notice", &[
        "insert into notice (key, template, context, address, name, from_name, from_email, message_id, state, reply, attempt, marker, maybe_duplicate, next_at, created_at, finished_at)
            values ('{n}', 'welcome', '', 'ann@example.org', '', '', 'post@example.org', '', 'accepted', '', 1, false, false, 0, 0, {at})"]),
    ("notice", 1, "select key from notice where template = 'confirm_subscription'", &[
        "insert into notice (key, template, context, address, name, from_name, from_email, message_id, state, reply, attempt, marker, maybe_duplicate, next_at, created_at, finished_at)
            values ('asks-{n}', 'confirm_subscription', '', 'ann@example.org', '', '', 'post@example.org', '', 'accepted', '', 1, false, false, 0, 0, {at})"]),
    ("forgotten_consent", 0, "select address_hash from forgotten_consent", &[
        "insert into forgotten_consent (address_hash, list_id, action, method, at, forgotten_at) select '{n}', id, 'confirmed', 'form', 0, {at} from list"]),
    ("subscriber", 0, "select r.public_id from consent_event e join subscriber r on r.id = e.subscriber_id where r.public_id like 'asked-%'", &[
        "insert into subscriber (public_id, email, email_key, name, created_at) values ('asked-{n}', '{n}@example.net', '{n}@example.net', '', 0)",
        "insert into subscription (subscriber_id, list_id, state, asked_at) select r.id, l.id, 'pending', {at} from subscriber r, list l where r.public_id = 'asked-{n}'",
        "insert into consent_event (subscriber_id, list_id, action, method, source, ip, user_agent, at)
            select r.id, l.id, 'asked', 'form', '', '', '', {at} from subscriber r, list l where r.public_id = 'asked-{n}'"]),
    ("subscriber", 1, "select public_id from subscriber where public_id like 'unconfirmed-%'", &[
        "insert into subscriber (public_id, email, email_key, name, created_at) values ('unconfirmed-{n}', '{n}@example.com', '{n}@example.com', '', 0)",
        "insert into subscription (subscriber_id, list_id, state, asked_at) select r.id, l.id, 'pending', {at} from subscriber r, list l where r.public_id = 'unconfirmed-{n}'"]),
    ("joined_day", 0, "select case joined when 1 then 'old' else 'young' end from joined_day",
        &["insert into joined_day (began_at, joined) values ({at}, case '{n}' when 'old' then 1 else 2 end)"]),
    ("provider_event", 0, "select event_id from provider_event where payload <> ''", &[
        "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, created_at, received_at, next_at)
            values ('{n}', 'unreadable', '', 'webhook', 'text', 'dead', 0, 0, {at}, 0)"]),
    ("provider_event", 1, "select event_id from provider_event where state = 'ignored'", &[
        "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, created_at, received_at, next_at)
            values ('ignored-{n}', 'product.created', '', 'webhook', '', 'ignored', 0, 0, {at}, 0)"]),
    ("provider_event", 2, "select event_id from provider_event where state = 'done'", &[
        "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, created_at, received_at, next_at)
            values ('done-{n}', 'invoice.paid', 'in_1', 'webhook', '', 'done', 0, 0, {at}, 0)"]),
    ("gift_try", 0, "select mailbox from gift_try", &[
        "insert into donation (public_id, email, name, kind, amount_minor, currency, state, created_at) values ('tried-{n}', '', '', 'once', 100, 'EUR', 'expired', 0)",
        "insert into gift_try (donation_id, mailbox, at) select id, '{n}', {at} from donation where public_id = 'tried-{n}'"]),
    ("payment_attempt", 0, "select provider_ref from payment_attempt",
        &["insert into payment_attempt (provider_ref, outcome, decline_code, at) values ('{n}', 'declined', '', {at})"]),
    ("provider_call", 0, "select idempotency_key from provider_call", &[
        "insert into provider_call (idempotency_key, operation, request, state, attempts, created_at, next_at, finished_at)
            values ('{n}', 'checkout', '', 'done', 1, 0, 0, {at})"]),
    ("old_object", 0, "select name from old_object where name <> ''", &[
        "insert into old_object (provider_id, kind, bundle, fate, why, email, email_key, name, standing, amount_minor, currency, refunded_minor, elsewhere_minor, made_at, seen_at)
            values ('{n}', 'once', '', 'found', '', '', '', '{n}', '', 1, 'EUR', 0, 0, 0, {at})"]),
    ("subscription_change", 0, "select public_id from subscription_change", &[
        "insert into recurring_donation (public_id, email, name, amount_minor, currency, state, created_at) values ('changes-{n}', '', '', 1500, 'EUR', 'cancelled', 0)",
        "insert into subscription_change (public_id, recurring_donation_id, request, state, attempts, next_at, created_at, finished_at)
            select '{n}', id, '', 'done', 1, 0, 0, {at} from recurring_donation where public_id = 'changes-{n}'"]),
    ("renewal_trouble", 0, "select provider_invoice_id from renewal_trouble", &[
        "insert into recurring_donation (public_id, email, name, amount_minor, currency, state, created_at) values ('trouble-{n}', '', '', 1500, 'EUR', 'cancelled', 0)",
        "insert into renewal_trouble (provider_invoice_id, recurring_donation_id, failed_at, letters, due_at, state, attempts, next_at)
            select '{n}', id, {at}, 3, 0, 'over', 0, 0 from recurring_donation where public_id = 'trouble-{n}'"]),
    ("bounce", 0, "select key from bounce", &[
        "insert into bounce (key, source, class, action, reason, words, effect, address_hash, masked, received_at)
            values ('{n}', 'mail', 'hard', 'failed', 'no-mailbox', '', 'bounced', '', '', {at})",
        "insert into bounce (key, source, class, action, reason, words, effect, address_hash, masked, received_at)
            values ('reply:99{n}', 'mail', 'hard', 'failed', 'no-mailbox', '', 'bounced', '', '', {at})"]),
    ("dns_check", 0, "select domain from dns_check",
        &["insert into dns_check (domain, findings, checked_at) values ('{n}', '', {at})"]),
    ("domain_pace", 0, "select domain_key from domain_pace",
        &["insert into domain_pace (domain_key, gap_us, slowed_at) values ('{n}', 1, {at})"]),
    ("relay_window", 0, "select relay from relay_window", &[
        "insert into relay_window (relay, span, reserved) values ('{n}', 'day {day}', 1)",
        "insert into relay_window (relay, span, reserved) values ('{n}', 'hour {day}T09', 1)"]),
    ("job_trouble", 0, "select place from job_trouble",
        &["insert into job_trouble (job, place, since, last_at, broke_off, words) values ('tidy', '{n}', 0, {at}, false, '')"]),
    ("doctor_look", 0, "select place from doctor_look",
        &["insert into doctor_look (place, findings, looked_at, again) values ('{n}', '[]', {at}, false)"]),
    ("news", 0, "select key from news", &[
        "insert into news (key, kind, subject, at, attempts, next_at, told_at) values ('{n}', 'given-up', '', 0, 1, 0, {at})"]),
    ("job_turns", 0, "select place from job_turns",
        &["insert into job_turns (place, turns, noted_at) values ('{n}', '{}', {at})"]),
    ("relay_trouble", 0, "select relay from relay_trouble", &[
        "insert into worker (host, pid, started_at, heartbeat_at, stopped_at) values ('relay-{n}', 1, 0, 0, {at})",
        "insert into relay_trouble (relay, worker_id, since, words) select '{n}', id, 0, '' from worker where host = 'relay-{n}'"]),
    ("relay_sign_in", 0, "select credentials from relay_sign_in", &[
        "insert into relay_sign_in (relay, credentials, words, refusals, next_try_at) values ('a', '{n}', '', 0, {at})"]),
    ("feed", 0, "select url from feed where url not like 'read-%'", &["insert into feed (url, title, created_at, removed_at) values ('{n}', '', 0, {at})"]),
    ("feed_read", 0, "select notes from feed_read", &[
        "insert into feed (url, title, created_at) values ('read-{n}', '', 0)",
        "insert into feed_read (feed_id, at, by_hand, fresh, changed, kept, unchanged, notes) select id, {at}, false, 0, 0, 0, 0, '{n}' from feed where url = 'read-{n}'"]),
    ("article_sitting", 0, "select text from article_sitting", &[
        "insert into article_sitting (staff_id, piece, opened_at, seen_at, version, text, typed_at) select min(id), 'new-{n}', 0, {at}, 0, '{n}', 0 from staff"]),
    // What is over of an article is its words.
    ("article", 0, "select title from article where title <> ''", &[
        "insert into article (slug, title, standfirst, byline, body_html, word_count, state, published_at, created_at, updated_at, content_hash, deleted_at)
            values ('{n}', '{n}', '', '', '', 1, 'draft', 7, 7, 7, '', {at})"]),
    ("article_revision", 0, "select text from article_revision", &[
        "insert into article (slug, title, standfirst, byline, body_html, word_count, state, published_at, created_at, updated_at, content_hash, deleted_at, emptied_at)
            values ('saved-{n}', '', '', '', '', 1, 'draft', 7, 7, 7, '', {at}, {at})",
        "insert into article_revision (article_id, version, at, text) select id, 1, 7, '{n}' from article where slug = 'saved-{n}'"]),
    ("field", 0, "select value from field_value", &[
        "insert into subscriber (public_id, email, email_key, name, created_at) values ('answers-{n}', '{n}@answers.example', '{n}@answers.example', '', 0)",
        "insert into field (name, label, kind, choices, removed_at) values ('{n}', '', 'text', '', {at})",
        "insert into field_value (subscriber_id, field_id, value) select s.id, f.id, '{n}' from subscriber s, field f where s.public_id = 'answers-{n}' and f.name = '{n}'"]),
    ("field", 1, "select name from field where name like 'gone-%'",
        &["insert into field (name, label, kind, choices, removed_at) values ('gone-{n}', '', 'text', '', {at})"]),
    ("form_day", 0, "select case asked when 1 then 'old' else 'young' end from form_day", &[
        "insert into form_day (form_id, began_at, part, asked, confirmed) select id, {at}, 0, case '{n}' when 'old' then 1 else 2 end, 0 from form"]),
    ("reader_look", 0, "select detail from reader_look", &[
        "insert into reader_look (staff_id, subject, detail, day, at) select id, '', '{n}', '{day}', {at} from staff"]),
    ("asking", 0, "select network from asking", &["insert into asking (network, domain, waited, at) values ('{n}', '', 0, {at})"]),
    ("leaving_reason", 0, "select words from leaving_reason", &[
        "insert into subscriber (public_id, email, email_key, name, created_at) values ('left-{n}', 'left-{n}@example.net', 'left-{n}@example.net', '', 0)",
        "insert into leaving_reason (subscriber_id, list_id, left_at, reason, words, at)
            select r.id, l.id, {at}, 'other', '{n}', {at} from subscriber r, list l where r.public_id = 'left-{n}'"]),
    ("sign_up", 0, "select email_key from sign_up",
        &["insert into sign_up (public_id, at, email_key, typed, next_at) values ('up-{n}', {at}, '{n}', '{}', {at})"]),
    ("typed", 0, "select name from typed", &[
        "insert into subscriber (public_id, email, email_key, name, created_at) values ('typed-{n}', '{n}@typed.example', '{n}@typed.example', '', 0)",
        "insert into typed (subscriber_id, name, answers, at) select id, '{n}', '', {at} from subscriber where public_id = 'typed-{n}'"]),
    ("address_change", 0, "select new_email from address_change", &[
        "insert into subscriber (public_id, email, email_key, name, created_at) values ('moves-{n}', '{n}@moves.example', '{n}@moves.example', '', 0)",
        "insert into address_change (public_id, subscriber_id, old_email, new_email, asked_at) select '{n}', id, '', '{n}', {at} from subscriber where public_id = 'moves-{n}'"]),
    ("archive_part", 0, "select a.file from archive_part p join archive a on a.id = p.archive_id", &[
        "insert into archive (public_id, state, kind, created_at, changed_at, file, size, choices, survey, report, at, trouble, attempts, next_at) values ('apart-{n}', 'done', 'unknown', 0, {at}, '{n}', 0, '', '', '', 0, '', 0, 0)",
        "insert into archive_part (archive_id, number, bytes, kept_at) select id, 1, {bytes}, {at} from archive where public_id = 'apart-{n}'"]),
    ("archive", 0, "select file from archive where public_id like 'waits-%'", &["insert into archive (public_id, state, kind, created_at, changed_at, file, size, choices, survey, report, at, trouble, attempts, next_at) values ('waits-{n}', 'asking', 'unknown', 0, {at}, '{n}', 0, '', '', '', 0, '', 0, 0)"]),
    ("archive_left", 0, "select title from archive_left", &[
        "insert into archive (public_id, state, kind, created_at, changed_at, file, size, choices, survey, report, at, trouble, attempts, next_at) values ('left-{n}', 'done', 'unknown', 0, {at}, '{n}', 0, '', '', '', 0, '', 0, 0)",
        "insert into archive_left (archive_id, number, title, why, found_at) select id, 1, '{n}', '', {at} from archive where public_id = 'left-{n}'"]),
    ("import_part", 0, "select i.file from import_part p join import i on i.id = p.import_id", &[
        "insert into import (public_id, state, created_at, changed_at, file, size, basis, source, makes_lists, choices, survey, expected, report, pass, line, trouble, attempts, next_at) values ('part-{n}', 'done', 0, {at}, '{n}', 0, '', '', false, '', '', '', '', 0, 0, '', 0, 0)",
        "insert into import_part (import_id, number, bytes, kept_at) select id, 1, {bytes}, {at} from import where public_id = 'part-{n}'"]),
    ("import", 0, "select file from import where public_id like 'asks-%'", &[
        "insert into import (public_id, state, created_at, changed_at, file, size, basis, source, makes_lists, choices, survey, expected, report, pass, line, trouble, attempts, next_at) values ('asks-{n}', 'asking', 0, {at}, '{n}', 0, '', '', false, '', '', '', '', 0, 0, '', 0, 0)"]),
    ("import_part", 1, "select i.file from import_part p join import i on i.id = p.import_id where i.state = 'arriving'", &[
        "insert into import (public_id, state, created_at, changed_at, file, size, basis, source, makes_lists, choices, survey, expected, report, pass, line, trouble, attempts, next_at) values ('broke-{n}', 'arriving', 0, {at}, '{n}', 0, '', '', false, '', '', '', '', 0, 0, '', 0, 0)",
        "insert into import_part (import_id, number, bytes, kept_at) select id, 1, {bytes}, {at} from import where public_id = 'broke-{n}'"]),
    ("import", 1, "select file from import where public_id like 'arrives-%'", &[
        "insert into import (public_id, state, created_at, changed_at, file, size, basis, source, makes_lists, choices, survey, expected, report, pass, line, trouble, attempts, next_at) values ('arrives-{n}', 'arriving', 0, {at}, '{n}', 0, '', '', false, '', '', '', '', 0, 0, '', 0, 0)"]),
    ("import_change", 0, "select i.file from import_change c join import i on i.id = c.import_id", &[
        "insert into import (public_id, state, created_at, changed_at, file, size, basis, source, makes_lists, choices, survey, expected, report, pass, line, trouble, attempts, next_at) values ('change-{n}', 'done', 0, {at}, '{n}', 0, '', '', false, '', '', '', '', 0, 0, '', 0, 0)",
        "insert into subscriber (public_id, email, email_key, name, created_at) values ('changed-{n}', '{n}@changed.example', '{n}@changed.example', '', 0)",
        "insert into import_change (import_id, subscriber_id, kind, about, was, at) select i.id, s.id, 'named', 0, '', {at} from import i, subscriber s where i.public_id = 'change-{n}' and s.public_id = 'changed-{n}'"]),
    ("import_problem", 0, "select i.file from import_problem p join import i on i.id = p.import_id", &[
        "insert into import (public_id, state, created_at, changed_at, file, size, basis, source, makes_lists, choices, survey, expected, report, pass, line, trouble, attempts, next_at) values ('problem-{n}', 'done', 0, {at}, '{n}', 0, '', '', false, '', '', '', '', 0, 0, '', 0, 0)",
        "insert into import_problem (import_id, line, why, found_at) select id, 1, '', {at} from import where public_id = 'problem-{n}'"]),
    ("bulk_act", 0, "select public_id from bulk_act where public_id like 'ready-%'", &[
        "insert into bulk_act (public_id, state, deed, created_at, changed_at, why, filter, whom, up_to, reached, expected, sums, trouble, attempts, next_at) values ('ready-{n}', 'ready', 'pause', 0, {at}, '', '', '', 0, 0, '', '', '', 0, 0)"]),
    ("bulk_act", 1, "select public_id from bulk_act where public_id like 'over-%'", &[
        "insert into bulk_act (public_id, state, deed, created_at, changed_at, why, filter, whom, up_to, reached, expected, sums, trouble, attempts, next_at) values ('over-{n}', 'done', 'pause', 0, {at}, '', '', '', 0, 0, '', '', '', 0, 0)"]),
    ("bulk_change", 0, "select a.public_id from bulk_change c join bulk_act a on a.id = c.bulk_act_id", &[
        "insert into bulk_act (public_id, state, deed, created_at, changed_at, why, filter, whom, up_to, reached, expected, sums, trouble, attempts, next_at) values ('many-{n}', 'done', 'pause', 0, {at}, '', '', '', 0, 0, '', '', '', 0, 0)",
        "insert into subscriber (public_id, email, email_key, name, created_at) values ('many-{n}', '{n}@many.example', '{n}@many.example', '', 0)",
        "insert into bulk_change (bulk_act_id, subscriber_id, list_id, was, at) select a.id, s.id, l.id, '', {at} from bulk_act a, subscriber s, list l where a.public_id = 'many-{n}' and s.public_id = 'many-{n}'"]),
    ("leaving_mail", 0, "select mail from leaving_mail", &["insert into leaving_mail (mail, read_at) values ('{n}', {at})"]),
    ("confirmation_mail", 0, "select s.public_id from confirmation_mail m join subscriber s on s.id = m.subscriber_id", &[
        "insert into subscriber (public_id, email, email_key, name, created_at) values ('{n}', '{n}@example.org', '{n}@example.org', '', 0)",
        "insert into confirmation_mail (subscriber_id, sent_at) select id, {at} from subscriber where public_id = '{n}'"]),
];

/// As old as can be, and still needed; and where each is looked for.
const NEEDED: &[(&str, &[&str])] = &[
    // The row that closes set-up.
    ("select count(*) from used_token where token_hash = 'set-up'", &[]),
    // The log of an edition that waits.
    ("select count(*) from delivery_attempt where reply = 'needed'", &[
        "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, created_at, updated_at)
            select 'needed', id, list_id, 'paused', 1, 'resend', 0, 0 from digest",
        "insert into delivery_attempt (edition_id, subscriber_id, attempt, worker_id, outcome, stage, reply, at)
            select id, 1, 1, 1, 'failed', 'rcpt', 'needed', 0 from edition where public_id = 'needed'"]),
    // What that attempt was taken in as: without it, it would be taken in again.
    ("select count(*) from bounce where source = 'reply'", &[
        "insert into bounce (key, source, class, action, reason, words, effect, address_hash, masked, received_at)
            select 'reply:' || cast(id as text), 'reply', 'hard', 'failed', 'no-mailbox', '', 'bounced', '', '', 0 from delivery_attempt where reply = 'needed'"]),
    // Those that are alive, and one whose claims nobody has taken back.
    ("select count(*) from worker where host = 'alive'", &["insert into worker (host, pid, started_at, heartbeat_at) values ('alive', 1, 0, 0)"]),
    ("select count(*) from worker where host = 'holds'", &[
        "insert into worker (host, pid, started_at, heartbeat_at, stopped_at) values ('holds', 1, 0, 0, 0)",
        "insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, attempt, claimed_by, marker, maybe_duplicate, next_at, updated_at)
            select 1, 1, 'ann@example.org', '', 'example.org', 1, 'claimed', 1, id, true, false, 0, 0 from worker where host = 'holds'"]),
    // An automatic email that still waits.
    ("select count(*) from notice where state = 'queued'", &[
        "insert into notice (key, template, context, address, name, from_name, from_email, message_id, state, reply, attempt, marker, maybe_duplicate, next_at, created_at)
            values ('waits', 'welcome', '', 'ann@example.org', '', '', 'post@example.org', '', 'queued', '', 1, false, false, 0, 0)"]),
    // What the provider told us and is not worked on, or was given up and waits for somebody.
    ("select count(*) from provider_event where state = 'new'", &[
        "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, created_at, received_at, next_at)
            values ('new', 'invoice.paid', 'in_1', 'webhook', '', 'new', 0, 0, 0, 0)"]),
    ("select count(*) from provider_event where event_id = 'dead'", &[
        "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, created_at, received_at, next_at)
            values ('dead', 'invoice.paid', 'in_1', 'webhook', '', 'dead', 0, 0, 0, 0)"]),
    // Asked to end, and a checkout that failed and that nobody has seen.
    ("select count(*) from provider_call where idempotency_key in ('cancel:x', 'unseen', 'started')", &[
        "insert into provider_call (idempotency_key, operation, request, state, attempts, created_at, next_at, finished_at)
            values ('cancel:x', 'cancel', '', 'done', 1, 0, 0, 0), ('unseen', 'checkout', '', 'failed', 1, 0, 0, 0)",
        "insert into provider_call (idempotency_key, operation, request, state, attempts, created_at, next_at) values ('started', 'checkout', '', 'started', 1, 0, 0)"]),
    // What a living worker cannot use.
    ("select count(*) from relay_trouble where relay = 'needed'",
        &["insert into relay_trouble (relay, worker_id, since, words) select 'needed', id, 0, '' from worker where host = 'alive'"]),
    // Who joined one list is known, though they never confirmed another; and so is who left, and asked once more.
    ("select count(*) from subscriber where public_id in ('joined-needed', 'left-needed')", &[
        "insert into list (public_id, slug, name, description, visibility, created_at) values ('needed', 'needed', 'Needed', '', 'public', 0)",
        "insert into subscriber (public_id, email, email_key, name, created_at) values ('joined-needed', 'j@example.net', 'j@example.net', '', 0), ('left-needed', 'l@example.net', 'l@example.net', '', 0)",
        "insert into subscription (subscriber_id, list_id, state, asked_at, confirmed_at) select r.id, l.id, 'confirmed', 0, 0 from subscriber r, list l where r.public_id = 'joined-needed' and l.slug <> 'needed'",
        "insert into subscription (subscriber_id, list_id, state, asked_at) select r.id, l.id, 'pending', 0 from subscriber r, list l where r.public_id = 'joined-needed' and l.slug = 'needed'",
        "insert into subscription (subscriber_id, list_id, state, asked_at, left_at) select r.id, l.id, 'pending', 0, 0 from subscriber r, list l where r.public_id = 'left-needed' and l.slug = 'needed'"]),
    // The books, the proof and the deeds, whatever their age.
    ("select count(*) from audit_log where action = 'needed'", &["insert into audit_log (action, subject, detail, at) values ('needed', '', '', 0)"]),
    ("select count(*) from suppression", &["insert into suppression (address_hash, reason, detail, created_at) values ('needed', 'bounced', '', 0)"]),
];

both_engines! {
    async fn every_table_has_a_rule(db: TestDb) {
        let tables = match db.db.engine() {
            Engine::Sqlite => "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> '_sqlx_migrations' and name not like 'subscriber_found%'",
            Engine::Postgres => "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> '_sqlx_migrations'",
        };
        let tables: Vec<(String,)> = rows(&db.db, tables).await;
        let tables: BTreeSet<&str> = tables.iter().map(|(name,)| name.as_str()).collect();
        let ruled: BTreeSet<&str> = RETENTION.iter().map(|(table, _)| *table).collect();
        assert_eq!(ruled.len(), RETENTION.len(), "a table has two rules");
        let (without, gone) = (tables.difference(&ruled).collect::<Vec<_>>(), ruled.difference(&tables).collect::<Vec<_>>());
        assert!(without.is_empty(), "say in jobs/retention.rs how long {without:?} are kept");
        assert!(gone.is_empty(), "{gone:?} are no tables");
    }

    async fn what_is_over_goes_and_what_is_needed_stays(app: TestApp) {
        app.leaves_work();
        app.advance(DAY * 2_000);
        let now = app.site.now();
        let bytes = if app.site.db.engine() == Engine::Sqlite { "x'00'" } else { r"'\x00'" };
        for (_, inserts) in NEEDED {
            for insert in *inserts {
                execute(&app.site.db, insert).await;
            }
        }
        for (table, rule) in RETENTION {
            let Retention::Goes(spans) = rule else { continue };
            for (place, (_, span)) in spans.iter().enumerate() {
                let case = CASES.iter().find(|case| (case.0, case.1) == (*table, place));
                let (_, _, _, inserts) = case.unwrap_or_else(|| panic!("nothing shows that {table} loses what is over"));
                for (name, at) in [("old", now.minus(*span + DAY)), ("young", now.minus(*span).plus(Duration::from_secs(60)))] {
                    for insert in *inserts {
                        let day = at.timestamp().strftime("%Y-%m-%d").to_string();
                        execute(&app.site.db, &insert.replace("{n}", name).replace("{at}", &at.0.to_string()).replace("{day}", &day).replace("{bytes}", bytes)).await;
                    }
                }
            }
        }
        let before = needed(&app.site.db).await;
        assert!(before.iter().all(|count| *count > 0), "{before:?}");

        assert!(jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round") >= CASES.len() as u64);
        for (table, place, look, _) in CASES {
            let left: Vec<(String,)> = rows(&app.site.db, look).await;
            assert!(!left.iter().any(|(name,)| name.ends_with("old")), "{table} {place}: {left:?}");
            assert!(left.iter().any(|(name,)| name.ends_with("young")), "{table} {place}: {left:?}");
        }
        assert_eq!(needed(&app.site.db).await, before);
        let told = "select detail from audit_log where action = 'forgot sign-ups that nobody confirmed'";
        let told: Vec<(String,)> = rows(&app.site.db, told).await;
        assert!(matches!(&told[..], [(one,)] if one.contains(", from before ")), "the team is told how many, once: {told:?}");
        assert_eq!(jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round"), 0, "one round takes all of it");
    }

    /// TRUST F20: a clock that is wrong, at the start or of one of several workers, deletes nothing before it has run for a day;
    /// restarts do not count, and whoever has the right time goes on meanwhile.
    async fn a_clock_that_jumps_is_not_believed_for_a_day(app: TestApp) {
        const HOUR: Duration = Duration::from_secs(3_600);
        let add = async |name: &str| {
            let at = app.site.now().0;
            execute(&app.site.db, &format!("insert into used_token (token_hash, used_at) values ('{name}', {at})")).await;
        };
        let left = async || rows::<(String,)>(&app.site.db, "select token_hash from used_token where token_hash like 'of %' order by 1").await.len();
        let round = async |site: &Site, ran: Duration| jobs::tidy(site, ran).await.expect("a round");
        for _ in 0..24 {
            app.advance(HOUR);
            round(&app.site, HOUR).await;
        }
        add("of today").await;

        // The machine starts a year ahead, again and again; and among several, one that has the time.
        let ahead = Site { clock: Clock::manual(app.site.now().plus(DAY * 365)), ..app.site.clone() };
        for _ in 0..30 {
            assert_eq!(round(&ahead, Duration::ZERO).await, 0);
        }
        for _ in 0..30 {
            app.advance(HOUR);
            ahead.clock.advance(HOUR);
            assert_eq!(round(&app.site, HOUR).await, 0);
            assert_eq!(round(&ahead, HOUR).await, 0);
        }
        assert_eq!(left().await, 1);
        // What is really over goes all the while.
        app.advance(Duration::from_secs(86_400));
        execute(&app.site.db, "insert into used_token (token_hash, used_at) values ('of old', 0)").await;
        assert_eq!(round(&app.site, HOUR).await, 1);

        // Set back within minutes, it has done no harm; and what is true for a day is true.
        assert_eq!(round(&ahead, HOUR).await, 0);
        app.advance(HOUR);
        assert_eq!(round(&app.site, HOUR).await, 0);
        for _ in 0..23 {
            assert_eq!(round(&ahead, HOUR).await, 0);
        }
        assert_eq!(left().await, 1);
        assert!(round(&ahead, HOUR).await >= 1);
        assert_eq!(left().await, 0);
    }

    /// A heap of old rows is taken away a little at a time: others write meanwhile, two who do it do not stand in each other's
    /// way, and one who is killed leaves the rest for the next.
    async fn a_heap_is_taken_away_while_others_write(app: TestApp) {
        const HEAP: &str = "insert into used_token (token_hash, used_at)
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) select 'k' || cast(i as text), 0 from n";
        let heap = async || rows::<(i64,)>(&app.site.db, "select count(*) from used_token where token_hash like 'k%'").await[0].0;
        assert_eq!(change(&app.site.db, HEAP).await, 100_000);

        let killed = tokio::spawn({
            let site = app.site.clone();
            async move { jobs::forget_as_of(&site, site.now()).await }
        });
        while heap().await == 100_000 {
            tokio::task::yield_now().await;
        }
        killed.abort();
        assert!(killed.await.is_err(), "it was killed in the middle");
        let left = heap().await;
        assert!(left > 0, "{left}");

        let done = Arc::new(AtomicBool::new(false));
        let writing = tokio::spawn({
            let (site, done) = (app.site.clone(), done.clone());
            async move {
                let mut written = 0_u32;
                while !done.load(Ordering::SeqCst) {
                    change(&site.db, "update origin set report = report").await;
                    written += 1;
                }
                written
            }
        });
        let other = Site { db: crate::support::database::open(&app.database_url).await, ..app.site.clone() };
        let two = app.site.db.engine() == Engine::Postgres;
        let (one, another) = tokio::join!(jobs::forget_as_of(&app.site, app.site.now()), async {
            if two { jobs::forget_as_of(&other, other.now()).await } else { Ok(0) }
        });
        done.store(true, Ordering::SeqCst);
        let written = writing.await.expect("it wrote");
        let gone = one.expect("a round") + another.expect("a round");
        assert_eq!(heap().await, 0);
        // A step may have been committed at the very moment of the kill.
        let gone = i64::try_from(gone).expect("few");
        assert!((left - AT_ONCE..=left).contains(&gone), "each row goes once: {gone} of {left}");
        // One who writes gets a turn between any two steps.
        let steps = left / AT_ONCE;
        assert!(i64::from(written) >= steps / 2, "{written} in {steps} steps");
        other.db.close().await;
    }

    /// Looking for what is over does not read what is not.
    async fn what_is_over_is_found_by_an_index(db: TestDb) {
        // A few rows each, whatever happens.
        const SMALL: [&str; 9] =
            ["dns_check", "doctor_look", "job_trouble", "job_turns", "domain_pace", "relay_window", "relay_trouble", "relay_sign_in", "edition"];
        for (table, rule) in RETENTION {
            let Retention::Goes(spans) = rule else { continue };
            for (statement, _) in *spans {
                for line in plan(&db, *statement).await {
                    let whole = line.contains("Seq Scan") || line.starts_with("SCAN ") && !line.contains("INDEX");
                    let small = SMALL.iter().any(|small| table == small || line.ends_with(small) || line.contains("SCAN e"));
                    assert!(!whole || small, "{table}: {line}");
                }
            }
        }
    }
}

async fn needed(db: &Db) -> Vec<i64> {
    let mut counts = Vec::new();
    for (look, _) in NEEDED {
        counts.push(rows::<(i64,)>(db, look).await[0].0);
    }
    counts
}

async fn execute(db: &Db, sql: &str) {
    let text = AssertSqlSafe(sql.to_owned());
    match db {
        Db::Sqlite { write, .. } => sqlx::query(text).execute(write).await.map(drop),
        Db::Postgres { pool, .. } => sqlx::query(text).execute(pool).await.map(drop),
    }
    .unwrap_or_else(|error| panic!("{error}: {sql}"));
}

-- Readers are found by any part of what is known of them, in any script and case, and what the team does about them is on record.

-- What a reader is found by: address and name, folded by the program. None of a row that it has not come to yet, or
-- whose name or address was changed by somebody who left it as it was.
alter table subscriber add column search text;
create index subscriber_unfolded_idx on subscriber (id) where search is null;
create trigger subscriber_search_is_old after update of email, name on subscriber
    when old.search is not null and new.search is old.search and (new.email <> old.email or new.name <> old.name)
begin
    update subscriber set search = null where id = new.id;
end;

-- Who holds which three letters in a row: what keeps "contains" quick with very many readers. Nothing of the text is kept twice.
create virtual table subscriber_found using fts5 (text, content = '', detail = none, columnsize = 0, tokenize = 'trigram case_sensitive 1');
create trigger subscriber_found_added after insert on subscriber when new.search is not null
begin
    insert into subscriber_found (rowid, text) values (new.id, new.search);
end;
create trigger subscriber_found_changed after update of search on subscriber when old.search is not new.search
begin
    insert into subscriber_found (subscriber_found, rowid, text) select 'delete', old.id, old.search where old.search is not null;
    insert into subscriber_found (rowid, text) select new.id, new.search where new.search is not null;
end;
create trigger subscriber_found_removed after delete on subscriber when old.search is not null
begin
    insert into subscriber_found (subscriber_found, rowid, text) values ('delete', old.id, old.search);
end;

-- The same of articles: title and byline.
alter table article add column search text;
create index article_unfolded_idx on article (id) where search is null;
create trigger article_search_is_old after update of title, byline on article
    when old.search is not null and new.search is old.search and (new.title <> old.title or new.byline <> old.byline)
begin
    update article set search = null where id = new.id;
end;

-- The readers of a list by how they stand, newest first; those who get it have an index of theirs.
create index subscription_list_id_pending_idx on subscription (list_id, subscriber_id) where state = 'pending';
create index subscription_list_id_left_idx on subscription (list_id, subscriber_id) where state = 'left';
create index subscription_left_idx on subscription (subscriber_id) where state = 'left';

-- How many readers there are, where there are so many that nobody counts them for a page.
create table reader_count (
    single integer primary key check (single = 1),
    confirmed integer not null,
    stopped integer not null,
    pending integer not null,
    counted_at integer not null
) strict;

-- What the team notes about a reader.
create table reader_note (
    id integer primary key autoincrement,
    subscriber_id integer not null references subscriber (id) on delete cascade,
    staff_id integer references staff (id),
    text text not null,
    at integer not null
) strict;
create index reader_note_subscriber_id_idx on reader_note (subscriber_id, id);

-- The letters to an address.
create index notice_address_idx on notice (address, id);

-- Who of the team did what, to whom, and when.
create index audit_log_staff_id_at_idx on audit_log (staff_id, at, id);
create index audit_log_subject_at_idx on audit_log (subject, at, id);
create index audit_log_at_idx on audit_log (at, id);

-- Where a consent came from is kept for as long as the owner says.
create index consent_event_traced_idx on consent_event (at) where ip <> '' or user_agent <> '';

-- What readers ask of us by law: to know what is held, to be forgotten, or that they never signed up.
create table reader_request (
    id integer primary key autoincrement,
    kind text not null check (kind in ('access', 'erasure', 'never-asked')),
    -- As it was written; masked once the request is closed, for it may be the last that is left of a reader.
    address text not null,
    -- What it is kept as, masked or not: whose request it is can be asked of an address, and not be read from here.
    address_hash text not null,
    detail text not null,
    received_at integer not null,
    due_at integer not null,
    outcome text not null default '',
    staff_id integer references staff (id),
    closed_by integer references staff (id),
    closed_at integer
) strict;
create index reader_request_open_idx on reader_request (due_at, id) where closed_at is null;
create index reader_request_address_hash_idx on reader_request (address_hash);
create index reader_request_closed_idx on reader_request (id) where closed_at is not null;

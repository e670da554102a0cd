-- Forms to subscribe: what each asks, offers and says; the fields that the team defined, and what readers answered.

create table form (
    id integer primary key autoincrement,
    -- In its address, for ever. The first one is called main, and stands at /subscribe too.
    slug text not null unique,
    -- What the team calls it.
    name text not null,
    -- The heading and the sentence under it; empty for the usual ones.
    title text not null,
    intro text not null,
    -- The words beside the box; empty for the usual ones, which name the magazine.
    wording text not null,
    -- Every public list, or those of form_list.
    offers text not null check (offers in ('all', 'chosen')),
    -- Kept with the proof of whoever comes by it.
    campaign text not null,
    source text not null,
    -- The sites whose pages may hold it, as origins: one a line.
    sites text not null,
    state text not null check (state in ('open', 'closed')),
    -- Goes up whenever somebody saves it, so that nobody saves over what they did not see.
    changes integer not null default 0
) strict;

insert into form (slug, name, title, intro, wording, offers, campaign, source, sites, state)
values ('main', 'The form on your site', '', '', '', 'all', '', '', '', 'open');

create table form_list (
    form_id integer not null references form (id) on delete cascade,
    list_id integer not null references list (id) on delete cascade,
    primary key (form_id, list_id)
) strict, without rowid;

create table field (
    id integer primary key autoincrement,
    -- In forms of other sites.
    name text not null,
    -- The question.
    label text not null,
    kind text not null check (kind in ('text', 'number', 'date', 'yes-no', 'choice')),
    -- Of a choice: one a line.
    choices text not null,
    -- Nobody sees it from then on; its answers go little by little, and it goes after them.
    removed_at integer
) strict;
create unique index field_name_key on field (name) where removed_at is null;
create index field_removed_at_idx on field (removed_at) where removed_at is not null;

create table form_field (
    form_id integer not null references form (id) on delete cascade,
    field_id integer not null references field (id) on delete cascade,
    place integer not null,
    answer text not null check (answer in ('optional', 'required')),
    primary key (form_id, field_id)
) strict, without rowid;
create index form_field_field_id_idx on form_field (field_id);

-- What a reader answered, as the kind of the field writes it.
create table field_value (
    subscriber_id integer not null references subscriber (id) on delete cascade,
    field_id integer not null references field (id),
    value text not null,
    primary key (subscriber_id, field_id)
) strict, without rowid;
create index field_value_field_id_idx on field_value (field_id);

-- Which words stood beside the box of a form, since when; words that come back are a version of their own.
create table form_wording (
    form_id integer not null references form (id) on delete cascade,
    version integer not null,
    wording_id integer not null references consent_wording (id),
    since integer not null,
    primary key (form_id, version)
) strict, without rowid;

-- How many asked and confirmed by a form on a day; in parts, so that those who come at once do not wait for one row.
create table form_day (
    form_id integer not null references form (id) on delete cascade,
    -- The first moment of the day, in UTC.
    began_at integer not null,
    part integer not null,
    asked integer not null,
    confirmed integer not null,
    primary key (form_id, began_at, part)
) strict, without rowid;
create index form_day_began_at_idx on form_day (began_at);

-- By which form, and for which campaign, somebody asked or confirmed.
alter table consent_event add column form_id integer references form (id);
alter table consent_event add column campaign text not null default '';

-- What was typed for an address beside it, by anybody: nobody's until its addressee confirms, and empty once it was not the same twice.
create table typed (
    subscriber_id integer primary key references subscriber (id) on delete cascade,
    name text not null,
    answers text not null,
    at integer not null
) strict;
create index typed_at_idx on typed (at);
insert into typed (subscriber_id, name, answers, at)
select subscriber_id, case when min(name) = max(name) then min(name) else '' end, '', max(sent_at)
from confirmation_mail where letter like 'confirm:%' group by subscriber_id;
alter table confirmation_mail drop column name;

-- 1 for a mail to somebody who waited: those have a share of their own.
alter table confirmation_mail add column waited integer not null default 0;

-- Who asked in the last hour, by network and for which domain, as keyed hashes; whether a mail went or not, so that the brake tells
-- nothing of addresses.
create table asking (
    id integer primary key autoincrement,
    network text,
    domain text not null,
    -- 1 for who waits for their turn.
    waited integer not null,
    at integer not null
) strict;
create index asking_network_at_idx on asking (network, at);
create index asking_domain_at_idx on asking (domain, at);
create index asking_at_idx on asking (at);

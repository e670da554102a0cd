-- Leaving: by a mail that a mail program writes, why, and a letter of good-bye.

-- Readers leave by mail, too. What is on disk stays as it is (as in 0018).
pragma writable_schema = on;
update sqlite_schema set sql = replace(sql, 'check (method in (''form'', ''confirmation'', ''one-click'',', 'check (method in (''form'', ''confirmation'', ''one-click'', ''mailto'',')
    where type = 'table' and name = 'consent_event';
pragma writable_schema = reset;

-- Why somebody left a list, if they said so: one row a leaving.
create table leaving_reason (
    subscriber_id integer not null references subscriber (id) on delete cascade,
    list_id integer not null references list (id) on delete cascade,
    -- When they left: which leaving it is.
    left_at integer not null,
    reason text not null check (reason in ('too-much', 'not-expected', 'no-time', 'never-asked', 'elsewhere', 'other')),
    -- In their own words; may be empty.
    words text not null,
    at integer not null,
    primary key (subscriber_id, list_id, left_at)
) strict, without rowid;

create index leaving_reason_list_id_at_idx on leaving_reason (list_id, at);
create index leaving_reason_at_idx on leaving_reason (at);

-- When the reader last got a letter of good-bye.
alter table subscriber add column good_bye_at integer;

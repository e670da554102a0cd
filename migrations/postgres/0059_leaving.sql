-- Leaving: by a mail that a mail program writes, why, and a letter of good-bye.

-- Readers leave by mail, too.
alter table consent_event drop constraint consent_event_method_check;
alter table consent_event add constraint consent_event_method_check
    check (method in ('form', 'confirmation', 'one-click', 'mailto', 'unsubscribe-page', 'preferences', 'import', 'staff')) not valid;
alter table consent_event validate constraint consent_event_method_check;

-- Why somebody left a list, if they said so: one row a leaving.
create table leaving_reason (
    subscriber_id bigint not null references subscriber (id) on delete cascade,
    list_id bigint not null references list (id) on delete cascade,
    -- When they left: which leaving it is.
    left_at bigint not null,
    reason text collate "C" not null check (reason in ('too-much', 'not-expected', 'no-time', 'never-asked', 'elsewhere', 'other')),
    -- In their own words; may be empty.
    words text collate "C" not null,
    at bigint not null,
    primary key (subscriber_id, list_id, left_at)
);

create index leaving_reason_list_id_at_idx on leaving_reason (list_id, at);
create index leaving_reason_at_idx on leaving_reason (at);

-- When the reader last got a letter of good-bye.
alter table subscriber add column good_bye_at bigint;

-- Fields that stand in mails, and as whoever changes one saw it.
alter table field add column stands_in text collate "C" not null default 'desk' check (stands_in in ('desk', 'mails'));
-- Goes up whenever somebody changes it.
alter table field add column changes bigint not null default 0;

-- What a file that brought somebody says of their consent, and when that was given: as told, beside our own account of it.
alter table consent_event add column told text collate "C" not null default '';
alter table consent_event add column told_at bigint;

-- An edition that asks its readers whether they want to go on getting its list, and what they say by its button.
alter table edition add column asks_again integer not null default 0 check (asks_again in (0, 1));
-- What is on disk stays as it is (as in 0018).
pragma writable_schema = on;
update sqlite_schema set sql = replace(sql, '''preferences'', ''import'', ''staff''))', '''preferences'', ''import'', ''staff'', ''edition''))')
    where type = 'table' and name = 'consent_event';
pragma writable_schema = reset;
create index consent_event_source_idx on consent_event (source) where method = 'edition';

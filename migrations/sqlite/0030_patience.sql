-- Patience belongs to the domain, as waiting does.

-- Since when it has taken nothing; null while it takes some.
alter table domain_pace add column refused_since integer;
-- The same, later by the time for which nobody asked it: from here on our patience counts.
alter table domain_pace add column patient_since integer;
-- What its servers say, without addresses.
alter table domain_pace add column words text not null default '';

-- Since when the edition goes out without a break: no domain's patience with it began before.
alter table edition add column going_since integer not null default 0;

-- For which editions and domains people were told that nothing is taken.
create table refusal_told (
    edition_id integer not null,
    domain_key text not null,
    told_at integer not null,
    primary key (edition_id, domain_key)
) strict, without rowid;

-- What was approved: the versions that people look at, and copies of a cancelled edition counted apart.

-- How often an article was changed: what a form names, so that nobody overwrites what they did not see.
alter table article add column version integer not null default 1;
-- The version that was in the body when Send was pressed; null before.
alter table edition_article add column approved_version integer;
-- What the body was made of, in one word that pages carry; empty for bodies of an older program.
alter table variant add column fingerprint text not null default '';

-- Cancelled copies leave the tally of those who are not mailed, and get one of their own.
insert into delivery_tally (edition_id, worker_id, state, count)
    select edition_id, 0, 'cancelled', count(*) from delivery
    where state = 'suppressed' and class = 'cancelled' group by edition_id;
insert into delivery_tally (edition_id, worker_id, state, count)
    select edition_id, 0, 'suppressed', -count(*) from delivery
    where state = 'suppressed' and class = 'cancelled' group by edition_id
    on conflict (edition_id, worker_id, state) do update set count = delivery_tally.count + excluded.count;

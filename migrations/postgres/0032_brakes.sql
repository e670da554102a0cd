-- The brakes count copies, know how large a domain is in an edition, and hold what belongs together.

-- How many copies of an edition go to each domain, written with them, so that nothing has to read them for it; and how many of
-- those came back for good.
create table edition_domain (
    edition_id bigint not null,
    name text collate "C" not null,
    copies bigint not null,
    came_back bigint not null default 0,
    primary key (edition_id, name)
);

insert into edition_domain (edition_id, name, copies)
    select edition_id, domain_key, count(*) from delivery group by edition_id, domain_key;

-- The edition among whose failures it is weighed: all that stop mail to a reader, whatever the report names.
alter table bounce add column weighed_with bigint;
update bounce set weighed_with = edition_id where effect = 'bounced' or held;
drop index bounce_held_idx;
drop index bounce_bounced_idx;
create index bounce_weighed_with_idx on bounce (weighed_with, id) where weighed_with is not null;
create index bounce_held_idx on bounce (weighed_with, id) where held;

-- Up to which report somebody saw them and said that their readers are gone.
alter table bounce_mass add column gone_up_to bigint not null default 0;
update bounce_mass set gone_up_to = (select coalesce(max(id), 0) from bounce) where state = 'gone';

-- What stopped an edition by itself, so that going on puts back what failed for it: refusals of us, or any that were too many.
alter table edition add column paused_for text collate "C" not null default '' check (paused_for in ('', 'us', 'refusals'));

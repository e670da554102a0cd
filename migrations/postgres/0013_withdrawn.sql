-- What became of a reader while their copy was on its way, another run of tries, letters in doubt, complaints without a copy.

-- Why a copy that is on its way is not tried again; its class says why the last try failed.
alter table delivery add column withdrawn text collate "C";
update delivery set withdrawn = class where state = 'claimed' and class in ('left', 'bounced', 'complained', 'cancelled');
-- The attempts before staff asked for it to be tried again: `attempt` goes on counting, for it is what a claim is held by.
alter table delivery add column earlier_attempts bigint not null default 0;

-- How often nobody knew whether the mail had arrived.
alter table notice add column doubts bigint not null default 0;
-- What has come to its end holds no links any more.
update notice set context = '' where state in ('accepted', 'failed', 'suppressed') and context <> '';

-- The edition that was going out to the address of a complaint that names no copy: it counts there.
alter table bounce add column counts_for bigint;
create index bounce_counts_for_idx on bounce (counts_for) where counts_for is not null;

-- Links that work once, the brake on mails that ask to confirm, and addresses that staff blocked.

-- The one link of a purpose that works for somebody now. Whatever uses it up or makes it void deletes the row.
create table one_time_link (
    purpose text not null check (purpose in ('invite', 'sign-in', 'set-up')),
    -- Whose it is: the public id of a member of the team, or 'first-owner'.
    subject text not null,
    nonce text not null,
    created_at integer not null,
    primary key (purpose, subject)
) strict, without rowid;

-- Every mail that asked an address to confirm, for a week: the brake counts them.
create table confirmation_mail (
    subscriber_id integer not null references subscriber (id) on delete cascade,
    sent_at integer not null,
    primary key (subscriber_id, sent_at)
) strict, without rowid;

insert into confirmation_mail (subscriber_id, sent_at)
select distinct subscriber_id, confirmation_sent_at from subscription where confirmation_sent_at is not null;

-- When the mail that the brake held back goes out by itself.
alter table subscriber add column confirm_due_at integer;
create index subscriber_confirm_due_at_idx on subscriber (confirm_due_at) where confirm_due_at is not null;

-- What staff typed, masked, so that a blocked address can be recognised; empty for all others.
alter table suppression add column masked text not null default '';

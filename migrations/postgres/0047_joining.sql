-- The brake on mails that ask to confirm counts mailboxes, networks and domains, and what a stranger typed stays with the mail until
-- its addressee presses the button.

-- Keyed hashes: the mailbox, whichever of its spellings was typed; the network that asked; the domain of the address. None of earlier mails.
alter table confirmation_mail add column mailbox text collate "C";
alter table confirmation_mail add column network text collate "C";
alter table confirmation_mail add column domain text collate "C";
-- How many it counts for: three once it came back.
alter table confirmation_mail add column weight bigint not null default 1;
-- The key of its notice.
alter table confirmation_mail add column letter text collate "C" not null default '';
-- The name that was typed with it: the reader's once they confirm by this mail, and nobody's until then.
alter table confirmation_mail add column name text collate "C" not null default '';

create index confirmation_mail_mailbox_sent_at_idx on confirmation_mail (mailbox, sent_at);
create index confirmation_mail_network_sent_at_idx on confirmation_mail (network, sent_at) where network is not null;
create index confirmation_mail_domain_sent_at_idx on confirmation_mail (domain, sent_at) where domain is not null;

-- Names that were typed for addresses which nobody has confirmed yet.
update subscriber set name = '' where name <> ''
    and exists (select 1 from subscription s where s.subscriber_id = subscriber.id and s.state = 'pending')
    and not exists (select 1 from subscription s where s.subscriber_id = subscriber.id and (s.state <> 'pending' or s.confirmed_at is not null))
    and not exists (select 1 from consent_event e where e.subscriber_id = subscriber.id and e.method = 'staff');

-- How many joined on a day, by pressing the button: what is usual.
create table joined_day (
    -- The first moment of the day, in UTC.
    began_at bigint primary key,
    joined bigint not null
);

-- Sign-ups that nobody confirms go, and are found by their age; so do the mails that asked for it.
create index subscription_pending_asked_at_idx on subscription (asked_at) where state = 'pending';
create index notice_asking_finished_at_idx on notice (finished_at) where template = 'confirm_subscription' and finished_at is not null;
-- And whoever goes is found among those who are not mailed, however many those are.
create index suppression_whose_idx on suppression (subscriber_id) where subscriber_id is not null;

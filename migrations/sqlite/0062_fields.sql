-- Fields that stand in mails, and as whoever changes one saw it; forms that are put away; askings by the block of networks;
-- consent that the law implies, and until when; topics that forms offer.
alter table field add column stands_in text not null default 'desk' check (stands_in in ('desk', 'mails'));
-- Goes up whenever somebody changes it.
alter table field add column changes integer not null default 0;

-- Since when a form is put away: nobody sees it but who looks for it. One by which somebody came stays for their proof.
alter table form add column retired_at integer;
create index consent_event_form_id_idx on consent_event (form_id) where form_id is not null;

-- Whether it offers the topics of its lists.
alter table form add column topics text not null default 'no' check (topics in ('no', 'yes'));

-- The /48 that a network of the newer kind of address belongs to, as a keyed hash.
alter table asking add column block text;
create index asking_block_at_idx on asking (block, at) where block is not null;

-- Until when a reader may be mailed on what the law takes for consent, such as that they bought or gave; none where they agreed
-- themselves.
alter table subscription add column implied_until integer;
create index subscription_implied_idx on subscription (list_id, implied_until) where implied_until is not null and state = 'confirmed';

-- Fields that stand in mails, and as whoever changes one saw it; forms that are put away; askings by the block of networks.
alter table field add column stands_in text not null default 'desk' check (stands_in in ('desk', 'mails'));
-- Goes up whenever somebody changes it.
alter table field add column changes integer not null default 0;

-- Since when a form is put away: nobody sees it but who looks for it. One by which somebody came stays for their proof.
alter table form add column retired_at integer;
create index consent_event_form_id_idx on consent_event (form_id) where form_id is not null;

-- The /48 that a network of the newer kind of address belongs to, as a keyed hash.
alter table asking add column block text;
create index asking_block_at_idx on asking (block, at) where block is not null;

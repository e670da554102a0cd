-- How often readers get a list.

-- What its readers may choose among: words with a space between. Empty where it offers no choice.
alter table list add column rhythms text collate "C" not null default '';

-- What a reader chose; none for everything. It counts as long as the list offers it.
alter table subscription add column rhythm text collate "C" check (rhythm in ('each', 'daily', 'weekly', 'monthly'));
create index subscription_list_id_rhythm_idx on subscription (list_id, rhythm, subscriber_id, paused_until, implied_until) where rhythm is not null and state = 'confirmed';

-- Whom it is for beside those who get everything; none for everybody.
alter table edition add column rhythm text collate "C" check (rhythm in ('each', 'daily', 'weekly', 'monthly'));

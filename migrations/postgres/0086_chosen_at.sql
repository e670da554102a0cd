-- When a reader last chose topics or rhythm of a list themselves, or the team for them: what the journal beside the database has from
-- before that counts no more.
alter table subscription add column chosen_at bigint;

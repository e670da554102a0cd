-- How many drafts feeds brought, at a look.
create index article_drafts_of_feeds_idx on article (id) where state = 'draft' and feed_id is not null and deleted_at is null;

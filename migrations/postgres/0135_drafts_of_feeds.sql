-- How many drafts feeds brought, at a look.
create index article_drafts_of_feeds_idx on article (id) where state = 'draft' and feed_id is not null and deleted_at is null;
-- What feeds brought, at the desk: the newest first.
create index article_of_feeds_idx on article (published_at, id) where feed_id is not null and deleted_at is null;

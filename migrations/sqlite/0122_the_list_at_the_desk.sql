-- The list at the desk is narrowed without reading the texts, which lie between what it looks at: SQLite keeps a row in one piece.
create index article_desk_idx on article (published_at, id, search, title, byline, deleted_at) where deleted_at is null;
create index article_state_desk_idx on article (state, published_at, id, search, title, byline, deleted_at) where deleted_at is null;

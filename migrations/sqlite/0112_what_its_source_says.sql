-- What the source of an article says of it since somebody wrote it otherwise here: words as JSON, a hash of them, and since when.
alter table article add column theirs text;
alter table article add column theirs_hash text;
alter table article add column theirs_at integer;

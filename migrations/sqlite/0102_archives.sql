-- Which article is which, however it comes: by what its source calls it, and by where it stands.

-- Its canonical link as it is compared; '' of none. Null of a row that the program has not come to yet, or whose link was changed by
-- somebody who left this as it was.
alter table article add column link_key text;
create index article_link_key_idx on article (link_key) where link_key <> '';
create index article_unkeyed_idx on article (id) where link_key is null;
create trigger article_link_key_is_old after update of canonical_url on article
    when old.link_key is not null and new.link_key is old.link_key and new.canonical_url is not old.canonical_url
begin
    update article set link_key = null where id = new.id;
end;

-- What an archive last said of it, beside what its feed did; null where none has brought it.
alter table article add column archive_hash text;

-- What is not on the magazine's own site any more is shown as such. What is on disk stays as it is (as in 0018).
pragma writable_schema = on;
update sqlite_schema set sql = replace(sql, 'check (state in (''draft'', ''published''))', 'check (state in (''draft'', ''published'', ''withdrawn''))')
    where type = 'table' and name = 'article';
pragma writable_schema = reset;

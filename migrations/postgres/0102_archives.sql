-- Which article is which, however it comes: by what its source calls it, and by where it stands.

-- Its canonical link as it is compared; '' of none. Null of a row that the program has not come to yet, or whose link was changed by
-- somebody who left this as it was.
alter table article add column link_key text collate "C";
create index article_link_key_idx on article (link_key) where link_key <> '';
create index article_unkeyed_idx on article (id) where link_key is null;
create function article_link_key_is_old() returns trigger language plpgsql as $$
begin
    new.link_key := null;
    return new;
end;
$$;
create trigger article_link_key_is_old before update of canonical_url on article for each row
    when (old.link_key is not null and new.link_key is not distinct from old.link_key and new.canonical_url is distinct from old.canonical_url)
    execute function article_link_key_is_old();

-- What an archive last said of it, beside what its feed did; null where none has brought it.
alter table article add column archive_hash text collate "C";

-- What is not on the magazine's own site any more is shown as such.
alter table article drop constraint article_state_check,
    add constraint article_state_check check (state in ('draft', 'published', 'withdrawn'));

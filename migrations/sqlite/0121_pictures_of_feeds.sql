-- Whether the pictures of its articles are copied here, so that readers ask no other site for them; and when those of an article are looked at
-- next, if they wait for that.
alter table feed add column keeps_pictures integer not null default 0 check (keeps_pictures in (0, 1));
alter table article add column pictures_at integer;
create index article_pictures_at_idx on article (pictures_at) where pictures_at is not null;

-- Whether the pictures of its articles are copied here, so that readers ask no other site for them; and when those of an article are looked at
-- next, if they wait for that.
alter table feed add column keeps_pictures boolean not null default false;
alter table article add column pictures_at bigint;
create index article_pictures_at_idx on article (pictures_at) where pictures_at is not null;

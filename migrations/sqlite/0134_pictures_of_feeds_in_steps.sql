-- Behind which of its articles those of a feed are still to be told that somebody wants their pictures here, or does not any more.
alter table feed add column pictures_after integer;
create index feed_pictures_after_idx on feed (id) where pictures_after is not null;

-- What the picture of an article shows, for who does not see it; empty of one that only adorns.
alter table article add column image_alt text collate "C" not null default '';

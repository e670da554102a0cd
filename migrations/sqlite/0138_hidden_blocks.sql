-- A block that stays in the draft and stands in no mail.
alter table edition_article add column hidden integer not null default 0 check (hidden in (0, 1));
alter table edition_block add column hidden integer not null default 0 check (hidden in (0, 1));

-- A block that stays in the draft and stands in no mail.
alter table edition_article add column hidden boolean not null default false;
alter table edition_block add column hidden boolean not null default false;

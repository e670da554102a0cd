-- How often somebody decided something about a feed: who asked it meanwhile keeps nothing that undoes that.
alter table feed add column version bigint not null default 0;

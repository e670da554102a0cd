-- What became of everybody when it was taken back, and what stays of it and why: figures alone, and the names of lists, topics and fields.
alter table import add column undone text collate "C" not null default '';
alter table bulk_act add column undone text collate "C" not null default '';

-- Of a line that came out of an archive: the file in it, and the line of that. "line" goes on counting over all of them.
alter table import_problem add column file text collate "C" not null default '';
alter table import_problem add column file_line bigint not null default 0;

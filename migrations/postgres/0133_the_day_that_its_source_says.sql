-- Which day its source says that an article is of, whatever day it bears here: a file of a folder is known by that.
alter table article add column dated_there bigint;
update article set dated_there = published_at where source_id like 'file:%' and edited_at is null;

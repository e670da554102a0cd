-- The topics of an article stand in the order in which its writer or its source named them; of what was filed before nobody knows it.
alter table article_topic add column place bigint not null default 0;

-- The list at the desk is narrowed without reading the texts: PostgreSQL keeps them apart by itself. SQLite has to be asked.
select 1;

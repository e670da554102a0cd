-- No number is given again, not even that of the newest row once it is deleted: SQLite does so only if asked to, PostgreSQL
-- always. What is on disk stays as it is, so the tables are not written anew; their definitions are changed in place
-- (https://www.sqlite.org/lang_altertable.html, section 7).

-- The first such table makes SQLite's own, where it remembers the last numbers; dropping it makes every connection read the
-- definitions again.
create table number_once (id integer primary key autoincrement) strict;

pragma writable_schema = on;
update sqlite_schema set sql = replace(sql, 'id integer primary key,', 'id integer primary key autoincrement,')
    where type = 'table' and sql like '%(%id integer primary key,%';
pragma writable_schema = reset;

drop table number_once;

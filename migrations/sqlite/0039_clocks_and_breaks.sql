-- By how much the clock of a worker's machine is ahead of the database's, which counts for all of them (microseconds). The one of a
-- file is the machine's own.

alter table worker add column clock_ahead_us integer not null default 0;

-- How often a task broke off that had it in hand, and had not begun it: other tries do not count towards giving it up.

alter table notice add column breaks integer not null default 0;

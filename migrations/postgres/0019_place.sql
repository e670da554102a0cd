-- Where a database runs, and how far it has come: so that a copy, or a restored backup, is known for what it is.

-- The machine and file, or the server and database, at which it last ran.
alter table origin add column place text collate "C" not null default '';
-- Why nothing goes out until somebody decides: it runs at another place, or a file beside it knows more than it does.
alter table origin add column doubt text collate "C" not null default '' check (doubt in ('', 'elsewhere', 'behind'));
alter table origin add column doubt_at bigint;
-- Since when the database is settled here: a word that the files beside it repeat. Those of older words are void.
alter table origin add column epoch text collate "C" not null default '';
-- Before when everything may have been told already, for a backup was restored; and what was said of it then, as JSON.
alter table origin add column restored_at bigint;
alter table origin add column report text collate "C" not null default '';

create table settled_epoch (
    epoch text collate "C" primary key
);

-- How often each worker was given something to send. Only its own feeder touches a row.
create table worker_position (
    public_id text collate "C" primary key,
    worker_id bigint not null,
    claims bigint not null
);

create index worker_position_worker_id_idx on worker_position (worker_id);

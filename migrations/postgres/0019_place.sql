-- Where a database runs, and how far it has come: so that a copy, or a restored backup, is known for what it is.

-- The machine and file, or the server and database, at which it last ran.
alter table origin add column place text collate "C" not null default '';
-- Why nothing goes out until somebody decides: it runs at another place, or a file beside it knows more than it does.
alter table origin add column doubt text collate "C" not null default '' check (doubt in ('', 'elsewhere', 'behind'));
-- When somebody last said that it is a restored backup.
alter table origin add column restored_at bigint;

-- What the file beside the database calls the worker, and how often it was given something to send.
alter table worker add column public_id text collate "C" not null default '';
alter table worker add column claims bigint not null default 0;
create index worker_public_id_idx on worker (public_id);

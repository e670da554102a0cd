-- Who still calls the magazine by a name that it had before, and which secret it was run with.

-- Hosts that the public address had, until somebody confirmed another.
create table former_host (
    host text primary key,
    left_at integer not null
) strict, without rowid;

-- What was called by them since.
create table former_host_call (
    host text not null references former_host (host) on delete cascade,
    -- Links of mails, other pages, the desk, the hook of the payment provider, those of mail services.
    caller text not null,
    calls integer not null,
    last_at integer not null,
    primary key (host, caller)
) strict, without rowid;

-- What tells SECRET from another one; empty before the first start of a program that knows it.
alter table origin add column secret_proof text not null default '';

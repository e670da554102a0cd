-- Who still calls the magazine by a name that it had before, and which secret it was run with.

-- Hosts that the public address had, until somebody confirmed another.
create table former_host (
    host text collate "C" primary key,
    left_at bigint not null
);

-- What was called by them since.
create table former_host_call (
    host text collate "C" not null references former_host (host) on delete cascade,
    -- Links of mails, other pages, the desk, the hook of the payment provider, those of mail services.
    caller text collate "C" not null,
    calls bigint not null,
    last_at bigint not null,
    primary key (host, caller)
);

-- What tells SECRET from another one; empty before the first start of a program that knows it.
alter table origin add column secret_proof text collate "C" not null default '';

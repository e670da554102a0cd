-- What a mail service is given in a second, and how it takes our sign-in, is known to all workers together.

-- Up to when the slots of a mail service were given away, by the database's time; null before the first.
alter table relay_history add column slot_at integer;

-- How a mail service takes a sign-in: a row for each service, user and password.
create table relay_sign_in (
    relay text not null,
    -- Which user and password: a name that tells nothing about them.
    credentials text not null,
    -- When somebody who tried it for all was last let in; null if never, or not since it was refused.
    taken_at integer,
    -- Since when it is refused, and the server's last words; null while it is not.
    refused_since integer,
    words text not null,
    -- How often, one after the other.
    refusals integer not null,
    -- Until then nobody tries it, unless somebody was let in lately.
    next_try_at integer not null,
    -- When owners were last written to about it.
    told_at integer,
    primary key (relay, credentials)
) strict, without rowid;

-- What was refused, where the trouble is a sign-in.
alter table relay_trouble add column credentials text;

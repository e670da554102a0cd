-- What a mail service is given in a second, and how it takes our sign-in, is known to all workers together.

-- Up to when the slots of a mail service were given away, by the database's time; null before the first.
alter table relay_history add column slot_at bigint;

-- How a mail service takes a sign-in: a row for each service, user and password.
create table relay_sign_in (
    relay text collate "C" not null,
    -- Which user and password: a name that tells nothing about them.
    credentials text collate "C" not null,
    -- When somebody who tried it for all was last let in; null if never, or not since it was refused.
    taken_at bigint,
    -- Since when it is refused, and the server's last words; null while it is not.
    refused_since bigint,
    words text collate "C" not null,
    -- How often, one after the other.
    refusals bigint not null,
    -- Until then nobody tries it, unless somebody was let in lately.
    next_try_at bigint not null,
    -- When owners were last written to about it.
    told_at bigint,
    primary key (relay, credentials)
);

-- What was refused, where the trouble is a sign-in.
alter table relay_trouble add column credentials text collate "C";

-- When what everybody shares is used up, people are told.

-- Something that so many may do in a quarter of an hour, whoever they are, and that was used up; a row for each such thing.
create table limit_used_up (
    what text primary key,
    -- From when to when nobody was let through, the last time.
    since integer not null,
    until integer not null,
    -- When owners were last written to about it.
    told_at integer
) strict, without rowid;

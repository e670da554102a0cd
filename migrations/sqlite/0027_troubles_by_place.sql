-- Several processes do the same jobs, and each says for itself how it gets on.

drop table job_trouble;

-- How a job that runs by the clock failed last in one process; no row for one that never did.
create table job_trouble (
    job text not null,
    -- The machine, and which part of the program.
    place text not null,
    -- Since when every try failed, and when one last did.
    since integer not null,
    last_at integer not null,
    -- Whether it broke off where nobody foresaw it, rather than say what was wrong.
    broke_off integer not null check (broke_off in (0, 1)),
    words text not null,
    -- When it worked again; null while it does not.
    well_at integer,
    -- When owners were last written to about it.
    told_at integer,
    primary key (job, place)
) strict, without rowid;

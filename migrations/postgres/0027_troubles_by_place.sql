-- Several processes do the same jobs, and each says for itself how it gets on.

drop table job_trouble;

-- How a job that runs by the clock failed last in one process; no row for one that never did.
create table job_trouble (
    job text collate "C" not null,
    -- The machine, and which part of the program.
    place text collate "C" not null,
    -- Since when every try failed, and when one last did.
    since bigint not null,
    last_at bigint not null,
    -- Whether it broke off where nobody foresaw it, rather than say what was wrong.
    broke_off boolean not null,
    words text collate "C" not null,
    -- When it worked again; null while it does not.
    well_at bigint,
    -- When owners were last written to about it.
    told_at bigint,
    primary key (job, place)
);

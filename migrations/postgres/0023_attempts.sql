-- Everything that is limited is counted in one place, and before it is judged.

drop table sign_in_failure;

-- How often something was tried in a stretch of time that began with the first try. One row for each thing that is limited,
-- however many tries there are.
create table attempt (
    -- A keyed hash of the limit and of whom it holds: no address stands here.
    key text collate "C" primary key,
    counted bigint not null,
    began_at bigint not null,
    -- From here on the row counts for nothing.
    ends_at bigint not null
);

create index attempt_ends_at_idx on attempt (ends_at);

-- What the doctor finds, and which of it people were told.

-- The last look of each process; the same findings that `broadside doctor` prints.
create table doctor_look (
    -- The machine, and which part of the program.
    place text primary key,
    -- The findings as JSON.
    findings text not null,
    looked_at integer not null,
    -- Whether something is bad that was not bad at the look before: it is looked at again before anybody is told.
    again integer not null check (again in (0, 1))
) strict, without rowid;

-- What owners were written to about; it goes once it is well again.
create table doctor_told (
    thing text primary key,
    told_at integer not null
) strict, without rowid;

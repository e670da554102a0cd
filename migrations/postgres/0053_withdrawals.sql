-- Journals of withdrawals beside the database, and up to where each is known to be in it: a backup that is restored takes what is missing from them.
create table withdrawal_journal (
    journal text collate "C" primary key,
    -- The machine and file where it was last written.
    place text collate "C" not null,
    number bigint not null check (number >= 0),
    hash text collate "C" not null,
    -- The moment of that entry.
    at bigint not null
);

-- A backup that was restored, and of which it is not known who left since it was made, is in a doubt of its own.
alter table origin drop constraint origin_doubt_check;
alter table origin add constraint origin_doubt_check check (doubt in ('', 'elsewhere', 'behind', 'forgetful'));

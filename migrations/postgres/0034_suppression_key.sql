-- What tells the secret by which addresses that are not mailed are kept: with another one nobody in that list would be known.
create table suppression_key (
    single bigint primary key check (single = 1),
    proof text collate "C" not null
);

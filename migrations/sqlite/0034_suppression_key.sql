-- What tells the secret by which addresses that are not mailed are kept: with another one nobody in that list would be known.
create table suppression_key (
    id integer primary key check (id = 1),
    proof text not null
) strict;

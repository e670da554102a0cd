-- Who asked for an edition to be approved, as its mail was then, and who else approved it.
create table edition_approval (
    edition_id integer primary key references edition (id) on delete cascade,
    revision integer not null,
    fingerprint text not null,
    asked_by integer not null references staff (id),
    asked_at integer not null,
    approved_by integer references staff (id),
    approved_at integer
) strict, without rowid;

-- Who asked for an edition to be approved, as its mail was then, and who else approved it.
create table edition_approval (
    edition_id bigint primary key references edition (id) on delete cascade,
    revision bigint not null,
    fingerprint text collate "C" not null,
    asked_by bigint not null references staff (id),
    asked_at bigint not null,
    approved_by bigint references staff (id),
    approved_at bigint
);

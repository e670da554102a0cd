-- A comparison of the book with the payment service that waits for its turn or is under way, begun by the clock or asked for at the desk. The
-- row goes with its end; what was found stands in "reconciliation".
create table comparison (
    name text primary key check (name = 'books'),
    asked_at integer not null,
    -- Whether what is missing here is fetched and booked, too.
    mends text not null check (mends in ('yes', 'no')),
    attempts integer not null,
    next_at integer not null,
    last_error text
) strict, without rowid;

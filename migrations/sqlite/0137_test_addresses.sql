-- Mailboxes that the team sends test copies of editions to, beside their own.
create table test_address (
    id integer primary key autoincrement,
    email text not null,
    email_key text not null unique,
    staff_id integer references staff (id),
    added_at integer not null
) strict;

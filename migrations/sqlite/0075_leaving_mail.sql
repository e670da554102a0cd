-- Mails that asked to leave a list and were read, whatever came of it: read again, they take nobody off who came back since.
create table leaving_mail (
    -- The hash of its bytes.
    mail text primary key,
    read_at integer not null
) strict, without rowid;

create index leaving_mail_read_at_idx on leaving_mail (read_at);

-- Keys that sign our mail (DKIM), and what the last look at the sender's DNS found.

-- Made, then active once its record is published, then retired; the record stays published while signed mail is under way.
create table dkim_key (
    id integer primary key,
    domain text not null,
    selector text not null,
    algorithm text not null check (algorithm in ('rsa', 'ed25519')),
    -- PKCS #8, encrypted with a key that comes from the root secret.
    private_key blob not null,
    -- The text of the DNS record at selector._domainkey.domain.
    record text not null,
    created_at integer not null,
    active_at integer,
    retired_at integer,
    unique (domain, selector)
) strict;

-- One row for a domain: the findings of the last look at it, as JSON.
create table dns_check (
    domain text not null primary key,
    findings text not null,
    checked_at integer not null
) strict;

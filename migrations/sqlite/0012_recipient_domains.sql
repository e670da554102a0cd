-- Whose servers take a domain's mail, by its MX records: domains of one provider share a pace.
create table recipient_domain (
    name text primary key,
    -- The provider's own domain; null while it is not known.
    provider text,
    -- When the DNS was last asked; 0 for never.
    looked_at integer not null
) strict, without rowid;
create index recipient_domain_provider_idx on recipient_domain (provider) where provider is not null;
create index recipient_domain_looked_at_idx on recipient_domain (looked_at, name);

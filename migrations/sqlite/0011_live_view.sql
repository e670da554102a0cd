-- Copies that wait for another try: what staff look at while an edition is on its way, and few at most times.
create index delivery_edition_id_domain_key_idx on delivery (edition_id, domain_key, next_at) where state = 'queued' and attempt > 0;

-- The engine paused the edition by itself, and nobody was told yet.
alter table edition add column pause_untold integer not null default 0 check (pause_untold in (0, 1));

-- An edition that asks its readers whether they want to go on getting its list, and what they say by its button.
alter table edition add column asks_again boolean not null default false;
alter table consent_event drop constraint consent_event_method_check;
alter table consent_event add constraint consent_event_method_check
    check (method in ('form', 'confirmation', 'one-click', 'mailto', 'unsubscribe-page', 'preferences', 'import', 'staff', 'edition')) not valid;
alter table consent_event validate constraint consent_event_method_check;
create index consent_event_source_idx on consent_event (source) where method = 'edition';

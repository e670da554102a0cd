-- Somebody was asked whether so many refusals are true: an edition that goes on then is not asked about them again.
alter table edition add column refusals_seen boolean not null default false;

-- Since when a supporter may be named where supporters are thanked in public. Nobody is by default.
alter table donor add column named_since integer;

-- No number is given again: identity columns keep that rule by themselves. SQLite has to be asked.
select 1;

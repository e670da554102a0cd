-- When a journal of this machine was found to be gone, or to end before where it is known: nobody waits for it any more, and the doctor says
-- so for some days.
alter table withdrawal_journal add column lost_at bigint;

-- An automatic email as it was written when it was enqueued, but for its signature: an upgrade between that and its sending changes
-- nothing in it. None where an older program enqueued it: that waits as a template's name and context, and is written when it is
-- sent. It ends with the context, for the links in it open doors.

alter table notice add column message bytea;

-- The class of a copy says why it failed, is not mailed or may have arrived, and nothing else.

-- It was in hand when a task broke off, and may be why: it goes alone. (A check would read every copy there is.)
alter table delivery add column broke_off integer not null default 0;

-- A copy that is still to go has no class. Only such copies are read, however many have come to their end.
update delivery indexed by delivery_edition_id_lane_idx set broke_off = (class = 'broke off'), class = null
    where state = 'queued' and class is not null;
update delivery indexed by delivery_claimed_by_idx set broke_off = (class = 'broke off'), class = null
    where state = 'claimed' and class is not null;

-- Words of earlier versions.
update delivery indexed by delivery_edition_id_class_idx set class = case class
        when 'user unknown' then 'no such mailbox'
        when 'refused by policy' then 'they refused us'
        when 'mailbox full or message too large' then 'mailbox full'
        else 'refused' end
    where state = 'failed' and class not in (
        'refused', 'no such mailbox', 'no such domain', 'moved away', 'takes no mail', 'mailbox full', 'message too large', 'mailbox switched off',
        'they refused us', 'slowed down by the server', 'not reached', 'trouble with a mail server', 'smtputf8 unsupported', 'bad address', 'connection lost', 'not now',
        'no relay', 'exhausted', 'render', 'database', 'stopped', 'broke off', 'no answer', 'worker died',
        'restored', 'suppressed', 'left', 'bounced', 'complained', 'erased', 'staff', 'cancelled');

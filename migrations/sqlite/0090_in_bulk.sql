-- What the team does with many readers at once: to whom, how far it is, and sums.
create table bulk_act (
    id integer primary key autoincrement,
    public_id text not null unique,
    state text not null check (state in ('counting', 'ready', 'running', 'done', 'stopped', 'undoing', 'undone')),
    deed text not null check (deed in ('join', 'take-off', 'choose', 'unchoose', 'pause')),
    -- Who began it.
    staff_id integer references staff (id),
    created_at integer not null,
    changed_at integer not null,
    -- With which list and topic, and for how many weeks.
    list_id integer references list (id) on delete set null,
    topic_id integer references reader_topic (id) on delete set null,
    weeks text check (weeks in ('2', '4', '8')),
    -- Until when they rest, from the press on.
    until integer,
    -- How they agreed, or why it is done.
    why text not null,
    -- To whom: as JSON, empty once nobody is looked for any more; and in words, without what was typed.
    filter text not null,
    whom text not null,
    -- Readers who came later are not meant.
    up_to integer not null,
    -- How far it is: everybody from here on was looked at.
    reached integer not null,
    -- What would become of everybody, and what became of them so far, as JSON.
    expected text not null,
    sums text not null,
    -- Why it does not go on, in words for whoever began it.
    trouble text not null,
    attempts integer not null,
    next_at integer not null,
    last_error text
) strict;

create index bulk_act_staff_id_idx on bulk_act (staff_id);
create index bulk_act_list_id_idx on bulk_act (list_id);
create index bulk_act_topic_id_idx on bulk_act (topic_id);
create index bulk_act_next_at_idx on bulk_act (next_at) where state in ('counting', 'running', 'undoing');
create index bulk_act_changed_at_idx on bulk_act (changed_at);

-- What it changed, for as long as it can be taken back.
create table bulk_change (
    bulk_act_id integer not null references bulk_act (id) on delete cascade,
    subscriber_id integer not null references subscriber (id) on delete cascade,
    list_id integer not null references list (id) on delete cascade,
    -- What was before: how they stood, until when they rested, or that it is about a topic; empty where nothing was.
    was text not null,
    -- The moment that the proof has, too.
    at integer not null,
    primary key (bulk_act_id, subscriber_id, list_id)
) strict, without rowid;

create index bulk_change_subscriber_id_idx on bulk_change (subscriber_id);
create index bulk_change_list_id_idx on bulk_change (list_id);
create index bulk_change_at_idx on bulk_change (at);

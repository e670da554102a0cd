-- Lists of readers that somebody brings in: a file, what is known and said of it, and how far it has come.
create table import (
    id integer primary key autoincrement,
    public_id text not null unique,
    state text not null check (state in ('arriving', 'reading', 'asking', 'counting', 'ready', 'running', 'done', 'stopped', 'undoing', 'undone')),
    -- Who began it; null at the command line.
    staff_id integer references staff (id),
    created_at integer not null,
    changed_at integer not null,
    -- The file's name, and its bytes.
    file text not null,
    size integer not null,
    -- Where those go whose list the file does not name.
    list_id integer references list (id),
    -- On what basis they may be mailed, and where they agreed; empty while nobody has said it.
    basis text not null,
    source text not null,
    makes_lists integer not null check (makes_lists in (0, 1)),
    -- What was said of its columns and words, and what is known of it, as JSON.
    choices text not null,
    survey text not null,
    -- What would become of everybody, and what became of them so far, as JSON.
    expected text not null,
    report text not null,
    -- How far it is: which time it is read, and the line that was taken last.
    pass integer not null,
    line integer not null,
    -- Why it does not go on, in words for whoever began it.
    trouble text not null,
    attempts integer not null,
    next_at integer not null,
    last_error text
) strict;

create index import_staff_id_idx on import (staff_id);
create index import_list_id_idx on import (list_id);
create index import_next_at_idx on import (next_at) where state in ('reading', 'counting', 'running', 'undoing');
create index import_unfinished_idx on import (changed_at) where state in ('arriving', 'reading', 'asking', 'counting', 'ready');

-- The file, piece by piece. It goes when everybody in it was taken, or after a week.
create table import_part (
    import_id integer not null references import (id) on delete cascade,
    number integer not null,
    bytes blob not null,
    kept_at integer not null,
    primary key (import_id, number)
) strict;
create index import_part_kept_at_idx on import_part (kept_at);

-- Its lines that are not taken, and why.
create table import_problem (
    import_id integer not null references import (id) on delete cascade,
    line integer not null,
    why text not null,
    found_at integer not null,
    primary key (import_id, line)
) strict, without rowid;
create index import_problem_found_at_idx on import_problem (found_at);

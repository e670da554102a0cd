-- What is over goes, and is found by its age; and a job that does not work is known after a restart, too.

create index staff_session_created_at_idx on staff_session (created_at);
create index used_token_used_at_idx on used_token (used_at);
create index sign_in_failure_at_idx on sign_in_failure (at);
create index confirmation_mail_sent_at_idx on confirmation_mail (sent_at);
create index notice_finished_at_idx on notice (finished_at) where finished_at is not null;
create index bounce_received_at_idx on bounce (received_at);
create index worker_stopped_at_idx on worker (stopped_at);
create index provider_call_checkout_idx on provider_call (finished_at) where operation = 'checkout' and finished_at is not null;

-- How a job that runs by the clock failed last; no row for one that never did.
create table job_trouble (
    job text collate "C" primary key,
    -- Since when every try failed, and when one last did.
    since bigint not null,
    last_at bigint not null,
    -- Whether it broke off where nobody foresaw it, rather than say what was wrong.
    broke_off boolean not null,
    words text collate "C" not null,
    -- When it worked again; null while it does not.
    well_at bigint,
    -- When owners were last written to about it.
    told_at bigint
);

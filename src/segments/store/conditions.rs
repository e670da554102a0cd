//! What is asked of a reader, condition by condition. Each is a statement by itself, so that the check of all statements prepares it on
//! both engines; what stands behind [`READER`] is a piece of others (`compile.rs`). It looks at the rows of one reader, `r`, by an
//! index, and at nobody else's. What it says may be null; whoever puts it into a statement takes that for false.

use crate::statements;

/// How each of them begins.
pub const READER: &str = "select r.id from subscriber r where ";

statements! {
    /// Of a JSON array of readers: whoever goes on says which.
    pub(crate) AMONG = sqlite "select r.id from subscriber r where r.id in (select value from json_each($1))",
        postgres "select r.id from subscriber r where r.id in (select value::bigint from json_array_elements_text(cast($1 as json)))";
    pub(crate) HOW_MANY_AMONG = sqlite "select count(*) from subscriber r where r.id in (select value from json_each($1))",
        postgres "select count(*) from subscriber r where r.id in (select value::bigint from json_array_elements_text(cast($1 as json)))";
    /// Of a list, or of any where it is 0; so below.
    pub(crate) ON = "select r.id from subscriber r where exists (select 1 from subscription s
        where s.subscriber_id = r.id and ($1 = 0 or s.list_id = $1) and s.state = 'confirmed')";
    pub(crate) RESTS = "select r.id from subscriber r where exists (select 1 from subscription s
        where s.subscriber_id = r.id and ($1 = 0 or s.list_id = $1) and s.state = 'confirmed' and s.paused_until > $2)";
    pub(crate) WAITS = "select r.id from subscriber r where exists (select 1 from subscription s
        where s.subscriber_id = r.id and ($1 = 0 or s.list_id = $1) and s.state = 'pending')";
    pub(crate) HAS_LEFT = "select r.id from subscriber r where exists (select 1 from subscription s
        where s.subscriber_id = r.id and ($1 = 0 or s.list_id = $1) and s.state = 'left')";
    /// A topic that was merged is the one that took its place.
    pub(crate) CHOSE_TOPIC = "select r.id from subscriber r where exists (select 1 from subscription_topic c
        where c.subscriber_id = r.id and ($2 = 0 or c.list_id = $2)
            and c.topic_id = (select coalesce(t.merged_into, t.id) from reader_topic t where t.id = $1))";
    /// What a list does not offer any more counts for nobody.
    pub(crate) HAS_RHYTHM = "select r.id from subscriber r where exists (select 1 from subscription s join list l on l.id = s.list_id
        where s.subscriber_id = r.id and ($1 = 0 or s.list_id = $1) and s.state = 'confirmed'
            and coalesce(case when ' ' || l.rhythms || ' ' like '% ' || s.rhythm || ' %' then s.rhythm end, '') = $2)";
    pub(crate) ANSWERED = "select r.id from subscriber r where exists (select 1 from field_value v
        where v.subscriber_id = r.id and v.field_id = $1 and v.value <> '')";
    pub(crate) ANSWER_IS = "select r.id from subscriber r where exists (select 1 from field_value v
        where v.subscriber_id = r.id and v.field_id = $1 and lower(v.value) = $2)";
    pub(crate) ANSWER_HOLDS = sqlite "select r.id from subscriber r where exists (select 1 from field_value v
        where v.subscriber_id = r.id and v.field_id = $1 and instr(lower(v.value), $2) > 0)",
        postgres "select r.id from subscriber r where exists (select 1 from field_value v
        where v.subscriber_id = r.id and v.field_id = $1 and strpos(lower(v.value), $2) > 0)";
    /// A choice, or yes or no.
    pub(crate) CHOSE_ANSWER = "select r.id from subscriber r where exists (select 1 from field_value v
        where v.subscriber_id = r.id and v.field_id = $1 and v.value = $2)";
    /// In hundredths. What is no number is none.
    pub(crate) NUMBER_BETWEEN = sqlite "select r.id from subscriber r where (select case when v.value glob '*[0-9]*' and v.value not glob '*[^-.0-9]*'
            then cast(round(cast(v.value as real) * 100) as integer) end
        from field_value v where v.subscriber_id = r.id and v.field_id = $1) between $2 and $3",
        postgres "select r.id from subscriber r where (select case when v.value ~ '^-?[0-9]{1,12}([.][0-9]{1,2})?$'
            then cast(cast(v.value as numeric) * 100 as bigint) end
        from field_value v where v.subscriber_id = r.id and v.field_id = $1) between $2 and $3";
    pub(crate) DATE_BETWEEN = "select r.id from subscriber r where (select v.value
        from field_value v where v.subscriber_id = r.id and v.field_id = $1) between $2 and $3";
    pub(crate) JOINED_BETWEEN = "select r.id from subscriber r where r.created_at between $1 and $2";
    pub(crate) CAME_BY_FORM = "select r.id from subscriber r where exists (select 1 from consent_event e
        where e.subscriber_id = r.id and e.form_id = $1)";
    pub(crate) CONFIRMED_AGAIN_BETWEEN = "select r.id from subscriber r where exists (select 1 from consent_event e
        where e.subscriber_id = r.id and ($1 = 0 or e.list_id = $1) and e.method = 'edition' and e.at between $2 and $3)";
    /// By the button of an edition, which the proof calls by its public id.
    pub(crate) CONFIRMED_BY = "select r.id from subscriber r where exists (select 1 from edition b join consent_event e on e.subscriber_id = r.id
        where b.id = $1 and e.method = 'edition' and substr(e.source, 9) = b.public_id)";
    pub(crate) CAME_FROM = "select r.id from subscriber r where exists (select 1 from consent_event e
        where e.subscriber_id = r.id and (lower(e.source) = $1 or lower(e.campaign) = $1))";
    pub(crate) AT_DOMAIN = sqlite "select r.id from subscriber r where substr(r.email_key, -1 - length($1)) = '@' || $1",
        postgres "select r.id from subscriber r where right(r.email_key, 1 + length(cast($1 as text))) = '@' || cast($1 as text)";
    /// For a reason, or for any where it is empty.
    pub(crate) STOPPED = "select r.id from subscriber r where exists (select 1 from suppression p
        where p.subscriber_id = r.id and p.lifted_at is null and ($1 = '' or p.reason = $1))";
    pub(crate) GOT = "select r.id from subscriber r where exists (select 1 from delivery v
        where v.edition_id = $1 and v.subscriber_id = r.id and (v.state in ('accepted', 'unknown') or v.maybe_duplicate))";
    pub(crate) LAST_MAIL_BETWEEN = "select r.id from subscriber r where (select max(v.updated_at) from delivery v
        where v.subscriber_id = r.id and v.state = 'accepted') between $1 and $2";
    pub(crate) IS_SUPPORTER = "select r.id from subscriber r where coalesce((select d.state from donor_state d where d.subscriber_id = r.id), 'never') = $1";
    pub(crate) LAST_GAVE_BETWEEN = "select r.id from subscriber r where (select d.last_gift_at from donor_state d where d.subscriber_id = r.id) between $1 and $2";
    /// Of gifts in a currency, or in any where it is empty, paid between two moments: under the address that a reader's gifts are known
    /// by, and under those that they gave under before they moved. The addresses come first (SQLite takes a cross join in its order), and
    /// the sign keeps it from the index by moments: either way it would read the gifts of everybody for each reader.
    pub(crate) GAVE_SUM = "select r.id from subscriber r where coalesce((select cast(sum(g.amount_minor - (coalesce((select cast(sum(b.amount_minor) as bigint) from refund b where b.donation_id = g.id and b.state not in ('canceled', 'failed')), 0)
                + coalesce((select cast(sum(b.amount_minor) as bigint) from dispute b where b.donation_id = g.id
                    and b.state in ('needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review', 'lost', 'prevented')), 0))) as bigint) from (
                select coalesce(r.gives_as, r.email_key) as address where r.gives_as is not null or not exists (select 1 from subscriber m where m.gives_as = r.email_key)
                union select f.gave_as from former_address f where f.subscriber_id = r.id and f.gave_as is not null
                    and not exists (select 1 from subscriber o where o.id <> r.id and (o.email_key = f.gave_as or o.gives_as = f.gave_as))) a
            cross join donor d cross join donation g
            where d.email_key = a.address and g.donor_id = d.id and g.state = 'paid' and ($1 = '' or g.currency = $1) and +g.paid_at between $2 and $3), 0) between $4 and $5";
    pub(crate) GAVE_TIMES = "select r.id from subscriber r where (select count(*) from (
                select coalesce(r.gives_as, r.email_key) as address where r.gives_as is not null or not exists (select 1 from subscriber m where m.gives_as = r.email_key)
                union select f.gave_as from former_address f where f.subscriber_id = r.id and f.gave_as is not null
                    and not exists (select 1 from subscriber o where o.id <> r.id and (o.email_key = f.gave_as or o.gives_as = f.gave_as))) a
            cross join donor d cross join donation g
            where d.email_key = a.address and g.donor_id = d.id and g.state = 'paid' and ($1 = '' or g.currency = $1) and +g.paid_at between $2 and $3 and (g.amount_minor - (coalesce((select cast(sum(b.amount_minor) as bigint) from refund b where b.donation_id = g.id and b.state not in ('canceled', 'failed')), 0)
                + coalesce((select cast(sum(b.amount_minor) as bigint) from dispute b where b.donation_id = g.id
                    and b.state in ('needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review', 'lost', 'prevented')), 0))) > 0) between $4 and $5";
    pub(crate) GAVE_ONE = "select r.id from subscriber r where exists (select 1 from (
                select coalesce(r.gives_as, r.email_key) as address where r.gives_as is not null or not exists (select 1 from subscriber m where m.gives_as = r.email_key)
                union select f.gave_as from former_address f where f.subscriber_id = r.id and f.gave_as is not null
                    and not exists (select 1 from subscriber o where o.id <> r.id and (o.email_key = f.gave_as or o.gives_as = f.gave_as))) a
            cross join donor d cross join donation g
            where d.email_key = a.address and g.donor_id = d.id and g.state = 'paid' and ($1 = '' or g.currency = $1) and +g.paid_at between $2 and $3 and (g.amount_minor - (coalesce((select cast(sum(b.amount_minor) as bigint) from refund b where b.donation_id = g.id and b.state not in ('canceled', 'failed')), 0)
                + coalesce((select cast(sum(b.amount_minor) as bigint) from dispute b where b.donation_id = g.id
                    and b.state in ('needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review', 'lost', 'prevented')), 0))) between $4 and $5)";
    /// Under one of those addresses: they said so, or a gift of theirs is in dispute.
    pub(crate) NEVER_ASKED = "select r.id from subscriber r where exists (select 1 from (
                select coalesce(r.gives_as, r.email_key) as address where r.gives_as is not null or not exists (select 1 from subscriber m where m.gives_as = r.email_key)
                union all select f.gave_as from former_address f where f.subscriber_id = r.id and f.gave_as is not null
                    and not exists (select 1 from subscriber o where o.id <> r.id and (o.email_key = f.gave_as or o.gives_as = f.gave_as))) a
            cross join donor d where d.email_key = a.address and (d.never_ask_since is not null
                or exists (select 1 from donation g join dispute x on x.donation_id = g.id where g.donor_id = d.id
                    and x.state in ('needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review'))))";
    pub(crate) NOTED = sqlite "select r.id from subscriber r where exists (select 1 from reader_note n
        where n.subscriber_id = r.id and instr(lower(n.text), $1) > 0)",
        postgres "select r.id from subscriber r where exists (select 1 from reader_note n
        where n.subscriber_id = r.id and strpos(lower(n.text), $1) > 0)";
}

-- Gifts are found by who gave them, by card, amount and day, the newest first.

-- The words of a supporter's name and address, as they are looked for.
create table donor_word (
    word text not null,
    donor_id integer not null references donor (id),
    primary key (word, donor_id)
) strict, without rowid;

create index donor_word_donor_id_idx on donor_word (donor_id);

-- Whether the words stand there; the program writes them, for the database knows the small letters of English alone.
alter table donor add column worded integer not null default 0;
create index donor_unworded_idx on donor (id) where worded = 0;

create trigger donor_reworded after update of email, name on donor
    when new.email <> old.email or new.name <> old.name
begin
    delete from donor_word where donor_id = new.id;
    update donor set worded = 0 where id = new.id;
end;

-- Since when somebody does not want to be asked for gifts.
alter table donor add column never_ask_since integer;

-- What the card says on its front, for whoever telephones: its kind and last four figures.
alter table donation add column card_brand text not null default '';
alter table donation add column card_last4 text not null default '';

create index donation_at_idx on donation (coalesce(paid_at, created_at), id);
-- Most are paid: those are found by what else is asked.
create index donation_state_at_idx on donation (state, coalesce(paid_at, created_at), id) where state <> 'paid';
create index donation_amount_at_idx on donation (amount_minor, coalesce(paid_at, created_at), id);
create index donation_card_at_idx on donation (card_last4, coalesce(paid_at, created_at), id) where card_last4 <> '';
-- Sums of a span of time read this alone.
create index donation_sums_idx on donation (paid_at, kind, currency, amount_minor) where state = 'paid';

-- What the team notes about a gift.
create table donation_note (
    id integer primary key autoincrement,
    donation_id integer not null references donation (id),
    staff_id integer references staff (id),
    text text not null,
    at integer not null
) strict;

create index donation_note_donation_id_idx on donation_note (donation_id);
create index donation_note_staff_id_idx on donation_note (staff_id);

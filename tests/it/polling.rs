//! The provider's own list of events: of any length, a page at a time, and told to stop at any of them.

use std::time::Duration;

use broadside::{
    clock::Moment,
    donations,
    payments::{MOST_KINDS_AT_ONCE, event_kinds},
    queue,
    site::Site,
    token,
};

use crate::{
    donating::{BUYER, House},
    support::{
        both_engines,
        database::rows,
        provider::{Fault, Faulty},
    },
};

const DAY: Duration = Duration::from_secs(86_400);

/// The names of the cursors of all lists of kinds.
fn cursors() -> impl Iterator<Item = String> {
    let kinds = event_kinds();
    let names: Vec<String> =
        kinds.chunks(MOST_KINDS_AT_ONCE).map(|list| token::short_name(&list.join(" "))).collect();
    names.into_iter().map(|name| format!("provider-events:{name}"))
}

/// A round ended there, in the middle of each list.
async fn stands_at(house: &House, place: &str) {
    let mut tx = house.site.db.begin().await.expect("a transaction");
    for cursor in cursors() {
        let name = format!("{cursor}:unfinished");
        queue::set_cursor(&mut tx, &name, place, house.site.now()).await.expect("a cursor");
    }
    tx.commit().await.expect("a commit");
}

/// How many pages of three all lists have, each of which has one at least.
fn pages_of_three(house: &House) -> usize {
    let events = house.stripe().events();
    let of = |kinds: &[&str]| {
        events.iter().filter(|event| kinds.iter().any(|kind| event["type"] == **kind)).count()
    };
    event_kinds().chunks(MOST_KINDS_AT_ONCE).map(|kinds| of(kinds).div_ceil(3).max(1)).sum()
}

/// How far each list was read.
async fn read_until(house: &House) -> Vec<Option<Moment>> {
    let mut until = Vec::new();
    for cursor in cursors() {
        let value = queue::read_cursor(&house.site.db, &cursor).await.expect("a cursor");
        until.push(value.map(|value| Moment(value.parse().expect("a moment"))));
    }
    until
}

both_engines! {
    /// TRUST D1, D3: a process that is killed between two pages of the list loses no event and books none twice; what it has
    /// stored is not asked for again, and what happened meanwhile is found as well.
    async fn a_long_list_is_read_page_by_page_and_gone_on_with_after_a_kill(house: House) {
        house.stripe().hold_events();
        for _ in 0..12 {
            let gift = house.give("once", "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
            // Nobody begins so many in an hour of which nothing is heard.
            house.advance(Duration::from_secs(600));
        }
        let provider = Faulty::new(house.provider.clone(), 3);
        let whole = pages_of_three(&house);
        assert!(whole > 5, "{whole} pages");
        let known = async || rows::<(String,)>(&house.site.db, "select event_id from provider_event order by 1").await;

        provider.set(Fault::HangsAt(4));
        let killed = tokio::spawn({
            let (site, provider) = (Site { db: house.db.open_again().await, ..house.site.clone() }, provider.clone());
            async move { donations::poll_provider(&site, provider.as_ref()).await }
        });
        provider.hangs().await;
        killed.abort();
        assert!(killed.await.is_err_and(|error| error.is_cancelled()));
        let stored = known().await.len();
        assert!(stored > 0, "the pages that came are stored");
        donations::process_inbox(&house.site, provider.as_ref()).await.expect("a round of work");

        let late = house.give("once", "15").await;
        house.stripe().pay(&late.session, BUYER).expect("a payment");
        provider.set(Fault::Nothing);
        donations::poll_provider(&house.site, provider.as_ref()).await.expect("the rest of the list");
        // Of lists that were not begun the late gift is a page more at most.
        let asked = provider.pages();
        assert!((whole + 1..=whole + cursors().count()).contains(&asked), "only the page that never came is asked for again: {asked}");
        donations::poll_provider(&house.site, provider.as_ref()).await.expect("what came since");
        donations::process_inbox(&house.site, provider.as_ref()).await.expect("a round of work");
        assert_eq!(house.sums().await, (13, 13 * 1_500));
        assert_eq!(house.mails().await, 13, "a receipt for each gift");
        assert!(known().await.len() > stored);
        assert_eq!(donations::poll_provider(&house.site, provider.as_ref()).await.expect("a list"), 0);
    }

    /// An event over which the program breaks off each time keeps none behind it from being booked, and is tried again.
    async fn an_event_that_breaks_off_holds_up_no_other(house: House) {
        let provider = Faulty::new(house.provider.clone(), 100);
        house.stripe().hold_events();
        let first = house.give("once", "15").await;
        house.stripe().pay(&first.session, BUYER).expect("a payment");
        let second = house.give("once", "15").await;
        house.stripe().pay(&second.session, BUYER).expect("a payment");
        donations::poll_provider(&house.site, provider.as_ref()).await.expect("the list");
        provider.poison(&first.session);
        donations::process_inbox(&house.site, provider.as_ref()).await.expect("it is that event's failure, and no job's");
        assert_eq!(house.sums().await, (2, 3_000), "all the others are worked on");
        let why = "select coalesce(last_error, '') from provider_event where state = 'new'";
        let waits = rows::<(String,)>(&house.site.db, why).await;
        assert!(waits.len() == 1 && waits[0].0.contains("it broke off"), "{waits:?}");
        provider.poison("");
        house.site.clock.advance(std::time::Duration::from_secs(60));
        donations::process_inbox(&house.site, provider.as_ref()).await.expect("a round of work");
        assert_eq!(rows::<(String,)>(&house.site.db, why).await, []);
        assert_eq!(house.sums().await, (2, 3_000));
    }

    /// What the provider has forgotten meanwhile is no place to go on from, with whatever words it says so: the list is read
    /// from its beginning.
    async fn a_list_that_cannot_be_gone_on_with_is_begun_again(house: House) {
        house.stripe().hold_events();
        let gift = house.give("once", "15").await;
        house.stripe().pay(&gift.session, BUYER).expect("a payment");
        stands_at(&house, "1 evt_long_gone").await;
        donations::poll_provider(&house.site, house.provider.as_ref()).await.expect("the whole list");
        donations::process_inbox(&house.site, house.provider.as_ref()).await.expect("a round of work");
        assert_eq!(house.sums().await, (1, 1_500));

        let provider = Faulty::new(house.provider.clone(), 100);
        provider.set(Fault::RefusesToGoOn);
        stands_at(&house, "1 evt_long_gone").await;
        donations::poll_provider(&house.site, provider.as_ref()).await.expect("the whole list");
        let left = rows::<(i64,)>(&house.site.db, "select count(*) from sync_cursor where name like '%:unfinished'").await;
        assert_eq!(left, [(0,)]);
    }

    /// TRUST D3: after three weeks away the list is read from its oldest day on, and each day that was read moves the cursor: what
    /// fails later costs nothing that came before.
    async fn after_an_outage_the_oldest_day_comes_first_and_stays(house: House) {
        house.stripe().hold_events();
        donations::poll_provider(&house.site, house.provider.as_ref()).await.expect("a list");
        let first = house.give("once", "15").await;
        house.stripe().pay(&first.session, BUYER).expect("a payment");
        donations::poll_provider(&house.site, house.provider.as_ref()).await.expect("a list");
        let before = read_until(&house).await;
        for _ in 0..3 {
            house.site.clock.advance(7 * DAY);
            let gift = house.give("once", "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
        }
        let provider = Faulty::new(house.provider.clone(), 100);
        let lists = before.len();
        provider.set(Fault::HangsAt(10));
        let away = tokio::spawn({
            let (site, provider) = (Site { db: house.db.open_again().await, ..house.site.clone() }, provider.clone());
            async move { donations::poll_provider(&site, provider.as_ref()).await }
        });
        provider.hangs().await;
        away.abort();
        assert!(away.await.is_err_and(|error| error.is_cancelled()));
        let moved = read_until(&house).await[0].zip(before[0]).map(|(now, then)| now.since(then));
        assert!(moved.is_some_and(|moved| moved > 7 * DAY && moved < 10 * DAY), "{moved:?}");
        let order = "select object_id from provider_event where type = 'checkout.session.completed' order by next_at, created_at";
        assert_eq!(rows::<(String,)>(&house.site.db, order).await.len(), 2, "the first week is there");

        provider.set(Fault::Nothing);
        let asked = provider.pages();
        donations::poll_provider(&house.site, provider.as_ref()).await.expect("the rest");
        assert!(provider.pages() - asked <= 24 * lists, "{} pages more", provider.pages() - asked);
        donations::process_inbox(&house.site, provider.as_ref()).await.expect("a round of work");
        assert_eq!(house.sums().await, (4, 4 * 1_500));
        let asked = provider.pages();
        donations::poll_provider(&house.site, provider.as_ref()).await.expect("nothing new");
        assert_eq!(provider.pages() - asked, lists, "and a day later it is one page a list again");
    }

    /// An account that is shared with a shop: what does not concern us is not even asked for.
    async fn only_the_kinds_that_concern_us_are_asked_for(house: House) {
        house.stripe().hold_events();
        let gift = house.give("once", "15").await;
        house.stripe().pay(&gift.session, BUYER).expect("a payment");
        let kinds = event_kinds();
        let theirs = house.stripe().events();
        let ours = theirs.iter().filter(|event| kinds.iter().any(|kind| event["type"] == **kind)).count();
        assert!(ours < theirs.len(), "the sandbox tells of other things, too");
        let provider = Faulty::new(house.provider.clone(), 1);
        let new = donations::poll_provider(&house.site, provider.as_ref()).await.expect("the list");
        assert_eq!(usize::try_from(new), Ok(ours));
        let asked = provider.pages();
        assert!(asked <= ours + cursors().count(), "a page for each, and none for others: {asked}");
        donations::process_inbox(&house.site, provider.as_ref()).await.expect("a round of work");
    }
}

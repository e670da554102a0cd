//! The provider's own list of events: of any length, a page at a time, and told to stop at any of them.

use broadside::{donations, site::Site};

use crate::{
    donating::{BUYER, House},
    support::{
        both_engines,
        database::rows,
        provider::{Fault, Faulty},
    },
};

both_engines! {
    /// TRUST D1, D3: a process that is killed between two pages of the list loses no event and books none twice; what it has
    /// stored is not asked for again, and what happened meanwhile is found as well.
    async fn a_long_list_is_read_page_by_page_and_gone_on_with_after_a_kill(house: House) {
        house.stripe().hold_events();
        for _ in 0..6 {
            let gift = house.give("once", "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
        }
        let provider = Faulty::new(house.provider.clone(), 3);
        let whole = house.stripe().events().len().div_ceil(3);
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
        assert_eq!(provider.pages(), whole + 1, "only the page that never came is asked for again");
        donations::poll_provider(&house.site, provider.as_ref()).await.expect("what came since");
        donations::process_inbox(&house.site, provider.as_ref()).await.expect("a round of work");
        assert_eq!(house.sums().await, (7, 7 * 1_500));
        assert_eq!(house.mails().await, 7, "a receipt for each gift");
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
        let place = "insert into sync_cursor (name, value, updated_at) values ('provider-events-unfinished', '1 evt_long_gone', 0)";
        crate::support::database::change(&house.site.db, place).await;
        donations::poll_provider(&house.site, house.provider.as_ref()).await.expect("the whole list");
        donations::process_inbox(&house.site, house.provider.as_ref()).await.expect("a round of work");
        assert_eq!(house.sums().await, (1, 1_500));

        let provider = Faulty::new(house.provider.clone(), 100);
        provider.set(Fault::RefusesToGoOn);
        crate::support::database::change(&house.site.db, place).await;
        donations::poll_provider(&house.site, provider.as_ref()).await.expect("the whole list");
        let left = rows::<(i64,)>(&house.site.db, "select count(*) from sync_cursor where name = 'provider-events-unfinished'").await;
        assert_eq!(left, [(0,)]);
    }
}

//! Nobody tests cards here (TRUST A26), and honest people are in nobody's way: how often gifts may be begun, what happens when many
//! cards are declined, who gives twice, and what the form to give remembers of what was typed.

use std::{net::IpAddr, time::Duration};

use broadside::{
    donations::{self, GiftError, GiftRequest, Giver, Proof, StartedGift},
    network::Network,
    payments::Every,
    settings::Settings,
    staff,
    subscribers::machines,
    token,
};
use futures_util::{StreamExt as _, stream};
use reqwest::{Method, StatusCode, header};

use crate::support::{
    TestApp,
    app::OWNER,
    both_engines,
    database::{change, rows},
    visitor::Form,
};

const ANN: &str = "ann@example.org";
const HOUR: Duration = Duration::from_secs(3_600);

fn network(number: usize) -> Network {
    let [.., second, third] = number.to_be_bytes();
    Network::of(IpAddr::from([198, 18, second, third])).expect("a public address")
}

/// Begins a gift, as the form does.
async fn begin(app: &TestApp, giver: Giver<'_>, email: &str) -> Result<StartedGift, GiftError> {
    let settings = Settings::load(&app.site.db).await.expect("settings");
    let gift = token::public_id();
    let (amount, every) = ("15", Every::Once);
    let (name, back, edition_token) = ("", "/donate", None);
    let request =
        GiftRequest { amount, every, email, name, giver, gift: &gift, back, edition_token, article: None };
    donations::start_gift(&app.site, app.payments.provider.as_ref(), &settings, &request).await
}

fn session(gift: &StartedGift) -> &str {
    gift.checkout_url.rsplit('/').next().expect("a session")
}

/// What a browser finds out that is asked for some work.
fn work(challenge: &str) -> String {
    let numbers = (0_u64..).map(|at| at.to_string());
    numbers.into_iter().find(|answer| machines::answers(challenge, answer)).expect("there is one")
}

/// Somebody at that address tries cards until the page is closed to strangers: how many were declined, and how many pages asked for work.
async fn try_cards(app: &TestApp) -> (usize, usize) {
    let (mut declined, mut asked) = (0, 0);
    for at in 0..1_000 {
        let (from, email) = (Some(network(at)), format!("card{at}@example.com"));
        let mut begun = begin(app, Giver { from, ..Giver::default() }, &email).await;
        if matches!(begun, Err(GiftError::Work)) {
            asked += 1;
            let challenge = machines::challenge(&app.site);
            let answer = work(&challenge);
            let proof = Proof::Worked(&challenge, &answer);
            begun = begin(app, Giver { from, proof, ..Giver::default() }, &email).await;
        }
        match begun {
            Ok(gift) => {
                app.sandbox.stripe().decline(session(&gift), &email).expect("the session is open");
                app.hear_the_provider().await;
                declined += 1;
            }
            Err(GiftError::Closed(_)) => break,
            Err(other) => panic!("{at}: {other:?}"),
        }
    }
    (declined, asked)
}

/// The form to give, filled in.
async fn filled(app: &TestApp, path: &str) -> Form {
    let form = app.visitor().open(path).await.form("/donate");
    form.with("own_amount", "15").with("email", ANN)
}

async fn attempts(app: &TestApp) -> Vec<(String, String)> {
    rows(&app.site.db, "select outcome, decline_code from payment_attempt order by id").await
}

/// Cards of strangers that were declined just now.
async fn some_declined(app: &TestApp, number: u32) {
    let now = app.site.now().0;
    let insert = format!(
        "insert into payment_attempt (provider_ref, outcome, decline_code, at)
            with recursive n(i) as (select 1 union all select i + 1 from n where i < {number})
            select 'evt-' || i, 'declined', '', {now} from n"
    );
    change(&app.site.db, insert.leak()).await;
}

both_engines! {
    /// TRUST A26: a thousand tries from one network, all at once: ten payment pages at most, and others give meanwhile. Whoever pays
    /// counts for nothing, so a room that gives is in nobody's way.
    async fn a_thousand_tries_from_one_network_open_ten_pages(app: TestApp) {
        let from = Some(network(1));
        let tries = stream::iter(0..1_000).map(|at| {
            let app = app.clone();
            async move { begin(&app, Giver { from, ..Giver::default() }, &format!("card{at}@example.com")).await }
        });
        let outcomes: Vec<_> = tries.buffer_unordered(50).collect().await;
        let begun: Vec<&StartedGift> = outcomes.iter().filter_map(|one| one.as_ref().ok()).collect();
        assert_eq!(begun.len(), 10);
        assert_eq!(app.sandbox.stripe().sessions().len(), 10);
        assert!(outcomes.iter().filter_map(|one| one.as_ref().err()).all(|one| matches!(one, GiftError::TooMany(wait) if *wait <= HOUR)));
        begin(&app, Giver { from: Some(network(2)), ..Giver::default() }, ANN).await.expect("another network");

        let stripe = app.sandbox.stripe();
        stripe.pay(session(begun[0]), "paid@example.com").expect("the session is open");
        app.drain().await;
        begin(&app, Giver { from, ..Giver::default() }, ANN).await.expect("one of them was paid");
        assert!(begin(&app, Giver { from, ..Giver::default() }, ANN).await.is_err());
        app.advance(HOUR);
        begin(&app, Giver { from, ..Giver::default() }, ANN).await.expect("an hour later");
        app.leaves_work();
    }

    /// TRUST A26: tries from a thousand networks, each of which does the work that it is asked for: closed to strangers within fifty
    /// declined cards. The treasurers hear of it once, known supporters are served throughout, and it opens again by itself.
    async fn from_a_thousand_networks_it_closes_within_fifty_declined_cards(app: TestApp) {
        app.give("bea@example.org", "20", "once").await;
        let letter = app.last_mail("bea@example.org");
        let known = letter.link("/donate?s=");
        let (declined, asked) = try_cards(&app).await;
        assert!(declined <= 50, "closed only after {declined} declined cards");
        assert!(asked >= 10, "work is asked for before it is closed: {asked}");
        assert_eq!(attempts(&app).await.len(), declined);

        // A stranger, in a browser.
        let form = filled(&app, "/donate").await;
        app.visitor().open("/donate").await.says("it takes no gifts from whoever it does not know");
        let closed = app.visitor().submit(&form).await;
        assert_eq!(closed.status, StatusCode::TOO_MANY_REQUESTS);
        closed.says("for 30 minutes more. Nothing was charged.");
        assert!(closed.headers.contains_key(header::RETRY_AFTER));
        assert!(closed.body.contains(&format!("value=\"{ANN}\"")), "what was typed is kept");
        // A supporter, by the link of their receipt.
        let page = app.visitor().open(&known).await;
        assert!(!page.body.contains("takes no gifts"));
        let form = page.form("/donate");
        // They recognise where the receipt goes; whoever got the mail from them does not learn it.
        assert!(page.body.contains("b***@example.org"), "{}", page.body);
        assert!(form.value("email").is_none() && !page.body.contains("bea@example.org"), "{}", page.body);
        let visitor = app.visitor();
        let asked = visitor.submit(&form.clone().with("own_amount", "25")).await;
        // They gave a moment ago.
        let checkout = visitor.submit(&asked.form("/donate").with("again", "yes")).await;
        assert!(checkout.leads_to().expect("the way to pay").path().starts_with("/c/pay/"), "{}", checkout.text());

        // The treasurers; here the owner keeps the money.
        for _ in 0..2 {
            staff::tell_of_closed(&app.site).await.expect("told");
            app.drain().await;
        }
        let told: Vec<_> = app.mails(OWNER.0).into_iter().filter(|mail| mail.text.contains("to everybody it does not know")).collect();
        assert_eq!(told.len(), 1);
        assert!(told[0].text.contains("It opens again by itself"), "{}", told[0].text);

        app.advance(Duration::from_secs(1_801));
        // Open again, and careful: what was declined within the hour asks for work, or for patience.
        let giver = Giver { from: Some(network(5_000)), ..Giver::default() };
        assert!(matches!(begin(&app, giver, ANN).await, Err(GiftError::Work)));
        let mark = machines::mark(&app.site);
        let patient = Giver { proof: Proof::Waited(&mark), ..giver };
        assert!(matches!(begin(&app, patient, ANN).await, Err(GiftError::Work)), "too soon");
        app.advance(donations::GIVERS_PATIENCE);
        begin(&app, patient, ANN).await.expect("whoever runs no scripts has waited");
        assert!(matches!(begin(&app, patient, ANN).await, Err(GiftError::Work)), "once");
        app.advance(HOUR);
        begin(&app, giver, ANN).await.expect("it is quiet again");
        app.leaves_work();
    }

    /// TRUST A26: a link of one's own is worth no more than any when cards are tried out by it.
    async fn cards_that_are_tried_by_a_known_link_close_that_link(app: TestApp) {
        app.give("bea@example.org", "20", "once").await;
        let link = app.last_mail("bea@example.org").link("/donate?s=");
        let token = link.split_once("?s=").expect("a token").1.to_owned();
        let known = donations::known_supporter(&app.site, &token).await.expect("a read").expect("a supporter");
        let giver = Giver { known: Some(&known), ..Giver::default() };
        let gift = begin(&app, giver, "bea@example.org").await.expect("known");
        for _ in 0..5 {
            app.sandbox.stripe().decline(session(&gift), "bea@example.org").expect("the session is open");
        }
        app.hear_the_provider().await;
        // A stormy day for strangers: and now for them, too.
        some_declined(&app, 12).await;
        assert!(matches!(begin(&app, giver, "bea@example.org").await, Err(GiftError::Work)), "as for any stranger");
        let other = donations::known_supporter(&app.site, "forged").await.expect("a read");
        assert_eq!(other, None);
        app.leaves_work();
    }

    /// TRUST A26: and what is declined by it from the sixth of a day on is as good as any stranger's.
    async fn declines_by_a_known_link_count_from_the_sixth_on(app: TestApp) {
        app.give("bea@example.org", "20", "once").await;
        let link = app.last_mail("bea@example.org").link("/donate?s=");
        let token = link.split_once("?s=").expect("a token").1.to_owned();
        let known = donations::known_supporter(&app.site, &token).await.expect("a read").expect("a supporter");
        let giver = Giver { known: Some(&known), ..Giver::default() };
        // A page closes after ten.
        let first = begin(&app, giver, "bea@example.org").await.expect("known");
        let second = begin(&app, giver, "bea@example.org").await.expect("known");
        for (gift, number, closes) in [(&first, 34, false), (&second, 6, true)] {
            for _ in 0..number {
                app.sandbox.stripe().decline(session(gift), "bea@example.org").expect("the session is open");
            }
            app.hear_the_provider().await;
            assert_eq!(donations::giving_closed_until(&app.site).await.expect("a read").is_some(), closes);
        }
        app.leaves_work();
    }

    /// Whoever pays by bank debit waits for days, and is in nobody's way meanwhile.
    async fn gifts_that_wait_for_a_bank_refuse_nobody(app: TestApp) {
        let from = Some(network(1));
        for number in 0..10 {
            let email = format!("giver{number}@example.com");
            let gift = begin(&app, Giver { from, ..Giver::default() }, &email).await.expect("a gift");
            app.sandbox.stripe().pay_later(session(&gift), &email).expect("a debit");
        }
        app.drain().await;
        begin(&app, Giver { from, ..Giver::default() }, ANN).await.expect("the eleventh from there");
        app.leaves_work();
    }

    /// The brake is never the attack: where many give, some cards are declined, and nothing is asked of anybody.
    async fn where_many_give_some_cards_are_declined(app: TestApp) {
        let now = app.site.now().0;
        for sql in [
            format!("insert into donation (public_id, email, name, kind, amount_minor, currency, state, created_at, paid_at)
                with recursive n(i) as (select 1 union all select i + 1 from n where i < 400)
                select 'given-' || i, '', '', 'once', 1000, 'EUR', 'paid', {now}, {now} from n"),
            format!("insert into gift_try (donation_id, mailbox, at) select id, public_id, {now} from donation"),
            format!("insert into payment_attempt (provider_ref, outcome, decline_code, at)
                with recursive n(i) as (select 1 union all select i + 1 from n where i < 60)
                select 'evt-' || i, 'declined', '', {now} from n"),
        ] {
            change(&app.site.db, sql.leak()).await;
        }
        let gift = begin(&app, Giver::default(), ANN).await.expect("nothing is asked");
        app.sandbox.stripe().decline(session(&gift), ANN).expect("the session is open");
        app.hear_the_provider().await;
        assert_eq!(attempts(&app).await.len(), 61);
        assert_eq!(donations::giving_closed_until(&app.site).await.expect("a read"), None);
        begin(&app, Giver::default(), ANN).await.expect("nothing is asked");
        app.leaves_work();
    }

    /// TRUST A26: what is counted is what our own pages began. A first month is; a month that is charged is not; and what is told
    /// twice counts once.
    async fn declined_cards_are_counted_and_renewals_are_not(app: TestApp) {
        let session = app.begin_to_give(ANN, "7.50", "month").await;
        app.sandbox.stripe().decline(&session, ANN).expect("the session is open");
        app.drain().await;
        assert_eq!(attempts(&app).await, [("declined".to_owned(), "generic_decline".to_owned())]);
        donations::poll_provider(&app.site, app.payments.provider.as_ref()).await.expect("a round");
        app.drain().await;
        assert_eq!(attempts(&app).await.len(), 1, "told again by asking");
        app.sandbox.stripe().pay(&session, ANN).expect("the session is open");
        app.drain().await;
        let subscription = app.sandbox.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
        app.sandbox.stripe().fail_renewal(&subscription).expect("a month");
        app.drain().await;
        assert_eq!(attempts(&app).await.len(), 1, "a month that was charged is nobody's try");
    }

    /// TRUST A26: a form that bears no mark of ours, or an old one, is pressed once more, with nothing lost; a program that fills in
    /// what people do not see gets nowhere.
    async fn a_form_from_nowhere_is_pressed_once_more(app: TestApp) {
        let visitor = app.visitor();
        let bare = filled(&app, "/donate").await.with("made", "").with("every", "month").with("name", "Ann");
        let press = visitor.submit(&bare).await;
        assert_eq!(press.status, StatusCode::OK);
        press.says("You give €15.00 every month").says(ANN);
        assert!(app.sandbox.stripe().sessions().is_empty());
        let changed = visitor.submit(&press.form("/donate").with("anew", "yes")).await;
        assert_eq!(changed.form("/donate").value("email"), Some(ANN));
        assert_eq!(changed.form("/donate").value("own_amount"), Some("15"));
        assert!(visitor.submit(&press.form("/donate")).await.leads_to().is_some());

        let form = filled(&app, "/donate").await;
        let trapped = visitor.submit(&form.clone().with("website", "https://example.com")).await;
        assert_eq!(trapped.status, StatusCode::TOO_MANY_REQUESTS);
        app.advance(Duration::from_secs(86_401));
        visitor.submit(&form).await.says("One more press");
        assert_eq!(app.sandbox.stripe().sessions().len(), 1);
        app.leaves_work();
    }

    /// TRUST A26: a payment page is open for half an hour, and five minutes for clocks that differ; the request says until when.
    async fn a_payment_page_is_open_for_half_an_hour(app: TestApp) {
        let id = app.begin_to_give(ANN, "15", "once").await;
        let made = &app.sandbox.stripe().sessions()[0];
        assert_eq!(made["id"], id.as_str());
        let lasts = made["expires_at"].as_i64().expect("a time") - app.site.now().unix_seconds();
        assert!((30 * 60..=35 * 60).contains(&lasts), "{lasts}");
        app.advance(Duration::from_secs(36 * 60));
        app.sandbox.stripe().expire_due().expect("time passes");
        app.drain().await;
        let gift = donations::donations_page(&app.site.db, None, 1).await.expect("a read").remove(0);
        assert_eq!((gift.state, gift.email.as_str()), (donations::DonationState::Expired, ""));
        let thanks = donations::thanks_token(&app.site, &gift.public_id);
        app.visitor().open(&format!("/thanks/{thanks}")).await.says("stays open for half an hour");
    }

    /// TRUST A26: a payment page stays open after a card was declined, for whoever mistyped something; after ten it closes, and the
    /// giver can begin anew. While giving is closed to strangers, the pages that were open before close after three.
    async fn a_payment_page_that_tries_cards_closes(app: TestApp) {
        let (first, stripe) = (app.begin_to_give(ANN, "15", "once").await, app.sandbox.stripe());
        let other = app.begin_to_give("bea@example.org", "15", "once").await;
        let anew = app.begin_to_give(ANN, "15", "once").await;
        let decline = async |session: &str, email: &str| {
            stripe.decline(session, email).expect("the session is open");
            app.hear_the_provider().await;
        };
        for _ in 0..9 {
            decline(&first, ANN).await;
        }
        decline(&first, ANN).await;
        stripe.decline(&first, ANN).expect_err("nobody pays by it any more");
        decline(&other, "bea@example.org").await;
        stripe.pay(&other, "bea@example.org").expect("one card was declined, the other was not");
        app.hear_the_provider().await;
        for _ in 0..2 {
            decline(&anew, ANN).await;
        }
        some_declined(&app, 60).await;
        decline(&anew, ANN).await;
        stripe.pay(&anew, ANN).expect_err("closed with giving");
        app.drain().await;
    }

    /// Back from the payment page the form is as it was filled in, and the address stands in no address; a card that was declined is
    /// spoken of.
    async fn the_form_comes_back_as_it_was_filled_in(app: TestApp) {
        let visitor = app.visitor();
        let form = visitor.open("/donate").await.form("/donate");
        let form = form.with("own_amount", "12,5 €").with("every", "month").with("email", ANN).with("name", "Ann Avery");
        visitor.submit(&form).await.leads_to().expect("the way to pay");
        let session = app.sandbox.stripe().sessions().remove(0);
        let back = session["cancel_url"].as_str().expect("a way back").to_owned();
        for secret in ["ann", "Avery", "12,5"] {
            assert!(!back.contains(secret), "{back}");
        }
        let page = visitor.open(&back).await;
        let kept = page.form("/donate");
        assert_eq!(
            ["own_amount", "every", "email", "name"].map(|name| kept.value(name).unwrap_or_default()),
            ["12,5 €", "month", ANN, "Ann Avery"]
        );
        assert!(!page.body.contains("Nothing was charged"));
        app.sandbox.stripe().decline(session["id"].as_str().expect("an id"), ANN).expect("the session is open");
        app.drain().await;
        visitor.open(&back).await.says("The bank said no to the last card");
        app.advance(Duration::from_secs(3_601));
        assert!(!visitor.open(&back).await.body.contains(ANN), "for an hour");
    }

    /// What could mean two things is asked with both of them as buttons, and what was typed besides is kept (TRUST A27).
    async fn both_readings_of_an_amount_are_buttons(app: TestApp) {
        let visitor = app.visitor();
        let asked = visitor.submit(&filled(&app, "/donate").await.with("own_amount", "1.750").with("every", "month")).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
        for said in ["Which amount do you mean?", "€1750</button>", "€1.75</button>"] {
            assert!(asked.body.contains(said), "{said}: {}", asked.body);
        }
        let press = asked.form("/donate").with("own_amount", "1.75");
        assert_eq!(press.value("email"), Some(ANN));
        assert!(visitor.submit(&press).await.leads_to().is_some());
        let session = app.sandbox.stripe().sessions().remove(0);
        assert_eq!((session["amount_total"].as_i64(), session["mode"].as_str()), (Some(175), Some("subscription")));
        let refused = visitor.submit(&filled(&app, "/donate").await.with("own_amount", "$15")).await;
        refused.says("Amounts here are in EUR");
        app.leaves_work();
    }

    /// TRUST A22: whoever is known is asked whether a second gift is meant; whoever types somebody's address learns nothing by it.
    async fn who_gives_twice_is_asked_and_a_stranger_learns_nothing(app: TestApp) {
        let (ann, stranger) = (app.visitor(), app.visitor());
        let form = filled(&app, "/donate").await;
        let began = ann.submit(&form.clone().with("every", "month")).await;
        let cookie = began.headers[header::SET_COOKIE].to_str().expect("a cookie").to_owned();
        assert!(cookie.starts_with("gave=") && cookie.contains("Path=/donate;") && cookie.contains("HttpOnly"), "{cookie}");
        assert!(!cookie.contains("ann"), "{cookie}");
        let session = app.sandbox.stripe().sessions()[0]["id"].as_str().expect("an id").to_owned();
        // Not paid: nothing to ask about.
        assert!(ann.submit(&form.clone().with("every", "month")).await.leads_to().is_some());
        app.sandbox.stripe().pay(&session, ANN).expect("the session is open");
        app.drain().await;
        // The browser that made the gift: it names the one it began last, so it makes one more try in vain, and pays.
        let began = ann.submit(&form.clone().with("every", "month")).await.leads_to().expect("the way to pay");
        let session = began.path().rsplit('/').next().expect("a session").to_owned();
        app.sandbox.stripe().pay(&session, ANN).expect("the session is open");
        app.drain().await;
        let asked = ann.submit(&form.clone().with("every", "month").with("email", "ANN@example.org")).await;
        asked.says("You give regularly already").says("€15.00");
        assert!(asked.body.contains("/giving/"));
        assert!(ann.submit(&form.clone().with("email", "other@example.org")).await.leads_to().is_some(), "another address");
        let sent = ann.submit(&form.clone().with("every", "month").with("again", "yes")).await;
        assert!(sent.leads_to().is_some(), "another one was meant");

        // Somebody else's browser: the same for Ann's address as for nobody's.
        for email in [ANN, "nobody@example.org"] {
            let answer = stranger.submit(&form.clone().with("every", "month").with("email", email)).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{email}");
            assert!(answer.leads_to().expect("the way to pay").path().starts_with("/c/pay/"));
        }
        // By the link of a receipt it is asked for good; a gift given once beside it is nothing to ask about.
        let link = app.last_mail(ANN).link("/donate?s=");
        app.advance(HOUR * 30);
        let known = app.visitor();
        let form = known.open(&link).await.form("/donate").with("own_amount", "5");
        let asked = known.submit(&form.clone().with("every", "month")).await;
        asked.says("You give regularly already");
        assert!(asked.body.contains("See my regular donation"), "{}", asked.body);
        assert!(!asked.body.contains(ANN), "held without the address");
        assert!(known.submit(&form.with("every", "once")).await.leads_to().is_some());

        // And the treasurer is shown it.
        let since = app.site.now().minus(HOUR * 48);
        let twice = donations::monthly_twice(&app.site.db, since, None, 10).await.expect("a read");
        assert_eq!((twice.len(), twice[0].email.as_str()), (1, ANN));
        assert_eq!(twice[0].gifts.iter().map(|gift| gift.amount.as_str()).collect::<Vec<_>>(), ["€15.00", "€15.00"]);

        // Mail is handed on: the page of that donation, whose link never runs out, is handed out for a month alone.
        app.advance(HOUR * 24 * 31);
        let old = app.visitor().open(&link).await.form("/donate").with("own_amount", "5").with("every", "month");
        let asked = app.visitor().submit(&old).await;
        asked.says("You give regularly already");
        assert!(asked.body.contains("Mail me the link to it") && !asked.body.contains("/giving/"), "{}", asked.body);
        app.leaves_work();
    }

    /// Two gifts within an hour, of one person in whatever case they type, are shown to the treasurer; two a day are not.
    async fn gifts_given_twice_within_an_hour_are_shown(app: TestApp) {
        let twice = async || {
            let since = app.site.now().minus(HOUR * 48);
            donations::given_twice(&app.site.db, since, None, 10).await.expect("a read")
        };
        app.give(ANN, "15", "once").await;
        app.give("bea@example.org", "15", "once").await;
        assert!(twice().await.is_empty());
        app.advance(Duration::from_secs(1_800));
        app.give("Ann@Example.org", "15", "once").await;
        app.advance(HOUR * 2);
        app.give("bea@example.org", "15", "once").await;
        let shown = twice().await;
        assert_eq!(shown.iter().map(|one| one.email.as_str()).collect::<Vec<_>>(), [ANN]);
        assert_eq!(shown[0].gifts.len(), 2);
        assert_ne!(shown[0].gifts[0].id, shown[0].gifts[1].id);
        let next = donations::given_twice(&app.site.db, app.site.now().minus(HOUR * 48), Some(shown[0].id), 10).await;
        assert!(next.expect("a read").is_empty(), "a page at a time");

        // A third is one thing to look at with the two before it, and not another pair.
        app.advance(Duration::from_secs(1_800));
        app.give("bea@example.org", "20", "once").await;
        app.advance(Duration::from_secs(3_000));
        app.give("bea@example.org", "25", "once").await;
        let shown = twice().await;
        let amounts = |at: usize| shown[at].gifts.iter().map(|gift| gift.amount.as_str()).collect::<Vec<_>>();
        assert_eq!((shown.len(), amounts(0), amounts(1)), (2, vec!["€15.00", "€20.00", "€25.00"], vec!["€15.00", "€15.00"]));
        let page = app.desk().await.open("/desk/donations").await;
        page.says("gave €15.00, €20.00, and €25.00, each within an hour of the one before");
    }

    /// Where work is asked for, the page that asks for it holds the gift; whoever runs no scripts waits two minutes.
    async fn who_runs_no_scripts_waits_two_minutes(app: TestApp) {
        some_declined(&app, 12).await;
        let visitor = app.visitor();
        let asked = visitor.submit(&filled(&app, "/donate").await.with("name", "Ann")).await;
        assert_eq!(asked.status, StatusCode::TOO_MANY_REQUESTS);
        asked.says("does some arithmetic first");
        let patient = asked.form("/donate").with("later", "yes");
        let soon = visitor.submit(&patient).await;
        assert!(soon.body.contains("Not yet: please wait 2 minutes more"), "{}", soon.body);
        app.advance(Duration::from_secs(90));
        let soon = visitor.submit(&soon.form("/donate").with("later", "yes")).await;
        assert!(soon.body.contains("Not yet: please wait a minute more"), "{}", soon.body);
        app.advance(Duration::from_secs(30));
        let last = soon.form("/donate").with("later", "yes");
        assert!(visitor.submit(&last).await.leads_to().is_some());
        let answer = visitor.send(visitor.request(Method::GET, "/donate")).await;
        assert_eq!(answer.status, StatusCode::OK);
        app.leaves_work();
    }
}

//! What happens to the money of a magazine, drawn step by step from a seed: what supporters, banks, the team and whoever sits at the
//! provider's dashboard do, how the news of it come, and where our own work is broken off.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use broadside::{
    clock::{Moment, Zone},
    db::{self, Db},
    donations::{
        self, GiftRequest, Giver, RefundAsk, Wish,
        adopt::{self, AdoptChoice, AdoptionState},
    },
    jobs,
    payments::{self, Every, GiftRhythm, PaymentProvider},
    sandbox::{
        AfterLastTry, ApiFault, CardAnswer, DisputeKind, OldSupporter, RefundCourse, SandboxCard, Settlement,
        StripeRules, StripeServer,
    },
    settings::Settings,
    site::Site,
    staff::Role,
    token,
};
use serde_json::Value;

use super::judge::{Marks, objects};
use crate::support::{Seed, TestApp, TestDb, between::broken_off, database::rows, mail::Mail};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// The provider is asked at the latest after so long: it keeps what happened for thirty days.
const ASKED_AFTER: Duration = Duration::from_secs(5 * 86_400);

/// One history.
pub struct Life {
    pub app: TestApp,
    db: TestDb,
    /// The connections of whoever may be broken off: a process has its own, which end with it.
    own: Option<Db>,
    seed: Seed,
    /// What was done, in its order.
    pub steps: Vec<String>,
    /// How often our work was broken off.
    pub kills: usize,
    /// What the judge wants to know of it.
    pub marks: Marks,
    /// Whether our work is broken off now and then.
    breaks: bool,
    /// Whether the provider is asked at each turn, and not only when it must be.
    asks: bool,
    /// Whether our endpoint takes in what is told.
    hears: bool,
    /// Whether what another program left is taken over.
    adopts: bool,
    asked_at: Moment,
    late: BTreeSet<String>,
    lost: BTreeSet<String>,
    told: Vec<String>,
    people: usize,
    owner: i64,
}

/// Whoever made them: objects of a kind that are in one of these states.
fn in_states(stripe: &StripeServer, kind: &str, states: &[&str]) -> Vec<String> {
    let wanted = |own: &&Value| own["status"].as_str().is_some_and(|status| states.contains(&status));
    objects(stripe, kind)
        .iter()
        .filter(wanted)
        .filter_map(|own| own["id"].as_str().map(str::to_owned))
        .collect()
}

fn word(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_default().to_owned()
}

/// How a step went, for the list of them.
fn went<T, E>(what: String, answer: &Result<T, E>) -> String {
    if answer.is_ok() { what } else { format!("{what} (refused)") }
}

impl Life {
    /// An account as it is at the beginning, and what another program left in it.
    pub async fn begin(app: TestApp, db: TestDb, seed: Seed) -> Self {
        let mut life = Self::new(app, db, seed).await;
        life.breaks = life.seed.once_in(2);
        life.asks = !life.seed.once_in(3);
        let rules = life.rules();
        life.stripe().set_rules(rules);
        if life.seed.once_in(3) {
            life.adopts = !life.seed.once_in(3);
            life.left_by_another_program();
        }
        life
    }

    /// One gift of each kind, a refund, a payout, and something of another program; and nothing was told of it.
    pub async fn with_everything(app: TestApp, db: TestDb) -> Self {
        let mut life = Self::new(app, db, Seed::new(1)).await;
        let stripe = life.stripe().clone();
        let old = life.app.site.now().minus(DAY * 40);
        stripe.add_old_payment(Some("old@example.org"), 2_000, "eur", old).expect("it is put there");
        life.adopts = true;
        for every in [Every::Once, Every::Month, Every::Once] {
            let session = life.set_out("giver@example.org", "15", every).await.expect("a page");
            if every == Every::Month || stripe.charges().len() < 2 {
                stripe.pay(&session, "giver@example.org").expect("the session is open");
            }
        }
        let paid = stripe.charges().iter().find(|own| own.amount == 1_500).expect("a charge").charge.clone();
        stripe.refund(&paid, Some(400)).expect("a refund");
        life.app.advance(DAY * 4);
        let payout = stripe.pay_out("eur").expect("a payout").expect("there is something");
        stripe.payout_arrives(&payout).expect("it arrives");
        life
    }

    async fn new(app: TestApp, db: TestDb, seed: Seed) -> Self {
        let owner = rows::<(i64,)>(&app.site.db, "select id from staff order by id").await[0].0;
        let asked_at = app.site.now();
        app.sandbox.stripe().hold_events();
        Self {
            app,
            db,
            own: None,
            seed,
            steps: Vec::new(),
            kills: 0,
            marks: Marks::default(),
            breaks: false,
            asks: true,
            hears: true,
            adopts: false,
            asked_at,
            late: BTreeSet::new(),
            lost: BTreeSet::new(),
            told: Vec::new(),
            people: 0,
            owner,
        }
    }

    fn stripe(&self) -> &StripeServer {
        self.app.sandbox.stripe()
    }

    fn rules(&mut self) -> StripeRules {
        let settlement = self.seed.once_in(5).then(|| Settlement {
            currency: "usd".to_owned(),
            rates: [("eur".to_owned(), 1_093_700), ("gbp".to_owned(), 1_271_900)].into(),
        });
        let after_last_try = match self.seed.within(0..4) {
            0 => AfterLastTry::Unpaid,
            1 => AfterLastTry::PastDue,
            _ => AfterLastTry::Cancel,
        };
        StripeRules {
            settlement,
            after_last_try,
            won_gives_fee_back: self.seed.once_in(2),
            paid_holds_outside: self.seed.once_in(2),
            declined_first_leaves: self.seed.once_in(2),
            ..StripeRules::default()
        }
    }

    fn left_by_another_program(&mut self) {
        let now = self.app.site.now();
        for number in 0..1 + self.seed.within(0..3) {
            let parts = 1 + self.seed.within(0..2);
            let items = (0..parts)
                .map(|_| (500 + self.seed.within(0..2_000) as i64, 1 + self.seed.within(0..3) as i64));
            let items = items.collect();
            let old = OldSupporter {
                email: (!self.seed.once_in(4)).then(|| format!("Old{number}@example.org")),
                name: Some(format!("Old {number}")),
                items,
                currency: if self.seed.once_in(4) { "usd" } else { "eur" }.to_owned(),
                interval: if self.seed.once_in(5) { "year" } else { "month" }.to_owned(),
                since: now.minus(DAY * (10 + self.seed.within(0..160) as u32)),
                metadata: vec![("givething_id".to_owned(), number.to_string())],
                on_source: self.seed.once_in(3),
                percent_off: self.seed.once_in(3).then_some(25),
            };
            self.stripe().add_old_supporter(&old).expect("it is put there");
        }
        for number in 0..self.seed.within(0..3) {
            let at = now.minus(DAY * (5 + self.seed.within(0..200) as u32));
            let email = format!("once{number}@example.org");
            self.stripe()
                .add_old_payment(Some(&email), 1_000 + 7 * number as i64, "eur", at)
                .expect("it is put there");
        }
        self.steps.push("another program was here".to_owned());
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        if all.is_empty() { None } else { Some(all[self.seed.within(0..all.len())].clone()) }
    }

    /// Lets our own program do something; in some histories it is broken off somewhere, as by a kill, and none comes of it.
    async fn ours<T>(&mut self, work: impl AsyncFnOnce(&Site, &dyn PaymentProvider) -> T) -> Option<T> {
        let provider: Arc<dyn PaymentProvider> = self.app.payments.provider.clone();
        if !(self.breaks && self.seed.once_in(3)) {
            return Some(work(&self.app.site, provider.as_ref()).await);
        }
        let most = [8, 30, 120, 500][self.seed.within(0..4)];
        let after = 1 + self.seed.within(0..most);
        let db = match self.own.take() {
            Some(db) => db,
            None => self.db.open_again().await,
        };
        let site = Site { db, ..self.app.site.clone() };
        let done = broken_off(work(&site, provider.as_ref()), after).await;
        if done.is_some() {
            self.own = Some(site.db);
        } else {
            site.db.close().await;
            self.kills += 1;
            self.steps.push(format!("  (broken off after {after})"));
        }
        done
    }

    /// One thing happens, and then perhaps somebody hears of it.
    pub async fn step(&mut self) {
        let done = match self.seed.within(0..100) {
            0..=9 => self.give(Every::Once).await,
            10..=21 => self.give(Every::Month).await,
            22..=24 => self.debit_ends(),
            25..=31 => self.change_here().await,
            32..=34 => self.end_here().await,
            35..=42 => self.change_there(),
            43..=46 => self.card(),
            47..=50 => self.bill(),
            51 => self.copy(),
            52..=57 => self.refund_there(),
            58..=61 => self.refund_here().await,
            62..=65 => self.refund_goes_on(),
            66..=69 => self.dispute(),
            70..=74 => self.dispute_goes_on(),
            75..=77 => self.suspicion(),
            78..=82 => self.payout(),
            83..=84 => self.adopt().await,
            85 => self.shop(),
            86 => self.balance(),
            87 => self.close_month().await,
            88 => self.fault(),
            89 => self.customer_changes().await,
            90 => self.customer_goes(),
            91..=92 => self.endpoint(),
            93 => self.away().await,
            _ => self.days().await,
        };
        self.steps.push(done);
        if self.seed.once_in(3) {
            let minutes = 1 + self.seed.within(0..50) as u32;
            self.app.advance(MINUTE * minutes);
        }
        if !self.seed.once_in(4) {
            self.news().await;
        }
        if !self.seed.once_in(4) {
            self.turn().await;
        }
    }
}

/// Supporters.
impl Life {
    async fn give(&mut self, every: Every) -> String {
        if self.people == 0 || !self.seed.once_in(4) {
            self.people += 1;
        }
        let email = format!("giver{}@example.org", self.people);
        let amount = format!("{}.{:02}", 5 + self.seed.within(0..60), self.seed.within(0..100));
        let how_often = if every == Every::Once { "once" } else { "every month" };
        let what = format!("{email} sets out to give {amount} {how_often}");
        let session = match self.set_out(&email, &amount, every).await {
            Ok(session) => session,
            Err(why) => return format!("{what}: {why}"),
        };
        let stripe = self.stripe().clone();
        let (paid, how) = match self.seed.within(0..12) {
            0 => {
                stripe.decline(&session, &email).expect("the session is open");
                (stripe.pay(&session, &email), "and pays with a second card")
            }
            1 => (stripe.decline(&session, &email), "and is declined"),
            2 | 3 => (stripe.pay_later(&session, &email), "and pays by bank debit"),
            4 => (Ok(()), "and goes away"),
            5 if every == Every::Month => {
                stripe.pay_halfway(&session, &email).expect("the session is open");
                self.news().await;
                self.turn().await;
                (stripe.go_on(&session), "and pays slowly")
            }
            _ => (stripe.pay(&session, &email), "and pays"),
        };
        paid.expect("the session is open");
        format!("{what} {how}")
    }

    /// Fills in the form to give; the checkout session that it leads to, or why it does not.
    async fn set_out(&mut self, email: &str, amount: &str, every: Every) -> Result<String, String> {
        let (gift, settings) =
            (token::public_id(), Settings::load(&self.app.site.db).await.expect("settings"));
        let started = self
            .ours(async |site, provider| {
                let request = GiftRequest {
                    amount,
                    every,
                    email,
                    name: "Ann",
                    giver: Giver::default(),
                    gift: &gift,
                    back: "/donate",
                    edition_token: None,
                    article: None,
                };
                donations::start_gift(site, provider, &settings, &request).await
            })
            .await;
        match started {
            Some(Ok(started)) => Ok(started.checkout_url.rsplit('/').next().expect("a session").to_owned()),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("broken off".to_owned()),
        }
    }

    /// A bank debit comes to its end.
    fn debit_ends(&mut self) -> String {
        let waits: Vec<String> = self
            .stripe()
            .sessions()
            .iter()
            .filter(|own| own["status"] == "complete" && own["payment_status"] == "unpaid")
            .map(|own| word(own, "id"))
            .collect();
        let comes = !self.seed.once_in(3);
        match self.pick(&waits) {
            Some(session) => {
                went(format!("the debit of {session} comes: {comes}"), &self.stripe().settle(&session, comes))
            }
            None => "no debit is on its way".to_owned(),
        }
    }

    /// Regular gifts of ours: their names, their supporters' and the provider's.
    async fn regular(&self) -> Vec<(String, String, String)> {
        const REGULAR: &str = "select r.public_id, coalesce(d.public_id, ''), r.provider_subscription_id
            from recurring_donation r left join donor d on d.id = r.donor_id
            where r.provider_subscription_id is not null order by r.id";
        rows(&self.app.site.db, REGULAR).await
    }

    async fn change_here(&mut self) -> String {
        let all = self.regular().await;
        let Some((gift, donor, subscription)) = self.pick(&all) else {
            return "nobody gives regularly".to_owned();
        };
        let now = self.app.site.now();
        let amount = format!("{}.{:02}", 5 + self.seed.within(0..80), self.seed.within(0..100));
        let in_days = DAY * (2 + self.seed.within(0..55) as u32);
        let wish = match self.seed.within(0..9) {
            0 | 1 => Wish::Amount(&amount),
            2 | 3 => Wish::Rhythm(GiftRhythm::OFFERED[self.seed.within(0..4)]),
            4 => Wish::Date(now.plus(in_days)),
            5 => Wish::Rest(Some(now.plus(in_days))),
            6 => Wish::Rest(None),
            7 => Wish::EndLater,
            _ => Wish::GoOn,
        };
        let what = format!("the supporter of {subscription} wants {wish:?}");
        self.marks.changes_asked += 1;
        let changed = self
            .ours(async |site, provider| {
                let link = donations::supporter_token(site, &donor);
                match donations::supporter_by_link(site, &link).await.expect("a read") {
                    Some(supporter) => {
                        donations::change_regular(site, Some(provider), &supporter, (&gift, wish)).await
                    }
                    None => {
                        let link = donations::manage_token(site, &gift);
                        donations::change_managed(site, Some(provider), &link, wish).await
                    }
                }
            })
            .await;
        match changed {
            Some(Ok(())) => {
                self.marks.changes_made += usize::from(!donor.is_empty());
                what
            }
            Some(Err(error)) => format!("{what}: {error}"),
            None => what,
        }
    }

    async fn end_here(&mut self) -> String {
        let all = self.regular().await;
        let Some((gift, _, subscription)) = self.pick(&all) else {
            return "nobody gives regularly".to_owned();
        };
        let ended = self
            .ours(async |site, provider| {
                donations::cancel_all(site, Some(provider), &donations::manage_token(site, &gift)).await
            })
            .await;
        let what = format!("the supporter of {subscription} ends it");
        match ended {
            Some(Ok(())) => {
                // What never began goes on as it is.
                let over = "select provider_subscription_id from recurring_donation where state = 'cancelled'
                    and provider_subscription_id is not null";
                if rows::<(String,)>(&self.app.site.db, over).await.iter().any(|(one,)| *one == subscription)
                {
                    self.marks.ended.push((subscription, self.app.site.now()));
                }
                what
            }
            Some(Err(error)) => format!("{what}: {error}"),
            None => what,
        }
    }
}

/// The dashboard.
impl Life {
    fn living(&self) -> Vec<Value> {
        let all = self.stripe().subscriptions();
        all.into_iter()
            .filter(|own| !matches!(own["status"].as_str(), Some("canceled" | "incomplete_expired")))
            .collect()
    }

    fn change_there(&mut self) -> String {
        let living = self.living();
        let Some(own) = self.pick(&living) else { return "nothing to change in the dashboard".to_owned() };
        let (id, item) = (word(&own, "id"), &own["items"]["data"][0]);
        let prorated = ["none", "create_prorations", "always_invoice"][self.seed.within(0..3)];
        let later = self.app.site.now().plus(DAY * (1 + self.seed.within(0..50) as u32)).unix_seconds();
        let price = |minor: usize, interval: &str| {
            format!(
                "items[0][id]={}&items[0][price_data][currency]={}&items[0][price_data][product]={}\
                 &items[0][price_data][recurring][interval]={interval}&items[0][price_data][unit_amount]={minor}\
                 &proration_behavior={prorated}",
                word(item, "id"),
                word(&own, "currency"),
                word(&item["price"], "product")
            )
        };
        let interval = word(&item["price"]["recurring"], "interval");
        let form = match self.seed.within(0..14) {
            0 | 1 => format!(
                "items[0][id]={}&items[0][quantity]={}&proration_behavior={prorated}",
                word(item, "id"),
                1 + self.seed.within(0..3)
            ),
            2 | 3 => price(300 + self.seed.within(0..5_000), &interval),
            4 => price(300 + self.seed.within(0..5_000), ["week", "month", "year"][self.seed.within(0..3)]),
            5 => "cancel_at_period_end=true".to_owned(),
            6 => "cancel_at_period_end=false".to_owned(),
            7 => format!("cancel_at={later}"),
            8 => "pause_collection[behavior]=void".to_owned(),
            9 => format!("pause_collection[behavior]=keep_as_draft&pause_collection[resumes_at]={later}"),
            10 => "pause_collection[behavior]=mark_uncollectible".to_owned(),
            11 => "pause_collection=".to_owned(),
            12 => format!("trial_end={later}&proration_behavior=none"),
            _ => {
                let ended = self.stripe().cancel_subscription(&id);
                return went(format!("{id} is ended in the dashboard"), &ended);
            }
        };
        went(
            format!("{id} is changed in the dashboard: {form}"),
            &self.stripe().change_subscription(&id, &form),
        )
    }

    /// The card of a regular gift is refused from now on, or works again.
    fn card(&mut self) -> String {
        let living = self.living();
        let Some(own) = self.pick(&living) else { return "there is no card".to_owned() };
        let id = word(&own, "id");
        let answer = match self.seed.within(0..5) {
            0 | 1 => CardAnswer::Declined("insufficient_funds".to_owned()),
            2 => CardAnswer::AsksOwner,
            _ => CardAnswer::Works,
        };
        let mut done = self.stripe().card_answers(&id, &answer);
        if answer == CardAnswer::Works && self.seed.once_in(2) {
            done = self.stripe().retry_with(&id, &answer);
        }
        went(format!("the card of {id}: {answer:?}"), &done)
    }

    /// Somebody does something about a bill that is not paid.
    fn bill(&mut self) -> String {
        let open = in_states(self.stripe(), "invoice", &["open"]);
        let Some(id) = self.pick(&open) else { return "no bill is open".to_owned() };
        let way = self.seed.within(0..5);
        let stripe = self.stripe();
        // What a debit is on its way for is left to the bank.
        let of = stripe
            .object(&id)
            .map(|own| word(&own["parent"]["subscription_details"], "subscription"))
            .unwrap_or_default();
        let first = stripe
            .sessions()
            .iter()
            .any(|own| own["payment_status"] == "unpaid" && own["subscription"] == of.as_str());
        match way {
            _ if first => format!("{id} waits for a debit"),
            0..=2 => went(format!("{id} is marked as paid outside"), &stripe.mark_paid_outside(&id)),
            3 => went(format!("{id} is given up"), &stripe.mark_uncollectible(&id)),
            _ => went(format!("what is open of {of} is made void"), &stripe.void_invoice(&of)),
        }
    }

    /// A subscription of ours is copied, its metadata with it.
    fn copy(&mut self) -> String {
        let of_ours =
            |own: &Value| own["metadata"]["broadside_recurring"].is_string() && own["status"] == "active";
        let living: Vec<Value> = self.living().into_iter().filter(of_ours).collect();
        match self.pick(&living) {
            Some(own) => went(
                format!("{} is copied", word(&own, "id")),
                &self.stripe().copy_subscription(&word(&own, "id")),
            ),
            None => "nothing to copy".to_owned(),
        }
    }

    /// The address of a customer is changed in the dashboard, or they set up another card there; or whoever was asked by letter whether
    /// an address is theirs says so.
    async fn customer_changes(&mut self) -> String {
        let living = self.living();
        let Some(own) = self.pick(&living) else { return "nobody to change".to_owned() };
        let customer = word(&own, "customer");
        let way = self.seed.within(0..3);
        if way == 0 {
            let card = SandboxCard {
                brand: "mastercard".to_owned(),
                last4: "4444".to_owned(),
                expires: (11, 2035),
                answers: String::new(),
            };
            return went(
                format!("{customer} sets up another card"),
                &self.stripe().set_up_card(&customer, &card),
            );
        }
        let asked = self
            .app
            .sandbox
            .mailbox()
            .messages()
            .into_iter()
            .rev()
            .find(|one| one.subject.starts_with("Is this the address"));
        match asked {
            Some(asked) if way == 1 => {
                let raw = self.app.sandbox.mailbox().raw(asked.seq).expect("the sandbox keeps its mail");
                let link = Mail::new(raw).link("/gift-address/");
                let token = link.rsplit('/').next().unwrap_or_default().to_owned();
                self.marks.changes_asked += 1;
                let taken = self
                    .ours(async |site, provider| {
                        donations::take_new_address(site, Some(provider), &token).await
                    })
                    .await;
                format!(
                    "{} says that a gift is theirs: {}",
                    asked.to.join(" "),
                    taken.is_some_and(|taken| taken.is_ok())
                )
            }
            _ => {
                self.people += 1;
                let form = format!("email=moved{}@example.org", self.people);
                went(
                    format!("{customer} has another address: {form}"),
                    &self.stripe().change_customer(&customer, &form),
                )
            }
        }
    }

    fn customer_goes(&mut self) -> String {
        let living = self.living();
        match self.pick(&living) {
            Some(own) => {
                let customer = word(&own, "customer");
                went(format!("{customer} is deleted"), &self.stripe().delete_customer(&customer))
            }
            None => "nobody to delete".to_owned(),
        }
    }

    fn refund_there(&mut self) -> String {
        let charges = self.stripe().charges();
        let Some(charged) = self.pick(&charges) else { return "nothing to give back".to_owned() };
        let course = match self.seed.within(0..7) {
            0 => RefundCourse::Pending,
            1 => RefundCourse::AwaitsFunds,
            2 => RefundCourse::RequiresAction,
            _ => RefundCourse::Succeeds,
        };
        let rules = StripeRules { refunds: course, ..self.stripe().rules() };
        self.stripe().set_rules(rules);
        let part = charged.amount / (1 + self.seed.within(0..4) as i64);
        let amount = (!self.seed.once_in(3)).then_some(part);
        let done = self.stripe().refund(&charged.charge, amount);
        went(format!("{amount:?} of {} is given back in the dashboard: {course:?}", charged.charge), &done)
    }

    fn refund_goes_on(&mut self) -> String {
        let states = if self.seed.once_in(4) { &["succeeded"][..] } else { &["pending", "requires_action"] };
        let open = in_states(self.stripe(), "refund", states);
        let Some(id) = self.pick(&open) else { return "no refund is on its way".to_owned() };
        let way = self.seed.within(0..4);
        let stripe = self.stripe();
        let (what, done) = match way {
            0 | 1 if states[0] != "succeeded" => ("arrives", stripe.refund_arrives(&id)),
            2 if states[0] != "succeeded" => ("is called off", stripe.cancel_refund(&id)),
            _ => ("fails", stripe.refund_fails(&id, "lost_or_stolen_card")),
        };
        went(format!("{id} {what}"), &done)
    }

    fn dispute(&mut self) -> String {
        let charges = self.stripe().charges();
        let Some(charged) = self.pick(&charges) else { return "nothing to dispute".to_owned() };
        let kind = match self.seed.within(0..6) {
            0 | 1 => DisputeKind::Inquiry,
            2 => DisputeKind::Prevented,
            _ => DisputeKind::Chargeback,
        };
        let part = self.seed.once_in(4).then_some(charged.amount / 2);
        let done = self.stripe().dispute(&charged.charge, kind, part, "fraudulent");
        went(format!("{} is disputed: {kind:?} {part:?}", charged.charge), &done)
    }

    fn dispute_goes_on(&mut self) -> String {
        let all = objects(self.stripe(), "dispute");
        let Some(own) = self.pick(&all) else { return "nothing is disputed".to_owned() };
        let id = word(&own, "id");
        let ways: &[&str] = match own["status"].as_str().unwrap_or_default() {
            "needs_response" => &["under_review", "won", "lost"],
            "under_review" | "appeal_under_review" => &["won", "lost"],
            "warning_needs_response" => &["warning_under_review", "warning_closed", "needs_response"],
            "warning_under_review" => &["warning_closed", "needs_response"],
            "lost" => &["appeal_needs_response", "appeal_under_review"],
            "appeal_needs_response" => &["appeal_under_review"],
            _ => return format!("{id} is over"),
        };
        let to = ways[self.seed.within(0..ways.len())];
        went(format!("{id} becomes {to}"), &self.stripe().dispute_becomes(&id, to))
    }

    /// A warning, or a payment that somebody has to look at.
    fn suspicion(&mut self) -> String {
        let charges = self.stripe().charges();
        let open: Vec<String> = self.open_reviews();
        let way = self.seed.within(0..5);
        let (charged, review) = (self.pick(&charges), self.pick(&open));
        let stripe = self.stripe();
        match (way, charged, review) {
            (0, Some(charged), _) => {
                went(format!("a bank warns of {}", charged.charge), &stripe.warn_of_fraud(&charged.charge))
            }
            (1, Some(charged), _) => {
                went(format!("{} is looked at", charged.charge), &stripe.open_review(&charged.charge))
            }
            (2, ..) => {
                stripe.review_payments(true);
                "payments are looked at from now on".to_owned()
            }
            (_, _, Some(review)) => {
                went(format!("{review} is approved"), &stripe.close_review(&review, "approved"))
            }
            _ => {
                stripe.review_payments(false);
                "payments are not looked at any more".to_owned()
            }
        }
    }

    fn open_reviews(&self) -> Vec<String> {
        let all = objects(self.stripe(), "review");
        all.iter().filter(|own| own["open"] == true).map(|own| word(own, "id")).collect()
    }

    fn payout(&mut self) -> String {
        let on_its_way = in_states(self.stripe(), "payout", &["in_transit", "pending"]);
        let paid = in_states(self.stripe(), "payout", &["paid"]);
        match self.seed.within(0..6) {
            0..=2 => {
                let code = if self.seed.once_in(3) { "usd" } else { "eur" };
                format!(
                    "it pays out {:?} in {code}",
                    self.stripe().pay_out(code).expect("it is written down")
                )
            }
            3 | 4 => match self.pick(&on_its_way) {
                Some(id) => went(format!("{id} arrives"), &self.stripe().payout_arrives(&id)),
                None => "no payout is on its way".to_owned(),
            },
            _ => match self.pick(&[on_its_way, paid].concat()) {
                Some(id) => {
                    went(format!("{id} comes back"), &self.stripe().payout_fails(&id, "account_closed"))
                }
                None => "no payout can come back".to_owned(),
            },
        }
    }

    /// Something is sold on the same account.
    fn shop(&mut self) -> String {
        if self.adopts && !self.marks.adopted {
            return "the shop is closed".to_owned();
        }
        let (at, minor) = (self.app.site.now(), 100 + self.seed.within(0..3_000) as i64);
        let sold = self
            .stripe()
            .add_old_payment(Some("buyer@example.com"), minor, "eur", at)
            .expect("it is put there");
        self.marks.sold.insert(sold.clone());
        format!("the shop sells something: {sold}")
    }

    /// The balance hears late of what was paid, or hears at last.
    fn balance(&mut self) -> String {
        if self.seed.once_in(2) {
            self.stripe().slow_balance();
            return "the balance is slow from now on".to_owned();
        }
        self.stripe().balance_arrives().expect("it is written down");
        "the balance has heard of all".to_owned()
    }

    fn fault(&mut self) -> String {
        const PATHS: [Option<&str>; 7] = [
            None,
            Some("/v1/checkout"),
            Some("/v1/subscriptions"),
            Some("/v1/refunds"),
            Some("/v1/invoices"),
            Some("/v1/events"),
            Some("/v1/payment_intents"),
        ];
        let path = PATHS[self.seed.within(0..PATHS.len())];
        let (fault, times) = match self.seed.within(0..8) {
            0 => (ApiFault::LoseReply, 1),
            1 => (ApiFault::FailAfter(500), 1),
            _ => (ApiFault::TooMany(600), 1 + self.seed.within(0..4) as u32),
        };
        self.stripe().plan_request(path, fault, Some(times));
        format!("{times} times {fault:?} at {path:?}")
    }
}

/// The team.
impl Life {
    async fn refund_here(&mut self) -> String {
        let paid = "select public_id, amount_minor from donation where state = 'paid' order by id";
        let all = rows::<(String, i64)>(&self.app.site.db, paid).await;
        let Some((gift, minor)) = self.pick(&all) else { return "nothing to send back".to_owned() };
        let amount_minor =
            if self.seed.once_in(3) { minor } else { 1 + self.seed.within(0..minor as usize) as i64 };
        let (key, owner) = (token::public_id(), self.owner);
        let mut said = String::new();
        for _ in 0..1 + self.seed.within(0..2) {
            let made = self
                .ours(async |site, provider| {
                    let ask = RefundAsk { key: &key, donation: &gift, amount_minor, why: "a history" };
                    donations::refund(site, provider, (owner, Role::Owner), &ask).await
                })
                .await;
            said = match &made {
                Some(Ok(made)) => format!("{made:?}"),
                Some(Err(error)) => error.to_string(),
                None => "broken off".to_owned(),
            };
        }
        self.marks.refunds_asked.push(key);
        format!("{amount_minor} is sent back from the desk: {said}")
    }

    async fn close_month(&mut self) -> String {
        let day = self.app.site.now().minus(DAY * 31).day(&Zone::UTC);
        let (month, owner) = (day[..7].to_owned(), self.owner);
        let closed = self
            .ours(async |site, _| donations::close_month(site, (owner, Role::Owner), &month).await.is_ok())
            .await;
        format!("{month} is closed: {closed:?}")
    }

    async fn adopt(&mut self) -> String {
        if !self.adopts || self.marks.adopted {
            return "there is nothing to take over".to_owned();
        }
        let standing = adopt::standing(&self.app.site.db).await.expect("a read").map(|one| one.state);
        let done = match standing {
            Some(AdoptionState::Ready) => {
                let taken =
                    self.ours(async |site, _| adopt::take(site, &AdoptChoice::All, None).await.is_ok()).await;
                if taken == Some(false) {
                    // It was looked at too long ago.
                    self.look_what_is_there().await;
                }
                "it is chosen what is taken over"
            }
            Some(AdoptionState::Looking | AdoptionState::Taking) => "taking over goes on",
            _ => {
                self.look_what_is_there().await;
                "somebody looks what could be taken over"
            }
        };
        self.go_on_taking_over().await;
        done.to_owned()
    }

    async fn look_what_is_there(&mut self) {
        let begun = self.ours(async |site, _| adopt::begin(site, None, 5).await).await;
        assert!(!matches!(begun, Some(Err(adopt::AdoptError::Database(_)))), "{begun:?}");
    }

    async fn go_on_taking_over(&mut self) {
        if !self.adopts || self.marks.adopted {
            return;
        }
        let went_on = self.ours(async |site, provider| adopt::go_on(site, provider).await.map(drop)).await;
        fine(went_on);
        let standing = adopt::standing(&self.app.site.db).await.expect("a read").map(|one| one.state);
        self.marks.adopted = standing == Some(AdoptionState::Done);
    }
}

/// Time, and what is heard in it.
impl Life {
    async fn days(&mut self) -> String {
        let spans: &[Duration] = match self.seed.within(0..8) {
            0..=2 => &[HOUR],
            3 | 4 => &[DAY],
            5 | 6 => &[DAY, DAY, DAY],
            // Months are long.
            _ => &[DAY, DAY, DAY, DAY, DAY],
        };
        for span in spans {
            self.app.advance(*span * (1 + self.seed.within(0..8) as u32));
            self.stripe().let_time_pass().expect("time passes");
            if spans.len() > 1 {
                self.news().await;
                self.turn().await;
            }
        }
        format!("it is {}", self.app.site.now().date_time(&Zone::UTC))
    }

    /// Our program does not run for days.
    async fn away(&mut self) -> String {
        self.app.advance(DAY * (1 + self.seed.within(0..9) as u32));
        self.stripe().let_time_pass().expect("time passes");
        // The provider tells again for three days, and then no more.
        for event in self.waiting() {
            if self.seed.once_in(3) {
                self.late.insert(event);
            } else {
                self.lost.insert(event);
            }
        }
        self.ask().await;
        "our program was away".to_owned()
    }

    /// Our endpoint is switched off, or on again.
    fn endpoint(&mut self) -> String {
        self.hears = !self.hears;
        format!("our endpoint hears: {}", self.hears)
    }

    /// What happened and was neither told nor kept for later.
    fn waiting(&self) -> Vec<String> {
        let mut held = self.stripe().held_events();
        held.retain(|event| !self.late.contains(event) && !self.lost.contains(event));
        held
    }

    /// The provider tells what happened: in some order, some of it twice, some of it later, some never.
    async fn news(&mut self) {
        let mut told = Vec::new();
        for event in self.waiting() {
            let kind = self.stripe().object(&event).map(|own| word(&own, "type")).unwrap_or_default();
            let concerns_us = payments::event_kinds().contains(&kind.as_str());
            let fate = self.seed.within(0..24);
            let is_kept = if self.hears { matches!(fate, 2..=4) } else { fate > 12 };
            match fate {
                _ if is_kept && concerns_us => {
                    self.late.insert(event);
                }
                _ if !concerns_us || !self.hears || fate < 2 => {
                    self.lost.insert(event);
                }
                5..=7 => told.extend([event.clone(), event]),
                _ => told.push(event),
            }
        }
        if !self.hears {
            return;
        }
        if self.seed.once_in(3) {
            let late: Vec<String> = self.late.iter().cloned().collect();
            if let Some(event) = self.pick(&late) {
                self.late.remove(&event);
                told.push(event);
            }
            let before = self.told.clone();
            told.extend(self.pick(&before));
        }
        match self.seed.within(0..3) {
            0 => told.reverse(),
            1 => {
                for at in (1..told.len()).rev() {
                    let other = self.seed.within(0..at + 1);
                    told.swap(at, other);
                }
            }
            _ => {}
        }
        for event in told {
            assert_eq!(self.stripe().deliver(&event).await, 200, "{event}");
            self.told.push(event);
            if self.seed.once_in(12) {
                let worked =
                    self.ours(async |site, provider| donations::process_inbox(site, provider).await).await;
                fine(worked);
            }
        }
    }

    /// What the clock brings to our program.
    async fn turn(&mut self) {
        let worked = self.ours(async |site, provider| donations::process_inbox(site, provider).await).await;
        fine(worked);
        fine(self.ours(async |site, provider| donations::resume_refunds(site, provider).await).await);
        fine(self.ours(async |site, provider| donations::resume_calls(site, provider).await).await);
        fine(self.ours(async |site, provider| donations::remind(site, provider).await).await);
        asked(self.ours(async |site, provider| donations::settle_waiting(site, provider).await).await);
        fine(self.ours(async |site, _| donations::tell_of_cards(site).await).await);
        fine(self.ours(async |site, _| donations::tell_of_unended(site).await).await);
        fine(self.ours(async |site, _| jobs::tell_news(site).await).await);
        self.go_on_taking_over().await;
        if self.app.site.now().since(self.asked_at) > ASKED_AFTER {
            self.ask().await;
        } else if self.asks
            && asked(self.ours(async |site, provider| donations::poll_provider(site, provider).await).await)
        {
            self.asked_at = self.app.site.now();
        }
        let worked = self.ours(async |site, provider| donations::process_inbox(site, provider).await).await;
        fine(worked);
    }

    /// The provider is asked until it answers.
    async fn ask(&mut self) {
        for _ in 0..10 {
            if asked(self.ours(async |site, provider| donations::poll_provider(site, provider).await).await) {
                self.asked_at = self.app.site.now();
                return;
            }
            self.app.advance(MINUTE * 11);
        }
        panic!("the provider never said what happened");
    }

    /// Nothing new happens any more: what is on its way arrives, and our program does what there is to do.
    pub async fn calm(&mut self) {
        self.breaks = false;
        let stripe = self.stripe().clone();
        stripe.balance_arrives().expect("it is written down");
        stripe.clear_plans();
        stripe.hold_events();
        for review in self.open_reviews() {
            stripe.close_review(&review, "approved").expect("it is open");
        }
        self.hears = true;
        let late = std::mem::take(&mut self.late);
        for event in late.iter().rev() {
            if !self.seed.once_in(3) {
                assert_eq!(stripe.deliver(event).await, 200, "{event}");
            }
        }
        self.asks = true;
        for round in 0..60 {
            self.turn().await;
            if self.adopts && !self.marks.adopted {
                let adopting = self.adopt().await;
                self.steps.push(adopting);
            }
            let waits = self.app.queues().await.iter().any(|(_, figures)| figures.waiting > 0);
            if round > 3 && !waits && (self.marks.adopted || !self.adopts) {
                break;
            }
            self.app.advance(HOUR * 2);
        }
        // The letters of failed payments go on for a week.
        for _ in 0..10 {
            self.app.advance(DAY);
            self.turn().await;
        }
        self.app.send().await;
        if let Some(db) = self.own.take() {
            db.close().await;
        }
    }
}

fn fine<T>(answer: Option<db::Result<T>>) {
    if let Some(answer) = answer {
        answer.expect("the database works");
    }
}

/// Whether the provider answered. What it does not answer is asked again.
fn asked<T>(answer: Option<Result<T, donations::ProviderPollError>>) -> bool {
    match answer {
        Some(Err(donations::ProviderPollError::Database(error))) => panic!("the database works: {error}"),
        Some(Ok(_)) => true,
        _ => false,
    }
}

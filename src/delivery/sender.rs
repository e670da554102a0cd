//! A sender: one task that takes messages from the queue and drives one connection.
//!
//! While a message is on its way the next one is already composed, and its envelope goes out in the same write as the body
//! before it: one round trip a message. The commit rule stands between the two: the body of the next is written only after
//! the commit that holds the result of the last and the marker of the next.
//!
//! A sender that breaks off hangs up, gives back what it had in hand, and begins again. A copy that was in hand then goes alone
//! from now on, so that only the one that it breaks off at is given up in the end.

use std::{sync::Arc, time::Duration};

use super::{
    breaker,
    claims::{Back, ItemKey},
    outcome::{self, Verdict},
    patience::{self, Patience},
    queue::Item,
    shared::Shared,
    states::{AttemptOutcome, AttemptStage, Class, CopyState},
    store::{
        ledger::{self as rows, Claim, Record},
        notices::{ClaimedNotice, Ending, no_longer_true},
    },
    suppression::{Suppressions, stops_letter},
    variant::{Message, NO_COPY, Unwritten, compose_notice},
    verp,
    writer::{NoticeRecord, Writer},
};
use crate::{
    clock,
    email_address::{EmailAddress, for_the_log},
    heavy,
    mail::{
        AddressChangeNew, AddressChangeOld, AddressChanged, AddressIsKnown, AddressTakenBack, AlreadyReader,
        ChoicesLink, ConfirmSubscription, EmailTemplate as _, GoodBye, NewGiftAddress, OF_THE_TEAM, Paused,
        Welcome,
    },
    relays::{self, Answer, Failed, LONGEST_REST, Pass, SignIn, Slot, Turn, Why},
    site::Site,
    smtp::{Connection, Envelope, Extensions, Failure, Reply, Stage},
    tasks::{Gap, Task},
};

/// What an attempt came to.
type Outcome = Result<Reply, Failure>;

/// How long a copy waits whose text could not be read from the database.
pub(super) const DATABASE_PAUSE: Duration = Duration::from_secs(10);

/// A marker that takes longer was kept waiting by the database, and so were those of all connections.
const LONG_MARKER: Duration = Duration::from_millis(250);

/// Servers hang up on whoever keeps them waiting for a body for long.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long an automatic email waits that may have arrived, after more tries than are usual.
const DOUBT_PAUSE: Duration = Duration::from_secs(14 * 3600);

/// A message that was composed and is ready to be sent.
struct Ready {
    item: Item,
    from: String,
    /// Needs no dot-stuffing; ends with CRLF.
    bytes: Vec<u8>,
    /// The moment at which it may go, where there is a limit by the second.
    slot: Option<Slot>,
}

impl Ready {
    fn envelope(&self) -> Envelope<'_> {
        let to = match &self.item {
            Item::Notice(notice) => &notice.address,
            Item::Delivery(claim) => &claim.address,
        };
        Envelope { from: &self.from, to, size: self.bytes.len() }
    }
}

/// An open connection, counted as one as long as it is there.
struct Conversation {
    connection: Connection,
    _counted: Counted,
}

struct Counted {
    shared: Arc<Shared>,
    relay: usize,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.shared.relays.hung_up(self.relay);
    }
}

/// One connection's worth of sending.
pub(super) struct Sender {
    shared: Arc<Shared>,
    writer: Writer,
    /// Which of the relays it works for.
    relay: usize,
    conversation: Option<Conversation>,
    /// The relay takes no more conversations than there are: this one has to wait.
    crowded: bool,
    /// For so long.
    patience: Duration,
    /// What was taken from the queue, and of which nothing was handed on yet.
    held: Vec<ItemKey>,
    /// Its last turn at the relay, for when nothing is sent in it.
    turn: Turn,
    /// The moment of what is to be composed, where there is a limit by the second.
    slot: Option<Slot>,
    /// Something was handed on since it began.
    got_on: bool,
    /// Memory for the next message.
    spare: Vec<u8>,
}

/// How long a sender first waits that a relay has no room for.
const CROWDED_PAUSE: Duration = Duration::from_secs(1);

impl Sender {
    pub(super) fn new(shared: Arc<Shared>, writer: Writer, relay: usize) -> Self {
        Self {
            shared,
            writer,
            relay,
            conversation: None,
            crowded: false,
            patience: CROWDED_PAUSE,
            held: Vec::new(),
            turn: Turn::default(),
            slot: None,
            got_on: false,
            spare: Vec::new(),
        }
    }

    /// Sends until the queue closes, whatever breaks off meanwhile.
    pub(super) async fn run(mut self) {
        let mut gap = Gap::default();
        loop {
            let Err(broke) = heavy::caught(self.send()).await else { return };
            self.shared.breaks.note(Task::Send, &broke);
            // Whoever is on the other side hears no goodbye: nobody knows what it was told.
            self.conversation = None;
            self.crowded = false;
            self.writer.break_off(std::mem::take(&mut self.held), &broke);
            if std::mem::take(&mut self.got_on) {
                gap = Gap::default();
            }
            // Either way it begins again, and may find that it can go home.
            let _ = tokio::time::timeout(gap.grow(), self.shared.queue.closed()).await;
            self.shared.wakes.count();
        }
    }

    /// Sends until the queue closes, then says goodbye.
    async fn send(&mut self) {
        let mut left_over = None;
        loop {
            if std::mem::take(&mut self.crowded) {
                // Either way it goes on: it tries again, or finds that it may go home.
                let _ = tokio::time::timeout(self.patience, self.shared.queue.closed()).await;
                self.shared.wakes.count();
                self.patience = (self.patience * 2).min(LONGEST_REST);
            }
            let ready = match left_over.take() {
                Some(ready) => Some(ready),
                None => match self.next().await {
                    Some(item) => self.compose(item).await,
                    None => break,
                },
            };
            if let Some(ready) = ready {
                left_over = self.send_from(ready).await;
            }
        }
        self.hang_up_politely().await;
    }

    /// The next message, once the relay may be given one; `None` when the engine stops.
    async fn next(&mut self) -> Option<Item> {
        loop {
            let turn = tokio::select! {
                biased;
                turn = self.shared.relays.turn(self.relay, &self.shared.site, self.conversation.is_some()) => turn,
                () = self.shared.queue.closed() => return None,
            };
            match turn {
                Ok(turn) => {
                    self.shared.relays.is_news(self.relay, false);
                    self.turn = turn;
                    return self.take().await;
                }
                Err(error) => self.cannot_ask(&error).await,
            }
        }
    }

    /// Waits before the limits of the relay are asked for again; the first connection that has to says so for all.
    async fn cannot_ask(&self, error: &sqlx::Error) {
        if self.shared.relays.is_news(self.relay, true) {
            let relay = self.shared.relays.relay(self.relay).url.name();
            tracing::error!(relay, %error, "the limits of a relay cannot be asked for; trying again");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    /// A message, at its moment. Whoever has nothing to send takes no moment, and whoever has no moment takes no message: one that
    /// is in a hurry is in hand next.
    async fn take(&mut self) -> Option<Item> {
        let shared = self.shared.clone();
        let _first = shared.relays.first_in_line(self.relay).await;
        let Some(item) = shared.queue.pop().await else {
            self.unused();
            return None;
        };
        self.held.push(item.key());
        match self.next_slot().await {
            Some(slot) => {
                self.slot = slot;
                Some(item)
            }
            None => {
                self.unused();
                self.put_back(item);
                None
            }
        }
    }

    /// Waits for the next moment at which a message may go; `None` when the engine stops. Nothing is in it where there is no limit
    /// by the second.
    async fn next_slot(&self) -> Option<Option<Slot>> {
        let Shared { relays, site, queue, .. } = &*self.shared;
        loop {
            let slot = tokio::select! {
                biased;
                slot = relays.next_slot(self.relay, site) => slot,
                () = queue.closed() => return None,
            };
            match slot {
                Ok(None) => return Some(None),
                Ok(slot) => {
                    self.shared.wakes.count();
                    return Some(slot);
                }
                Err(error) => self.cannot_ask(&error).await,
            }
        }
    }

    fn unused(&self) {
        self.shared.relays.unused(self.relay, self.turn);
    }

    /// Sends a message, and whatever else is waiting right behind it. Returns a message that has to begin again, because
    /// the connection that had its envelope broke under the message before it.
    async fn send_from(&mut self, first: Ready) -> Option<Ready> {
        if let Item::Delivery(claim) = &first.item
            && self.shared.queue.is_stopped(claim.edition_id)
        {
            self.unused();
            self.put_back(first.item);
            return None;
        }
        let mut first = first;
        let mut conversation = match self.begin(&mut first).await {
            None => {
                // That says nothing about the message: whichever relay can takes it, and the turn was none.
                self.unused();
                self.put_back(first.item);
                return None;
            }
            Some(Err(failure)) => {
                self.record(first.item, &first.from, &Err(failure));
                return None;
            }
            Some(Ok(conversation)) => conversation,
        };
        let mut current = first;
        loop {
            let connection = &mut conversation.connection;
            if let Err(why) = self.may_write_now(&mut current).await {
                // The server waits for a body that will not come; there is no way back from DATA but to hang up.
                self.let_go(current.item, why);
                return None;
            }
            let takes_next = connection.takes_next() && !current.item.goes_alone();
            let next = if takes_next { self.next_at_once(connection.extensions()).await } else { None };
            let Ready { item, from, bytes, .. } = current;
            let result = connection.finish(bytes, next.as_ref().map(Ready::envelope).as_ref()).await;
            self.spare = connection.spare();
            let broke = result.as_ref().is_err_and(Failure::ends_connection);
            self.record(item, &from, &result);
            if broke {
                return next;
            }
            let Some(next) = next else { break };
            match connection.begun().await {
                Ok(()) => current = next,
                // Servers that want to see a connection's end just close it; that says nothing about this message.
                Err(Failure::Broken { stage: Stage::Mail, .. }) => return Some(next),
                Err(failure) => {
                    let broke = failure.ends_connection();
                    self.record(next.item, &next.from, &Err(failure));
                    if broke {
                        return None;
                    }
                    break;
                }
            }
        }
        let is_over = !conversation.connection.has_messages_left();
        self.conversation = Some(conversation);
        if is_over {
            self.hang_up_politely().await;
        }
        None
    }

    /// A connection on which the server waits for the body; `None` if the relay cannot be used now.
    async fn begin(&mut self, ready: &mut Ready) -> Option<Result<Conversation, Failure>> {
        loop {
            let reused = self.conversation.is_some();
            let mut conversation = match self.conversation.take() {
                Some(conversation) => conversation,
                None => self.open().await?,
            };
            // The last thing before it goes: signing in may have taken longer than its moment lasts.
            if ready.slot.is_some_and(Slot::is_over) {
                let Some(slot) = self.next_slot().await else {
                    self.conversation = Some(conversation);
                    return None;
                };
                ready.slot = slot;
            }
            match conversation.connection.begin(&ready.envelope()).await {
                Ok(()) => return Some(Ok(conversation)),
                // Servers hang up on connections that were idle for a while; that says nothing about this message.
                Err(
                    Failure::Broken { stage: Stage::Mail, .. } | Failure::Closing { stage: Stage::Mail, .. },
                ) if reused => {}
                Err(failure) => {
                    if !failure.ends_connection() {
                        self.conversation = Some(conversation);
                    }
                    return Some(Err(failure));
                }
            }
        }
    }

    /// A new connection; `None` if the relay cannot be used now: it rests then, and the desk says why. A relay that merely
    /// takes no more of them goes on with those that it has.
    async fn open(&mut self) -> Option<Conversation> {
        let shared = self.shared.clone();
        let Shared { relays, site, worker, .. } = &*shared;
        let pass = match relays.sign_in(self.relay) {
            Some(sign_in) => Some(self.may_sign_in(sign_in).await?),
            None => None,
        };
        let relay = relays.relay(self.relay);
        match Connection::open(relay).await {
            Ok(connection) => {
                if let Some(pass) = pass {
                    self.noted(pass.was_taken(site).await);
                }
                self.patience = CROWDED_PAUSE;
                let was_in_trouble = relays.works(self.relay);
                let counted = Counted { shared: self.shared.clone(), relay: self.relay };
                if was_in_trouble {
                    let name = relay.url.name();
                    tracing::info!(relay = name, "the mail service can be used again");
                    note(site, &name, *worker, None).await;
                }
                Some(Conversation { connection, _counted: counted })
            }
            Err(failure) => {
                let (refuses_sign_in, lost) = (failure.refuses_sign_in(), failure.breaks_sign_in_off());
                let words = outcome::words(&Err(failure));
                match pass {
                    Some(pass) if refuses_sign_in => {
                        let words = for_the_log(&words);
                        self.noted(pass.was_refused(site, &words).await);
                        self.tell_of_refusal(&words).await;
                        return None;
                    }
                    Some(pass) if lost => pass.was_broken_off(),
                    Some(pass) => self.noted(pass.was_not_tried(site).await),
                    None => {}
                }
                self.tell_of_failure(&words).await;
                None
            }
        }
    }

    /// Leave to sign in; `None` while it is refused, or somebody else tries it for all.
    async fn may_sign_in<'a>(&self, sign_in: &'a SignIn) -> Option<Pass<'a>> {
        match sign_in.ask(&self.shared.site).await {
            Ok(Answer::Yes(pass)) => return Some(pass),
            Ok(Answer::No { is_refused }) => {
                if is_refused {
                    self.tell_of_refusal("another worker was told so").await;
                } else {
                    self.shared.relays.closed();
                }
            }
            Err(error) => {
                tracing::error!(%error, "how the mail service takes our sign-in cannot be asked for; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        None
    }

    fn noted(&self, noted: crate::db::Result<()>) {
        if let Err(error) = noted {
            let relay = self.shared.relays.relay(self.relay).url.name();
            tracing::error!(relay, %error, "how the mail service took our sign-in could not be noted");
        }
    }

    /// The desk says once that the relay refuses our sign-in, whichever worker was refused; its words stand with the sign-in.
    async fn tell_of_refusal(&self, words: &str) {
        let Shared { relays, site, worker, .. } = &*self.shared;
        relays.refused(self.relay);
        let Some(sign_in) = relays.sign_in(self.relay).filter(|sign_in| sign_in.is_news()) else { return };
        let name = relays.relay(self.relay).url.name();
        tracing::error!(
            relay = name,
            why = words,
            "the mail service refuses our sign-in; one connection tries it now and then, for all"
        );
        let why = Why { words, credentials: Some(sign_in.credentials()) };
        note(site, &name, *worker, Some(why)).await;
    }

    async fn tell_of_failure(&mut self, words: &str) {
        let Shared { relays, site, worker, .. } = &*self.shared;
        let name = relays.relay(self.relay).url.name();
        match relays.failed(self.relay) {
            Failed::Crowded { first } => {
                self.crowded = true;
                if first {
                    tracing::warn!(
                        relay = name,
                        words,
                        "the mail service takes no more connections; those that are open are used"
                    );
                }
            }
            Failed::First => {
                tracing::error!(
                    relay = name,
                    why = words,
                    "the mail service cannot be used; trying again and again"
                );
                note(site, &name, *worker, Some(Why { words, credentials: None })).await;
            }
            Failed::Again => {}
        }
    }

    async fn hang_up_politely(&mut self) {
        if let Some(Conversation { connection, _counted }) = self.conversation.take() {
            connection.quit().await;
        }
    }

    /// The next message, if one is waiting that this server can take. What it cannot is recorded here.
    async fn next_at_once(&mut self, server: Extensions) -> Option<Ready> {
        loop {
            let item = self.next_item_at_once().await?;
            let Some(ready) = self.compose(item).await else { continue };
            if let Item::Delivery(claim) = &ready.item
                && self.shared.queue.is_stopped(claim.edition_id)
            {
                self.unused();
                self.put_back(ready.item);
                continue;
            }
            // Writing it took longer than its moment lasts.
            if ready.slot.is_some_and(Slot::is_over) {
                self.unused();
                self.put_back(ready.item);
                return None;
            }
            match server.check(&ready.envelope()) {
                Ok(()) => return Some(ready),
                Err(failure) => self.record(ready.item, &ready.from, &Err(failure)),
            }
        }
    }

    async fn next_item_at_once(&mut self) -> Option<Item> {
        // A relay whose limit is reached, or whose turn it is not, is given nothing more behind the message in hand.
        let Shared { relays, site, queue, .. } = &*self.shared;
        let turn = relays.turn_at_once(self.relay, site)?;
        self.turn = turn;
        if let Some(item) = queue.try_pop() {
            if !item.goes_alone()
                && let Some(slot) = relays.slot_now(self.relay)
            {
                self.slot = slot;
                self.held.push(item.key());
                return Some(item);
            }
            queue.put_back(item);
        }
        relays.unused(self.relay, turn);
        None
    }

    /// Writes the message; `None` if that cannot be done, which is recorded.
    async fn compose(&mut self, item: Item) -> Option<Ready> {
        let composed = match item {
            Item::Delivery(claim) => self.compose_delivery(claim).await,
            Item::Notice(notice) => self.compose_notice(notice).await,
        };
        if composed.is_none() {
            self.unused();
        }
        composed
    }

    async fn compose_delivery(&mut self, claim: Claim) -> Option<Ready> {
        let composed = match self.shared.variants.get(&self.shared.site, claim.variant_id).await {
            Ok(Ok(frozen)) => frozen.compose(&self.shared.site, &claim, std::mem::take(&mut self.spare)),
            Ok(Err(why)) => Err(Unwritten::Any(why)),
            // That says nothing about this copy: it waits for a database that answers.
            Err(error) => {
                tracing::error!(edition = claim.edition_id, %error, "a text cannot be read from the database; trying again");
                self.give_back(&claim);
                return None;
            }
        };
        let why = match composed {
            Ok(Message { from, bytes }) => {
                return Some(Ready { item: Item::Delivery(claim), from, bytes, slot: self.slot });
            }
            Err(Unwritten::This(why)) => why,
            // One of several bodies: the copies that carry it fail alone, and everybody else has theirs (TRUST F21).
            Err(Unwritten::Any(why)) if self.has_other_bodies(&claim).await => why,
            Err(Unwritten::Any(why)) => {
                self.pause_unreadable(&claim, &why).await;
                return None;
            }
        };
        let (state, class) = (CopyState::Failed, Some(Class::Render));
        self.record_delivery(self.delivery_record(
            &claim,
            state,
            class,
            AttemptOutcome::Failed,
            (AttemptStage::Render, why),
        ));
        None
    }

    async fn has_other_bodies(&self, claim: &Claim) -> bool {
        rows::has_other_bodies(&self.shared.site.db, claim.variant_id).await.unwrap_or(false)
    }

    /// None of the edition's copies can be written: it pauses, which people are told of, and its copies wait.
    async fn pause_unreadable(&mut self, claim: &Claim, why: &str) {
        let edition = claim.edition_id;
        tracing::error!(edition, why, "no copy of an edition can be written");
        match breaker::pause_unreadable(&self.shared.site, edition, format!("{NO_COPY}: {why}")).await {
            Ok(()) => self.shared.queue.stop_editions([edition]),
            Err(error) => tracing::error!(edition, %error, "it could not be paused; trying again"),
        }
        // Whoever mends it and lets it go on has it read anew.
        self.shared.variants.forget();
        self.give_back(claim);
    }

    async fn compose_notice(&mut self, notice: Box<ClaimedNotice>) -> Option<Ready> {
        // No later try reads it any better.
        if let Err(error) = EmailAddress::parse(&notice.address) {
            self.record_notice(&notice, Ending::Failed(Class::Render), error.to_string());
            return None;
        }
        match self.forbidden(&notice).await {
            Ok(None) => {}
            Ok(Some(why)) => {
                self.record_notice(&notice, Ending::Suppressed(Class::Suppressed), why.to_owned());
                return None;
            }
            Err(error) => {
                let again = self.again(&notice, Class::Database);
                self.record_notice(&notice, again, error);
                return None;
            }
        }
        let (site, templates) = (self.shared.site.clone(), self.shared.templates.clone());
        let composed = if notice.message.is_some() {
            heavy::quietly(|| compose_notice(&site, &templates, &notice))
        } else {
            let own = notice.clone();
            heavy::aside(move || compose_notice(&site, &templates, &own)).await
        };
        match composed.unwrap_or_else(|cause| Err(format!("writing it failed: {cause}"))) {
            Ok(bytes) => {
                let from = self.return_path(&notice);
                Some(Ready { from, item: Item::Notice(notice), bytes, slot: self.slot })
            }
            Err(why) => {
                let template = &notice.template;
                tracing::error!(notice = notice.id, template, why, "an automatic email cannot be written");
                self.record_notice(&notice, Ending::Failed(Class::Render), why);
                None
            }
        }
    }

    /// Where a letter comes back to: of one to a reader, where it can be told whose it was.
    fn return_path(&self, notice: &ClaimedNotice) -> String {
        let site = &self.shared.site;
        let to_reader = || {
            let reader = notice.reader.as_deref().filter(|_| !OF_THE_TEAM.contains(&&*notice.template))?;
            let hash = Suppressions::new(site).hash(&EmailAddress::from_store(notice.address.clone()));
            verp::letter_path(&site.keys, site.bounce_address.as_ref()?, reader, &hash)
        };
        to_reader().unwrap_or_else(|| notice.from_email.clone())
    }

    /// Why a letter is not sent. Only what says that the mailbox itself does not want mail stops an automatic email (TRUST M29); whom
    /// staff blocked is neither asked, greeted, told of a pause, sent the link to their choices nor taken leave of; and who left or came back meanwhile is not told the contrary.
    async fn forbidden(&self, notice: &ClaimedNotice) -> Result<Option<&'static str>, String> {
        let address = EmailAddress::parse(&notice.address).map_err(|error| error.to_string())?;
        let site = &self.shared.site;
        let reason = Suppressions::new(site).reason(&address).await.map_err(|error| error.to_string())?;
        let template = &*notice.template;
        let of_lists = [Welcome::NAME, GoodBye::NAME].contains(&template);
        let asks = [
            ConfirmSubscription::NAME,
            AlreadyReader::NAME,
            Welcome::NAME,
            ChoicesLink::NAME,
            Paused::NAME,
            AddressChangeOld::NAME,
            AddressChangeNew::NAME,
            AddressIsKnown::NAME,
            AddressChanged::NAME,
            AddressTakenBack::NAME,
            NewGiftAddress::NAME,
        ]
        .contains(&template);
        let parts = template == GoodBye::NAME;
        if reason.is_some_and(|reason| parts || stops_letter(reason, asks)) {
            return Ok(Some("the address bounced or complained before, or staff blocked it"));
        }
        let over =
            of_lists && no_longer_true(&site.db, notice.id).await.map_err(|error| error.to_string())?;
        Ok(over.then_some("the reader left, or came back"))
    }

    /// The gate before a body: the commit of its marker, and of every result handed over before. Whatever forbids it is asked
    /// for once more, by the address as it stands in the envelope.
    async fn may_write(&self, item: &Item) -> bool {
        let hash = |address: &str| {
            Suppressions::new(&self.shared.site).hash(&EmailAddress::from_store(address.to_owned()))
        };
        match item {
            Item::Delivery(claim) => self.writer.mark(claim.key(), hash(&claim.address)).await,
            Item::Notice(notice) => {
                self.writer.mark_notice((notice.id, notice.attempt), hash(&notice.address)).await
            }
        }
    }

    /// The gate before a body, where there is a limit by the second: when the database kept the marker waiting, another moment is
    /// waited for, so that not all connections write at once when it answers; and because of that wait the gate is asked again.
    /// Otherwise why it is not sent.
    async fn may_write_now(&self, ready: &mut Ready) -> Result<(), &'static str> {
        let began = clock::instant();
        loop {
            let asked = clock::instant();
            if !self.may_write(&ready.item).await {
                return Err("not sent: the edition was stopped, or the reader left");
            }
            if ready.slot.is_none() || asked.elapsed() <= LONG_MARKER {
                return Ok(());
            }
            ready.slot = self.next_slot().await.ok_or("not sent: the program was stopped")?;
            if began.elapsed() > LONGEST_WAIT {
                return Err("not sent: the database kept it waiting for too long");
            }
        }
    }

    /// A message that was not sent after all. If the row is still ours, it goes back unharmed.
    fn let_go(&mut self, item: Item, why: &str) {
        match item {
            Item::Delivery(claim) => {
                let why = (AttemptStage::Data, why.to_owned());
                let record =
                    self.delivery_record(&claim, CopyState::Queued, None, AttemptOutcome::HeldBack, why);
                self.record_delivery(Record { counts: false, ..record });
            }
            Item::Notice(notice) => {
                let ending = Ending::Retry { class: Class::Stopped, at: self.shared.site.now() };
                self.record_notice(&notice, ending, why.to_owned());
            }
        }
    }

    /// It is no longer in hand: what became of it, or who has it now, is said next.
    fn let_off(&mut self, key: ItemKey) {
        self.held.retain(|held| *held != key);
        self.got_on = true;
    }

    /// It cannot be written now, for no fault of its own.
    fn give_back(&mut self, claim: &Claim) {
        self.let_off(claim.item_key());
        let back = Back { wait: DATABASE_PAUSE, ..Back::not_begun(claim.item_key()) };
        self.shared.queue.give_back([back]);
    }

    fn put_back(&mut self, item: Item) {
        self.held.retain(|held| *held != item.key());
        self.shared.queue.put_back(item);
    }

    fn record(&mut self, item: Item, from: &str, result: &Outcome) {
        match item {
            Item::Delivery(claim) => self.record_delivery(self.judge_delivery(&claim, from, result)),
            Item::Notice(notice) => {
                let ending = match self.verdict(from, &notice.address, result) {
                    Verdict::Accepted => Ending::Accepted,
                    Verdict::Failed(class) => Ending::Failed(class),
                    Verdict::Refused(reason) => Ending::Failed(reason.into()),
                    Verdict::Retry(class) => self.again(&notice, class),
                    Verdict::Stop(reason) => self.again(&notice, reason.into()),
                    Verdict::Unknown => {
                        // Its end is the third doubt, however many tries there were.
                        let gap = outcome::retry_gap(notice.attempt).unwrap_or(DOUBT_PAUSE);
                        Ending::Doubt { class: Class::NoAnswer, at: self.shared.site.now().plus(gap) }
                    }
                    Verdict::NoRelay => self.again(&notice, Class::NoRelay),
                };
                self.record_notice(&notice, ending, outcome::words(result));
            }
        }
    }

    fn verdict(&self, from: &str, to: &str, result: &Outcome) -> Verdict {
        let hello = &self.shared.relays.relay(self.relay).hello;
        outcome::judge(result, outcome::Names { from, to, hello })
    }

    fn judge_delivery(&self, claim: &Claim, from: &str, result: &Outcome) -> Record {
        let now = self.shared.site.now();
        let patience = patience::asked_for(result);
        if patience == Some(Patience::Domain) {
            self.shared.queue.pace.slow_down(&claim.domain_key, &outcome::words(result), clock::instant());
        }
        let base = |state, class, word| {
            self.delivery_record(claim, state, class, word, (outcome::stage(result), outcome::words(result)))
        };
        let failed = |class| base(CopyState::Failed, Some(class), AttemptOutcome::Failed);
        let again = |class| base(CopyState::Queued, Some(class), AttemptOutcome::Retry);
        match self.verdict(from, &claim.address, result) {
            Verdict::Accepted => {
                self.shared.queue.taken(&claim.domain_key);
                base(CopyState::Accepted, None, AttemptOutcome::Accepted)
            }
            Verdict::Failed(class) => failed(class),
            Verdict::Refused(reason) => Record { reason: Some(reason), ..failed(reason.into()) },
            Verdict::Stop(reason) => Record { reason: Some(reason), ..again(reason.into()) },
            Verdict::Retry(class) if patience == Some(Patience::Domain) => {
                let pace = &self.shared.queue.pace;
                let asked_at = patience::asked_since(claim, now);
                let asked_for = now.since(asked_at);
                if asked_for > patience::LONGEST {
                    return failed(Class::Exhausted);
                }
                Record {
                    next_at: now.plus(pace.rules().copy_waits(asked_for)),
                    lane: pace.key(&claim.domain_key),
                    asked_at: Some(asked_at),
                    counts: false,
                    ..again(class)
                }
            }
            Verdict::Retry(class) => match outcome::retry_gap(claim.attempt - claim.earlier_attempts) {
                Some(gap) => Record { next_at: now.plus(gap), ..again(class) },
                None => failed(Class::Exhausted),
            },
            Verdict::Unknown if claim.hold => {
                base(CopyState::Unknown, Some(Class::NoAnswer), AttemptOutcome::Unknown)
            }
            Verdict::Unknown => Record {
                maybe_duplicate: true,
                next_at: now.plus(Duration::from_secs(60)),
                ..base(CopyState::Queued, None, AttemptOutcome::Unknown)
            },
            Verdict::NoRelay => again(Class::NoRelay),
        }
    }

    fn delivery_record(
        &self,
        claim: &Claim,
        state: CopyState,
        class: Option<Class>,
        outcome: AttemptOutcome,
        (stage, reply): (AttemptStage, String),
    ) -> Record {
        let now = self.shared.site.now();
        Record {
            edition_id: claim.edition_id,
            subscriber_id: claim.subscriber_id,
            attempt: claim.attempt,
            state,
            class,
            next_at: now,
            maybe_duplicate: false,
            outcome,
            stage,
            reply,
            reason: None,
            at: now,
            lane: String::new(),
            asked_at: None,
            counts: true,
        }
    }

    fn record_delivery(&mut self, record: Record) {
        self.let_off(record.item_key());
        self.writer.record(record);
    }

    fn record_notice(&mut self, notice: &ClaimedNotice, ending: Ending, reply: String) {
        self.let_off(notice.item_key());
        let at = self.shared.site.now();
        self.writer.record_notice(NoticeRecord { id: notice.id, attempt: notice.attempt, ending, reply, at });
    }

    fn again(&self, notice: &ClaimedNotice, class: Class) -> Ending {
        match outcome::retry_gap(notice.attempt) {
            Some(gap) => Ending::Retry { class, at: self.shared.site.now().plus(gap) },
            None => Ending::Failed(Class::Exhausted),
        }
    }
}

/// Tells the desk of a relay in trouble, or out of it.
async fn note(site: &Site, relay: &str, worker: i64, why: Option<Why<'_>>) {
    if let Err(error) = relays::note(site, relay, worker, why).await {
        tracing::error!(%error, "the state of a relay could not be noted");
    }
}

//! What a test tells the SMTP server to do instead of answering as it should.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::LineEnds;
use crate::clock;

/// The moment of a conversation at which a rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The greeting.
    Connect,
    /// The reply to EHLO or HELO.
    Ehlo,
    /// The reply to MAIL.
    Mail,
    /// The reply to RCPT, for the recipient named there.
    Rcpt,
    /// The reply to DATA.
    Data,
    /// After some of the message has arrived and before its final dot.
    Body,
    /// The reply to the final dot. A message that is not refused here is kept.
    Dot,
    /// The reply to a sign-in, right or wrong.
    Auth,
}

/// What happens instead of the proper reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Reply(u16, String),
    Raw(Vec<u8>),
    Drop,
    DropAfterReply,
    Silence,
}

/// Holds back the answers of its rules until it is let go: for what has to happen in between, however long that takes.
/// A clone is a handle on the same hold.
#[derive(Clone, Debug, Default)]
pub struct Hold(watch::Sender<bool>);

impl Hold {
    /// Lets go, for good, what waits and what comes later.
    pub fn let_go(&self) {
        self.0.send_replace(true);
    }

    async fn over(&self) {
        let mut told = self.0.subscribe();
        while !*told.borrow_and_update() && told.changed().await.is_ok() {}
    }
}

/// One thing that goes otherwise than it should.
///
/// The first rule that fits decides, except that the delays of all rules that fit are added up.
#[derive(Clone, Debug)]
pub struct Rule {
    stage: Stage,
    recipient: Option<String>,
    domain: Option<String>,
    spared: Option<Spared>,
    until: Option<Instant>,
    left: Option<u32>,
    delay: Duration,
    hold: Option<Hold>,
    action: Option<Action>,
}

impl Rule {
    /// A rule for one moment; it fits every message and does nothing until told what.
    #[must_use]
    pub fn at(stage: Stage) -> Self {
        Self {
            stage,
            recipient: None,
            domain: None,
            spared: None,
            until: None,
            left: None,
            delay: Duration::ZERO,
            hold: None,
            action: None,
        }
    }

    /// Fits only messages to this address, whatever the case. At stages before RCPT no recipient is known and nothing fits.
    #[must_use]
    pub fn to(mut self, recipient: &str) -> Self {
        self.recipient = Some(recipient.to_lowercase());
        self
    }

    /// Fits only messages to this domain, whatever the case.
    #[must_use]
    pub fn to_domain(mut self, domain: &str) -> Self {
        self.domain = Some(format!("@{}", domain.to_lowercase()));
        self
    }

    /// Lets so many through in each span of that length, and applies to those beyond.
    #[must_use]
    pub fn beyond(mut self, most: u32, span: Duration) -> Self {
        self.spared = Some(Spared { most, span, since: clock::instant(), count: 0 });
        self
    }

    /// Applies for so long from now on.
    #[must_use]
    pub fn lasting(mut self, span: Duration) -> Self {
        self.until = Some(clock::instant() + span);
        self
    }

    /// Applies that many times and is gone; without it, for ever.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }

    /// Waits before it answers.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits until it is let go before it answers.
    #[must_use]
    pub fn held(mut self, hold: &Hold) -> Self {
        self.hold = Some(hold.clone());
        self
    }

    /// Answers with this code and text. A 421 also closes the connection; a 4xx or 5xx at the dot refuses the message.
    #[must_use]
    pub fn reply(mut self, code: u16, text: &str) -> Self {
        self.action = Some(Action::Reply(code, text.to_owned()));
        self
    }

    /// Sends these bytes in place of a reply. At the dot, the message is kept.
    #[must_use]
    pub fn garbage(mut self, bytes: &[u8]) -> Self {
        self.action = Some(Action::Raw(bytes.to_vec()));
        self
    }

    /// Closes the connection without a reply. At the dot the message is kept: it arrived, and the sender cannot know.
    #[must_use]
    pub fn drop_connection(mut self) -> Self {
        self.action = Some(Action::Drop);
        self
    }

    /// Answers as it should, and then closes the connection.
    #[must_use]
    pub fn drop_after_reply(mut self) -> Self {
        self.action = Some(Action::DropAfterReply);
        self
    }

    /// Never answers, and keeps the connection open until the client gives up. At the dot the message is kept.
    #[must_use]
    pub fn silence(mut self) -> Self {
        self.action = Some(Action::Silence);
        self
    }

    fn fits(&mut self, stage: Stage, recipients: &[String]) -> bool {
        let to = |wanted: &dyn Fn(&str) -> bool| {
            recipients.iter().any(|recipient| wanted(&recipient.to_lowercase()))
        };
        self.stage == stage
            && self.left != Some(0)
            && self.until.is_none_or(|until| clock::instant() < until)
            && self.recipient.as_ref().is_none_or(|wanted| to(&|recipient| recipient == wanted))
            && self.domain.as_ref().is_none_or(|domain| to(&|recipient| recipient.ends_with(domain)))
            && self.spared.as_mut().is_none_or(Spared::is_used_up)
    }
}

/// How many a rule lets through in a span of time.
#[derive(Clone, Debug)]
struct Spared {
    most: u32,
    span: Duration,
    since: Instant,
    count: u32,
}

impl Spared {
    fn is_used_up(&mut self) -> bool {
        let now = clock::instant();
        if now.duration_since(self.since) >= self.span {
            (self.since, self.count) = (now, 0);
        }
        self.count += 1;
        self.count > self.most
    }
}

/// What the rules ask for at one moment.
#[derive(Debug, Default)]
pub(super) struct Asked {
    delay: Duration,
    holds: Vec<Hold>,
    pub(super) action: Option<Action>,
}

impl Asked {
    /// Whether the answer is to come later.
    pub(super) fn waits(&self) -> bool {
        !self.delay.is_zero() || !self.holds.is_empty()
    }

    /// Waits as long as the rules ask for.
    pub(super) async fn wait(&self) {
        tokio::time::sleep(self.delay).await;
        for hold in &self.holds {
            hold.over().await;
        }
    }
}

/// The rules in force. A clone is a handle on the same rules.
#[derive(Clone, Debug, Default)]
pub struct SmtpScript(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    line_ends: LineEnds,
    /// How often each stage was reached.
    reached: [u64; 8],
}

impl SmtpScript {
    /// Adds a rule behind those that are there.
    pub fn add(&self, rule: Rule) {
        self.lock().rules.push(rule);
    }

    /// Forgets all rules and reads strictly again.
    pub fn clear(&self) {
        let mut state = self.lock();
        *state = State { reached: state.reached, ..State::default() };
    }

    /// How often a stage was reached, since the server began.
    pub fn reached(&self, stage: Stage) -> u64 {
        self.lock().reached[stage as usize]
    }

    /// Reads line ends strictly or leniently, from the next message on.
    pub fn read_line_ends(&self, ends: LineEnds) {
        self.lock().line_ends = ends;
    }

    pub(super) fn line_ends(&self) -> LineEnds {
        self.lock().line_ends
    }

    /// What to do at this moment; what applies only so many times is used up by asking.
    pub(super) fn ask(&self, stage: Stage, recipients: &[String]) -> Asked {
        let mut state = self.lock();
        state.reached[stage as usize] += 1;
        let mut asked = Asked::default();
        for rule in &mut state.rules {
            if rule.action.is_some() && asked.action.is_some() || !rule.fits(stage, recipients) {
                continue;
            }
            asked.delay += rule.delay;
            asked.holds.extend(rule.hold.clone());
            if rule.action.is_some() {
                asked.action.clone_from(&rule.action);
            }
            if let Some(left) = &mut rule.left {
                *left -= 1;
            }
        }
        state.rules.retain(|rule| rule.left != Some(0));
        asked
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_one_recipient_is_used_up_and_leaves_others_alone() {
        let script = SmtpScript::default();
        script.add(Rule::at(Stage::Rcpt).to("Ada@example.org").times(1).reply(450, "4.2.1 Later"));
        let ada = ["ada@example.org".to_owned()];
        assert_eq!(script.ask(Stage::Rcpt, &["bo@example.org".to_owned()]).action, None);
        assert!(script.ask(Stage::Rcpt, &ada).action.is_some());
        assert_eq!(script.ask(Stage::Rcpt, &ada).action, None);
    }

    #[test]
    fn a_rule_for_a_domain_can_let_some_through() {
        let script = SmtpScript::default();
        let hour = Duration::from_secs(3_600);
        script.add(Rule::at(Stage::Rcpt).to_domain("example.org").beyond(2, hour).reply(451, "4.7.1 Slower"));
        script.add(Rule::at(Stage::Rcpt).lasting(Duration::ZERO).reply(451, "4.7.1 Long ago"));
        let mut is_refused = |address: &str| script.ask(Stage::Rcpt, &[address.to_owned()]).action.is_some();
        let answers = ["ada@example.org", "bo@sub.example.org", "bo@Example.org", "cy@example.org"]
            .map(&mut is_refused);
        assert_eq!(answers, [false, false, false, true]);
        assert_eq!(script.reached(Stage::Rcpt), 4);
    }

    #[test]
    fn delays_add_up_and_the_first_action_wins() {
        let script = SmtpScript::default();
        script.add(Rule::at(Stage::Dot).delay(Duration::from_millis(5)));
        script.add(Rule::at(Stage::Dot).delay(Duration::from_millis(7)).drop_connection());
        script.add(Rule::at(Stage::Dot).times(1).reply(451, "4.0.0 no"));
        let asked = script.ask(Stage::Dot, &[]);
        assert_eq!(asked.delay, Duration::from_millis(12));
        assert_eq!(asked.action, Some(Action::Drop));
    }
}

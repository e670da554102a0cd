//! Telling people from programs that fill in the form, without anybody else's help.
//!
//! A form says when it was made, and a program that sends it back in a moment gives itself away. When more than usual come, a
//! browser is asked for some work: to find a number that makes the hash of our challenge begin with noughts. That takes it a
//! second or so, and costs whoever wants thousands of mails thousands of seconds; we check it by one hash (TRUST A24).

use std::time::Duration;

use crate::{
    attempts,
    clock::Moment,
    db::{Result, Tx},
    site::Site,
    token::{self, Purpose},
};

/// How many bits of the hash are nought.
pub const BITS: u32 = 17;
/// An answer is a number, of no more digits than browsers count with.
const LONGEST_ANSWER: usize = 20;
/// How long a challenge can be answered.
const LASTS: Duration = Duration::from_secs(3_600);
/// How long an answer that was good may wait until it is taken.
pub const MAY_WAIT: Duration = Duration::from_secs(86_400);

/// For a form: when it was made.
#[must_use]
pub fn stamp(site: &Site) -> String {
    site.keys.sign(Purpose::SignUp, &format!("made.{}", site.now().0), None)
}

/// The same for a form of which no two are alike: what is begun by one of them is counted.
#[must_use]
pub fn mark(site: &Site) -> String {
    site.keys.sign(Purpose::SignUp, &format!("made.{}.{}", site.now().0, token::public_id()), None)
}

/// How long ago a form was made, by our own clock; none for a form that does not say so, or was made by a clock that is ahead.
#[must_use]
pub fn age(site: &Site, stamp: &str) -> Option<Duration> {
    let now = site.now();
    let scope = site.keys.verify(Purpose::SignUp, stamp, now).ok()?;
    let made = scope.strip_prefix("made.")?.split('.').next()?;
    let made = Moment(made.parse().ok()?);
    (made <= now).then(|| now.since(made))
}

/// A challenge for one sign-up.
#[must_use]
pub fn challenge(site: &Site) -> String {
    let scope = format!("work.{}", token::public_id());
    site.keys.sign(Purpose::SignUp, &scope, Some(site.now().plus(LASTS)))
}

/// Whether a number answers a challenge, whoever made that.
#[must_use]
pub fn answers(challenge: &str, answer: &str) -> bool {
    if answer.len() > LONGEST_ANSWER {
        return false;
    }
    let hash = token::hash(&format!("{challenge}:{answer}"));
    u32::from_str_radix(&hash[..8], 16).is_ok_and(|first| first.leading_zeros() >= BITS)
}

/// Whether a number answers a challenge of ours that is not too old. It may have been taken before.
#[must_use]
pub fn is_answered(site: &Site, challenge: &str, answer: &str) -> bool {
    was_answered(site, (challenge, answer), site.now())
}

fn was_answered(site: &Site, (challenge, answer): (&str, &str), at: Moment) -> bool {
    let scope = site.keys.verify(Purpose::SignUp, challenge, at);
    scope.is_ok_and(|scope| scope.starts_with("work.")) && answers(challenge, answer)
}

/// Takes an answer to a challenge of ours, once: one that was good at that moment, for it may have waited since.
///
/// # Errors
/// When the database fails.
pub async fn accept(tx: &mut Tx, site: &Site, (challenge, answer): (&str, &str), at: Moment) -> Result<bool> {
    if !was_answered(site, (challenge, answer), at) {
        return Ok(false);
    }
    attempts::once(tx, site, ("work", challenge), LASTS + MAY_WAIT).await
}

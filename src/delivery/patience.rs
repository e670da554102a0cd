//! What a server means that asks for patience: all of its domain's mail, or one copy.
//!
//! Greylisting asks each copy to come again in some minutes, however slowly the others come: slowing its domain would only make
//! each copy begin its minutes later.

use super::{
    outcome,
    smtp::{Failure, Reply},
};

/// Whose matter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// The domain takes no more at this pace; the copy waits with all others, as if it had not been tried.
    Domain,
    /// The copy is to come again in some minutes.
    Copy,
}

/// What is asked for, if anything is (TRUST M22).
pub(super) fn asked_for(result: &Result<Reply, Failure>) -> Option<Patience> {
    if !outcome::asks_for_patience(result) {
        return None;
    }
    let words = outcome::words(result).to_lowercase().replace(['-', ' '], "").replace("gray", "grey");
    Some(if words.contains("greylist") { Patience::Copy } else { Patience::Domain })
}

#[cfg(test)]
mod tests {
    use super::{super::smtp::Stage, *};

    #[test]
    fn greylisting_is_about_the_copy() {
        for (code, text, asked) in [
            (451, "4.7.1 Greylisting in action, please come back later", Some(Patience::Copy)),
            (
                450,
                "4.7.1 <reader@example.org>: Recipient address rejected: Gray-listed",
                Some(Patience::Copy),
            ),
            (451, "4.7.1 Too many messages, try again later", Some(Patience::Domain)),
            (421, "4.7.28 Unusual rate of mail", Some(Patience::Domain)),
            (450, "4.2.0 Greylisted", None),
        ] {
            let reply = Reply { code, text: text.to_owned(), lines: vec![text.to_owned()] };
            let result = Err(Failure::Refused { stage: Stage::Rcpt, reply });
            assert_eq!(asked_for(&result), asked, "{text}");
        }
    }
}

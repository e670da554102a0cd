//! What a mail server does to one reader's copy, and what must become of it.

use std::time::Duration;

use broadside::sandbox::{Rule, Stage};

use crate::support::Seed;

/// The way a copy goes.
#[derive(Clone, Debug)]
pub struct Fate {
    pub what: &'static str,
    stage: Stage,
    act: Act,
    /// How often it happens; `None` for ever.
    times: Option<u32>,
    pub ends: End,
}

#[derive(Clone, Debug)]
enum Act {
    Reply(u16, &'static str),
    Garbage(Vec<u8>),
    Drop,
    DropAfterReply,
    Silence,
    Delay(u64),
}

/// What must become of the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Taken, and nothing was ever in doubt.
    Accepted,
    /// Taken in the end; so many times the answer to the final dot did not come.
    Doubted(u32),
    /// Taken in the end; the sender may not be able to tell whether the final dot had arrived before.
    CutOff,
    /// Not taken, with the class of the failure, and nothing arrived.
    Failed(&'static str),
}

impl Fate {
    /// One of the fates of TRUST F7 to F12.
    pub fn draw(seed: &mut Seed) -> Self {
        let times = 1 + u32::try_from(seed.within(0..2)).expect("a small number");
        let (what, stage, act, ends) = match seed.within(0..26) {
            0 => ("greylisted", Stage::Rcpt, Act::Reply(450, "4.2.1 come back later"), End::Accepted),
            1 => ("451 at RCPT", Stage::Rcpt, Act::Reply(451, "no reason"), End::Accepted),
            2 => ("421 at RCPT", Stage::Rcpt, Act::Reply(421, "4.7.0 too many"), End::Accepted),
            3 => ("452 at DATA", Stage::Data, Act::Reply(452, "4.3.1 no room"), End::Accepted),
            4 => ("421 at DATA", Stage::Data, Act::Reply(421, "4.3.2 closing"), End::Accepted),
            5 => ("451 at the dot", Stage::Dot, Act::Reply(451, "4.3.0 try again"), End::Accepted),
            6 => ("421 at the dot", Stage::Dot, Act::Reply(421, "4.3.2 closing"), End::Accepted),
            7 => ("cut off at RCPT", Stage::Rcpt, Act::Drop, End::Accepted),
            8 => ("cut off at DATA", Stage::Data, Act::Drop, End::Accepted),
            9 => ("cut off in the body", Stage::Body, Act::Drop, End::CutOff),
            10 => ("cut off after the final dot", Stage::Dot, Act::Drop, End::Doubted(times)),
            11 => ("hung up on after the reply", Stage::Dot, Act::DropAfterReply, End::Accepted),
            12 => ("noise at RCPT", Stage::Rcpt, Act::Garbage(noise(seed)), End::Accepted),
            13 => ("noise at DATA", Stage::Data, Act::Garbage(noise(seed)), End::Accepted),
            14 => ("noise at the dot", Stage::Dot, Act::Garbage(noise(seed)), End::Doubted(times)),
            15 => ("slow at the dot", Stage::Dot, Act::Delay(seed.within(1..60) as u64), End::Accepted),
            16 => ("slow in the body", Stage::Body, Act::Delay(seed.within(1..60) as u64), End::Accepted),
            17 => {
                return Self::for_ever(
                    "unknown user",
                    Stage::Rcpt,
                    550,
                    "5.1.1 nobody here",
                    "no such mailbox",
                );
            }
            18 => {
                return Self::for_ever("550 without a code", Stage::Rcpt, 550, "nobody here", "refused");
            }
            19 => {
                let class = "mailbox full";
                return Self::for_ever("over quota", Stage::Rcpt, 552, "5.2.2 no room", class);
            }
            20 => {
                return Self::for_ever(
                    "bad address",
                    Stage::Rcpt,
                    553,
                    "5.1.3 no such form",
                    "no such mailbox",
                );
            }
            21 => {
                return Self::for_ever(
                    "554 at DATA",
                    Stage::Data,
                    554,
                    "5.5.0 no",
                    "trouble with a mail server",
                );
            }
            22 => return Self::for_ever("554 at the dot", Stage::Dot, 554, "5.6.0 not this one", "refused"),
            23 => return Self::for_ever("full for ever", Stage::Rcpt, 452, "4.2.2 no room", "exhausted"),
            24 => {
                return Self::for_ever(
                    "451 at the dot for ever",
                    Stage::Dot,
                    451,
                    "4.3.0 not now",
                    "exhausted",
                );
            }
            _ => ("a 2xx that is none", Stage::Dot, Act::Reply(354, "what?"), End::Doubted(times)),
        };
        Self { what, stage, act, times: Some(times), ends }
    }

    /// A server that says nothing for good: the time limits have to end it (TRUST F11, F13, M19).
    pub fn silent(seed: &mut Seed) -> Self {
        let (stage, ends) = match seed.within(0..3) {
            0 => (Stage::Rcpt, End::Accepted),
            1 => (Stage::Data, End::Accepted),
            _ => (Stage::Dot, End::Doubted(1)),
        };
        Self { what: "silent for good", stage, act: Act::Silence, times: Some(1), ends }
    }

    fn for_ever(
        what: &'static str,
        stage: Stage,
        code: u16,
        text: &'static str,
        class: &'static str,
    ) -> Self {
        Self { what, stage, act: Act::Reply(code, text), times: None, ends: End::Failed(class) }
    }

    /// The script for one reader.
    pub fn rule(&self, reader: &str) -> Rule {
        let rule = Rule::at(self.stage).to(reader);
        let rule = match self.times {
            Some(times) => rule.times(times),
            None => rule,
        };
        match &self.act {
            Act::Reply(code, text) => rule.reply(*code, text),
            Act::Garbage(bytes) => rule.garbage(bytes),
            Act::Drop => rule.drop_connection(),
            Act::DropAfterReply => rule.drop_after_reply(),
            Act::Silence => rule.silence(),
            Act::Delay(milliseconds) => rule.delay(Duration::from_millis(*milliseconds)),
        }
    }
}

/// Something in place of a reply that is none, and never a "yes" (TRUST F12).
fn noise(seed: &mut Seed) -> Vec<u8> {
    match seed.within(0..8) {
        0 => b"\r\n".to_vec(),
        1 => b"hello\r\n".to_vec(),
        2 => b"25\r\n".to_vec(),
        3 => b"2\x000 ok\r\n".to_vec(),
        4 => b"999 what\r\n".to_vec(),
        5 => b"\xff\xfe\xfd\r\n".to_vec(),
        6 => [b"250-".as_slice(), &[b'x'; 300_000], b"\r\n"].concat(),
        _ => b"250-more\r\n".repeat(20_000),
    }
}

/// What a server does to whoever comes along, before it knows for whom (TRUST F5, F7).
pub fn for_anybody(seed: &mut Seed) -> Rule {
    match seed.within(0..9) {
        0 => Rule::at(Stage::Connect).times(1).reply(421, "4.3.2 too many connections"),
        1 => Rule::at(Stage::Connect).times(1).reply(554, "5.7.0 not you"),
        2 => Rule::at(Stage::Connect).times(1).drop_connection(),
        3 => Rule::at(Stage::Connect).times(1).garbage(b"hello\r\n"),
        4 => Rule::at(Stage::Ehlo).times(1).drop_connection(),
        5 => Rule::at(Stage::Ehlo).times(1).reply(421, "4.3.2 closing"),
        6 => Rule::at(Stage::Mail).times(2).reply(451, "4.3.0 not now"),
        7 => Rule::at(Stage::Mail).times(2).reply(421, "4.7.0 slow down"),
        _ => Rule::at(Stage::Mail).times(2).drop_connection(),
    }
}

//! AUTH PLAIN and LOGIN (RFC 4954), for a server that was told to ask for a password.

use std::io;

use data_encoding::BASE64;

use super::{
    script::Stage,
    session::{Next, Session},
};

impl Session {
    pub(super) async fn authenticate(
        &mut self,
        mechanism: &str,
        initial: Option<String>,
    ) -> io::Result<Next> {
        let Some(wanted) =
            self.server.options.credentials.clone().filter(|_| self.greeted && !self.signed_in)
        else {
            return Ok(self.say(503, "5.5.1 Not now"));
        };
        let given = match mechanism {
            "PLAIN" => {
                let answer = match initial {
                    Some(initial) => Some(initial),
                    None => self.challenge("").await?,
                };
                answer.and_then(|answer| {
                    let decoded = decode(&answer)?;
                    let mut parts = decoded.split('\0').skip(1).map(str::to_owned);
                    Some((parts.next()?, parts.next()?))
                })
            }
            "LOGIN" => {
                let user = match initial {
                    Some(initial) => Some(initial),
                    None => self.challenge("Username:").await?,
                };
                let password = self.challenge("Password:").await?;
                user.and_then(|user| decode(&user)).zip(password.and_then(|password| decode(&password)))
            }
            _ => return Ok(self.say(504, "5.5.4 Mechanism not known")),
        };
        let is_right = given == Some(wanted);
        let (code, text) =
            if is_right { (235, "2.7.0 Welcome") } else { (535, "5.7.8 Wrong user or password") };
        let next = self.answer(Stage::Auth, code, text).await?;
        self.signed_in = is_right && self.last_reply_is_good();
        Ok(next)
    }

    async fn challenge(&mut self, text: &str) -> io::Result<Option<String>> {
        self.say(334, &BASE64.encode(text.as_bytes()));
        Ok(self.line().await?.and_then(Result::ok).filter(|line| line != "*"))
    }
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(BASE64.decode(text.as_bytes()).ok()?).ok()
}

//! One connection: the conversation from the greeting to QUIT.

use std::{io, sync::Arc};

use tokio::io::AsyncWriteExt;

use super::{
    Server,
    body::{Body, Progress},
    command::{Command, Path, parse},
    script::{Action, Asked, Stage},
};
use crate::{
    door::Guest,
    sandbox::mailbox::{Arrival, Exchange},
};

const NAME: &str = "sandbox.broadside.test";

pub(super) struct Session {
    pub(super) stream: Guest,
    pub(super) server: Arc<Server>,
    connection: u64,
    pub(super) input: Vec<u8>,
    pub(super) output: Vec<u8>,
    pub(super) greeted: bool,
    pub(super) signed_in: bool,
    envelope: Option<Envelope>,
    /// The code and text last given; nothing after a reply that was none.
    pub(super) last: Option<(u16, String)>,
}

struct Envelope {
    from: String,
    smtputf8: bool,
    recipients: Vec<String>,
}

/// Whether the conversation goes on.
#[derive(PartialEq, Eq)]
pub(super) enum Next {
    Listen,
    Close,
}

impl Session {
    pub(super) fn new(stream: Guest, server: Arc<Server>, connection: u64) -> Self {
        let signed_in = server.options.credentials.is_none();
        Self {
            stream,
            server,
            connection,
            input: Vec::new(),
            output: Vec::new(),
            greeted: false,
            signed_in,
            envelope: None,
            last: None,
        }
    }

    /// Talks until one side has had enough.
    pub(super) async fn run(mut self) -> io::Result<()> {
        let greeting = format!("{NAME} ESMTP Broadside sandbox: nothing leaves this machine");
        if self.answer(Stage::Connect, 220, &greeting).await? == Next::Close {
            return self.close().await;
        }
        while let Some(line) = self.line().await? {
            let next = match line {
                Ok(line) => self.obey(&line).await?,
                Err((code, text)) => self.say(code, text),
            };
            if next == Next::Close {
                break;
            }
        }
        self.close().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.stream.shutdown().await
    }

    async fn obey(&mut self, line: &str) -> io::Result<Next> {
        let command = match parse(line) {
            Ok(command) => command,
            Err((code, text)) => return Ok(self.say(code, text)),
        };
        match command {
            Command::Ehlo(_) => {
                self.envelope = None;
                self.greeted = true;
                let text = self.extensions();
                self.answer(Stage::Ehlo, 250, &text).await
            }
            Command::Helo(_) => {
                self.envelope = None;
                self.greeted = true;
                self.answer(Stage::Ehlo, 250, NAME).await
            }
            Command::Auth { mechanism, initial } => {
                let initial = initial.map(str::to_owned);
                self.authenticate(&mechanism, initial).await
            }
            Command::Mail(path) => self.mail(path).await,
            Command::Rcpt(path) => self.rcpt(path).await,
            Command::Data => self.data().await,
            Command::Rset => {
                self.envelope = None;
                Ok(self.say(250, "2.0.0 Forgotten"))
            }
            Command::Noop => Ok(self.say(250, "2.0.0 Still here")),
            Command::Vrfy => Ok(self.say(252, "2.1.5 Send some mail and see")),
            Command::Help => Ok(self.say(214, "2.0.0 RFC 5321")),
            Command::Quit => {
                self.say(221, "2.0.0 Goodbye");
                Ok(Next::Close)
            }
        }
    }

    fn extensions(&self) -> String {
        let options = &self.server.options;
        let mut lines = vec![NAME.to_owned()];
        if options.pipelining {
            lines.push("PIPELINING".to_owned());
        }
        lines.push(format!("SIZE {}", options.size_limit));
        lines.extend(["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"].map(str::to_owned));
        if options.credentials.is_some() {
            lines.push("AUTH PLAIN LOGIN".to_owned());
        }
        lines.join("\n")
    }

    async fn mail(&mut self, path: Path<'_>) -> io::Result<Next> {
        if !self.greeted {
            return Ok(self.say(503, "5.5.1 Say EHLO first"));
        }
        if !self.signed_in {
            return Ok(self.say(530, "5.7.0 Authentication required"));
        }
        if self.envelope.is_some() {
            return Ok(self.say(503, "5.5.1 One message at a time"));
        }
        let mut smtputf8 = false;
        for (name, value) in &path.parameters {
            match (name.as_str(), *value) {
                ("SIZE", size) => match size.parse::<usize>() {
                    Ok(size) if size > self.server.options.size_limit => {
                        return Ok(self.say(552, "5.3.4 The message is too large"));
                    }
                    Ok(_) => {}
                    Err(_) => return Ok(self.say(501, "5.5.4 SIZE needs a number")),
                },
                ("BODY", "7BIT" | "8BITMIME") => {}
                ("SMTPUTF8", "") => smtputf8 = true,
                ("AUTH", _) if self.server.options.credentials.is_some() => {}
                _ => return Ok(self.say(555, "5.5.4 Parameter not known")),
            }
        }
        if !path.address.is_ascii() && !smtputf8 {
            return Ok(self.say(553, "5.6.7 The address needs SMTPUTF8"));
        }
        let next = self.answer(Stage::Mail, 250, "2.1.0 Sender accepted").await?;
        if self.last_reply_is_good() {
            self.envelope =
                Some(Envelope { from: path.address.to_owned(), smtputf8, recipients: Vec::new() });
        }
        Ok(next)
    }

    async fn rcpt(&mut self, path: Path<'_>) -> io::Result<Next> {
        let Some(envelope) = &self.envelope else { return Ok(self.say(503, "5.5.1 Say MAIL first")) };
        if !path.parameters.is_empty() {
            return Ok(self.say(555, "5.5.4 Parameter not known"));
        }
        if !path.address.is_ascii() && !envelope.smtputf8 {
            return Ok(self.say(553, "5.6.7 The address needs SMTPUTF8"));
        }
        if envelope.recipients.len() >= self.server.options.recipient_limit {
            return Ok(self.say(452, "4.5.3 Too many recipients"));
        }
        let recipient = path.address.to_owned();
        let one = [recipient.clone()];
        let next = self.answer_for(Stage::Rcpt, &one, 250, "2.1.5 Recipient accepted").await?;
        if self.last_reply_is_good() {
            if let Some(envelope) = &mut self.envelope {
                envelope.recipients.push(recipient);
            }
        } else {
            self.log(Stage::Rcpt, recipient)?;
        }
        Ok(next)
    }

    async fn data(&mut self) -> io::Result<Next> {
        let Some(envelope) = &self.envelope else { return Ok(self.say(503, "5.5.1 Say MAIL first")) };
        if envelope.recipients.is_empty() {
            return Ok(self.say(554, "5.5.1 No valid recipients"));
        }
        let recipients = envelope.recipients.clone();
        let next = self.answer_for(Stage::Data, &recipients, 354, "End with CRLF . CRLF").await?;
        if !self.last_reply_is_good() {
            for recipient in recipients {
                self.log(Stage::Data, recipient)?;
            }
            return Ok(next);
        }
        self.flush().await?;
        let cut = self.server.script.ask(Stage::Body, &recipients);
        let Some(body) = self.body(&cut).await? else { return Ok(Next::Close) };
        self.take(body).await
    }

    /// Reads up to the final dot; `None` if the connection ended, or was to be cut, before it.
    async fn body(&mut self, asked: &Asked) -> io::Result<Option<Body>> {
        let mut body = Body::new(self.server.script.line_ends(), self.server.options.size_limit);
        let cut = asked.action.is_some();
        if cut || asked.waits() {
            if self.input.is_empty() && !self.fill().await? {
                return Ok(None);
            }
            asked.wait().await;
        }
        if cut {
            return Ok(None);
        }
        loop {
            match body.read(&self.input) {
                Progress::End(used) => {
                    self.input.drain(..used);
                    return Ok(Some(body));
                }
                Progress::More(used) => {
                    self.input.drain(..used);
                }
            }
            let endless = self.input.len() > self.server.options.size_limit;
            if endless || !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// Keeps or refuses a whole message, and answers the final dot.
    async fn take(&mut self, body: Body) -> io::Result<Next> {
        let Some(envelope) = self.envelope.take() else { return Ok(Next::Close) };
        let asked = self.server.script.ask(Stage::Dot, &envelope.recipients);
        asked.wait().await;
        let own = if body.is_too_large() {
            Some((552, "5.3.4 The message is too large"))
        } else if body.has_bare_line_end() {
            Some((554, "5.6.0 Bare CR or LF in the message (RFC 5321 section 2.3.8)"))
        } else {
            None
        };
        let mut action = asked.action;
        if let Some((code, text)) = own {
            action = Some(Action::Reply(code, text.to_owned()));
        }
        let refused = matches!(action, Some(Action::Reply(code, _)) if code >= 400);
        let reply = match &action {
            Some(Action::Reply(code, text)) => format!("{code} {text}"),
            Some(Action::Raw(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            Some(Action::Drop | Action::Silence) => String::new(),
            None | Some(Action::DropAfterReply) => "250 2.0.0 Kept".to_owned(),
        };
        let arrival = Arrival {
            from: envelope.from,
            to: envelope.recipients,
            connection: self.connection,
            reply: reply.clone(),
            raw: body.into_bytes(),
        };
        if refused {
            self.server.mailbox.refuse(arrival)?;
        } else {
            self.server.mailbox.keep(arrival)?;
        }
        match action {
            None => {}
            Some(Action::Reply(code, text)) => return Ok(self.say(code, &text)),
            Some(Action::Raw(bytes)) => {
                self.output.extend_from_slice(&bytes);
                return Ok(Next::Listen);
            }
            Some(Action::Drop) => return Ok(Next::Close),
            Some(Action::Silence) => return self.never_answer().await,
            Some(Action::DropAfterReply) => {
                self.output.extend_from_slice(reply.as_bytes());
                self.output.extend_from_slice(b"\r\n");
                return Ok(Next::Close);
            }
        }
        self.output.extend_from_slice(reply.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        Ok(Next::Listen)
    }

    pub(super) async fn answer(&mut self, stage: Stage, code: u16, text: &str) -> io::Result<Next> {
        self.answer_for(stage, &[], code, text).await
    }

    /// Answers as the script says, or as it should.
    async fn answer_for(&mut self, stage: Stage, to: &[String], code: u16, text: &str) -> io::Result<Next> {
        let asked = self.server.script.ask(stage, to);
        if asked.waits() {
            self.flush().await?;
            asked.wait().await;
        }
        match asked.action {
            None => Ok(self.say(code, text)),
            Some(Action::Reply(code, text)) => Ok(self.say(code, &text)),
            Some(Action::Raw(bytes)) => {
                self.last = None;
                self.output.extend_from_slice(&bytes);
                Ok(Next::Listen)
            }
            Some(Action::Drop) => {
                self.last = None;
                Ok(Next::Close)
            }
            Some(Action::DropAfterReply) => {
                self.say(code, text);
                Ok(Next::Close)
            }
            Some(Action::Silence) => {
                self.last = None;
                self.never_answer().await
            }
        }
    }

    pub(super) fn last_reply_is_good(&self) -> bool {
        self.last.as_ref().is_some_and(|(code, _)| *code < 400)
    }

    /// Notes an answer that kept a recipient from getting the message.
    fn log(&self, stage: Stage, recipient: String) -> io::Result<()> {
        let reply = self.last.as_ref().map(|(code, text)| format!("{code} {text}")).unwrap_or_default();
        self.server.mailbox.note(Exchange::before_the_message(stage, recipient, reply, self.connection))
    }

    async fn never_answer(&mut self) -> io::Result<Next> {
        self.flush().await?;
        while self.fill().await? {
            self.input.clear();
        }
        Ok(Next::Close)
    }
}

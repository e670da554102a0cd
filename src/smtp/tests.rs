//! Conversations with a server that follows a script, word by word.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};

use super::{Connection, Envelope, Failure, Relay, Reply, Stage, Timeouts, Wire};
use crate::authorities::Trust;

/// What the server does, in order.
#[derive(Clone, Copy)]
enum Step {
    /// Says this.
    Say(&'static str),
    /// Reads a line, which must begin so.
    Hear(&'static str),
    /// Reads up to and with the final dot.
    Body,
}
use Step::{Body, Hear, Say};

const HELLO: [Step; 3] =
    [Say("220 mx.example.org"), Hear("EHLO"), Say("250-mx.example.org\r\n250 PIPELINING")];

async fn server(steps: Vec<Step>) -> (Relay, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let heard = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut stream = BufReader::new(stream);
        let mut heard = String::new();
        for step in steps {
            match step {
                Say(words) => {
                    stream.get_mut().write_all(format!("{words}\r\n").as_bytes()).await.expect("it listens");
                }
                Hear(start) => {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.expect("it speaks");
                    assert!(line.starts_with(start), "expected {start}, heard {line:?}");
                    heard.push_str(&line);
                }
                Body => {
                    while !heard.ends_with("\r\n.\r\n") {
                        heard.push(char::from(stream.read_u8().await.expect("a body")));
                    }
                }
            }
        }
        heard
    });
    let relay = Relay {
        url: format!("smtp://127.0.0.1:{port}?tls=none").parse().expect("a good URL"),
        hello: "news.example.org".to_owned(),
        trust: Trust::public(),
        timeouts: Timeouts::scaled(0.01),
        messages_per_connection: 10,
        wire: Wire::default(),
    };
    (relay, heard)
}

const TEXT: &[u8] = b"Subject: hello\r\n\r\ntext\r\n";

const fn to(address: &str) -> Envelope<'_> {
    Envelope { from: "news@example.org", to: address, size: TEXT.len() }
}

async fn send(relay: &Relay) -> Result<Reply, Failure> {
    let mut connection = Connection::open(relay).await?;
    connection.begin(&to("ann@example.org")).await?;
    connection.finish(TEXT.to_vec(), None).await
}

fn with_hello(steps: &[Step]) -> Vec<Step> {
    [HELLO.as_slice(), steps].concat()
}

const ENVELOPE: [Step; 6] = [
    Hear("MAIL FROM:<news@example.org>\r\n"),
    Say("250 ok"),
    Hear("RCPT TO:<ann@example.org>\r\n"),
    Say("250 ok"),
    Hear("DATA"),
    Say("354 go on"),
];

#[tokio::test]
async fn a_message_is_written_whole_and_its_reply_comes_back() {
    let (relay, heard) =
        server(with_hello(&[&ENVELOPE[..], &[Body, Say("250 2.0.0 queued as 7")]].concat())).await;
    let reply = send(&relay).await.expect("taken");
    assert_eq!((reply.code, reply.text.as_str()), (250, "2.0.0 queued as 7"));
    assert!(heard.await.expect("a good end").ends_with("DATA\r\nSubject: hello\r\n\r\ntext\r\n.\r\n"));
}

/// DESIGN "Sending": the connection is kept after a refused recipient.
#[tokio::test]
async fn a_refused_recipient_leaves_the_connection_in_order() {
    let refused = [
        Hear("MAIL"),
        Say("250 ok"),
        Hear("RCPT"),
        Say("550 5.1.1 no such user"),
        Hear("DATA"),
        Say("554 5.5.1 no valid recipients"),
        Hear("RSET"),
        Say("250 ok"),
    ];
    let (relay, _heard) =
        server(with_hello(&[&refused[..], &ENVELOPE, &[Body, Say("250 ok")]].concat())).await;
    let mut connection = Connection::open(&relay).await.expect("open");
    let failure = connection.begin(&to("gone@example.org")).await.expect_err("refused");
    assert!(
        matches!(failure, Failure::Refused { stage: Stage::Rcpt, reply } if reply.enhanced() == Some("5.1.1"))
    );
    connection.begin(&to("ann@example.org")).await.expect("the next one goes");
    assert!(connection.finish(TEXT.to_vec(), None).await.is_ok());
}

/// RFC 2920 section 3.1: a server may take DATA though it refused the recipient; then it gets an empty message to nobody.
#[tokio::test]
async fn a_server_that_takes_data_for_nobody_gets_an_empty_message() {
    let odd = [
        Hear("MAIL"),
        Say("250 ok"),
        Hear("RCPT"),
        Say("550 5.1.1 no such user"),
        Hear("DATA"),
        Say("354 go on"),
        Hear("."),
        Say("554 5.5.1 no valid recipients"),
        Hear("RSET"),
        Say("250 ok"),
    ];
    let (relay, _heard) = server(with_hello(&[&odd[..], &ENVELOPE, &[Body, Say("250 ok")]].concat())).await;
    let mut connection = Connection::open(&relay).await.expect("open");
    assert!(matches!(
        connection.begin(&to("gone@example.org")).await,
        Err(Failure::Refused { stage: Stage::Rcpt, .. })
    ));
    connection.begin(&to("ann@example.org")).await.expect("the next one goes");
    assert!(connection.finish(TEXT.to_vec(), None).await.is_ok());
}

/// DESIGN "Sending": the envelope of the next message is on its way before the reply to this one (RFC 2920).
#[tokio::test]
async fn the_next_envelope_goes_out_with_the_body_before_it() {
    let next = [Hear("MAIL"), Hear("RCPT TO:<bob@example.org>"), Hear("DATA")];
    // The reply to the first dot is only given once the whole next envelope was heard.
    let replies = [Say("452 4.2.2 full\r\n250 ok\r\n250 ok\r\n354 go on"), Body, Say("250 ok")];
    let (relay, _heard) = server(with_hello(&[&ENVELOPE[..], &[Body], &next, &replies].concat())).await;
    let mut connection = Connection::open(&relay).await.expect("open");
    connection.begin(&to("ann@example.org")).await.expect("it takes the envelope");
    assert!(connection.takes_next());
    let first = connection.finish(TEXT.to_vec(), Some(&to("bob@example.org"))).await;
    assert!(matches!(first, Err(Failure::Refused { stage: Stage::Dot, reply }) if reply.code == 452));
    connection.begun().await.expect("the refusal of one says nothing about the next");
    assert!(connection.finish(TEXT.to_vec(), None).await.is_ok());
}

/// A server that does not offer PIPELINING hears one command at a time.
#[tokio::test]
async fn without_pipelining_each_command_waits_for_its_reply() {
    let hello = [Say("220 hi"), Hear("EHLO"), Say("250 hi")];
    let (relay, _heard) = server([&hello[..], &ENVELOPE, &[Body, Say("250 ok")]].concat()).await;
    let mut connection = Connection::open(&relay).await.expect("open");
    connection.begin(&to("ann@example.org")).await.expect("it takes the envelope");
    assert!(!connection.takes_next());
    assert!(connection.finish(TEXT.to_vec(), None).await.is_ok());
}

/// TRUST M22, F7: 421 is a clear no, at the final dot too, and the end of the connection.
#[tokio::test]
async fn a_421_at_the_dot_is_a_no_and_ends_the_connection() {
    let steps = [&ENVELOPE[..], &[Body, Say("421 4.7.0 slow down")]].concat();
    let (relay, _heard) = server(with_hello(&steps)).await;
    let failure = send(&relay).await.expect_err("not taken");
    assert!(failure.ends_connection());
    assert!(matches!(failure, Failure::Closing { stage: Stage::Dot, .. }));
}

/// RFC 1870: a message over the server's limit is not even begun.
#[tokio::test]
async fn a_message_over_the_limit_is_not_begun() {
    let hello = [Say("220 hi"), Hear("EHLO"), Say("250-hi\r\n250-SIZE 10\r\n250 PIPELINING")];
    let (relay, _heard) = server(hello.to_vec()).await;
    assert!(matches!(send(&relay).await, Err(Failure::TooLarge { limit: 10 })));
}

/// TRUST F10: before the dot it is known that nothing arrived, after it nothing is known.
#[tokio::test]
async fn a_connection_cut_before_or_after_the_final_dot_says_which() {
    let (relay, _heard) = server(with_hello(&ENVELOPE[..4])).await;
    assert!(matches!(send(&relay).await, Err(Failure::Broken { stage: Stage::Data, .. })));
    let (relay, _heard) = server(with_hello(&[&ENVELOPE[..], &[Body]].concat())).await;
    assert!(matches!(send(&relay).await, Err(Failure::Broken { stage: Stage::Dot, .. })));
}

/// TRUST F12: noise in place of a reply is never taken for a yes.
#[tokio::test]
async fn noise_after_the_final_dot_is_not_a_yes() {
    let (relay, _heard) = server(with_hello(&[&ENVELOPE[..], &[Body, Say("ok, got it")]].concat())).await;
    assert!(matches!(send(&relay).await, Err(Failure::Broken { stage: Stage::Dot, .. })));
    let (relay, _heard) = server(with_hello(&[&ENVELOPE[..], &[Body, Say("354 what")]].concat())).await;
    assert!(matches!(send(&relay).await, Err(Failure::Broken { stage: Stage::Dot, .. })));
}

/// TRUST M19: a server that takes longer than the limit at the dot leaves the outcome unknown, not failed.
#[tokio::test]
async fn a_reply_to_the_dot_that_never_comes_is_unknown() {
    let silent = [&ENVELOPE[..], &[Body, Hear("never")]].concat();
    let (mut relay, _heard) = server(with_hello(&silent)).await;
    relay.timeouts.dot = Duration::from_millis(50);
    assert!(matches!(send(&relay).await, Err(Failure::Broken { stage: Stage::Dot, .. })));
}

/// TRUST F5: where TLS is required and the offer is missing, or stripped, nothing is sent.
#[tokio::test]
async fn without_the_required_tls_nothing_is_sent() {
    let (mut relay, _heard) = server(HELLO.to_vec()).await;
    relay.url = relay.url.to_string().replace("?tls=none", "").parse().expect("a good URL");
    let failure = Connection::open(&relay).await.expect_err("no TLS");
    assert!(matches!(failure, Failure::Broken { stage: Stage::Connect, why } if why.contains("STARTTLS")));
}

#[tokio::test]
async fn credentials_go_by_auth_plain_and_a_refusal_is_the_relays() {
    let steps = [
        Say("220 hi"),
        Hear("EHLO"),
        Say("250-hi\r\n250 AUTH LOGIN PLAIN"),
        Hear("AUTH PLAIN AGFubgBzZWNyZXQ="),
        Say("535 5.7.8 no"),
    ];
    let (mut relay, _heard) = server(steps.to_vec()).await;
    relay.url.credentials = Some(("ann".to_owned(), "secret".to_owned()));
    assert!(matches!(Connection::open(&relay).await, Err(Failure::Refused { stage: Stage::Auth, .. })));
}

#[tokio::test]
async fn an_access_token_goes_by_xoauth2_and_its_refusal_is_heard_out() {
    let steps = [
        Say("220 hi"),
        Hear("EHLO"),
        Say("250-hi\r\n250 AUTH XOAUTH2"),
        Hear("AUTH XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgdG9rZW4BAQ==\r\n"),
        Say("334 eyJzdGF0dXMiOiI0MDEifQ=="),
        Hear("\r\n"),
        Say("535 5.7.8 no"),
    ];
    let (mut relay, _heard) = server(steps.to_vec()).await;
    relay.url.credentials = Some(("ann".to_owned(), "token".to_owned()));
    relay.url.auth = crate::smtp_url::Auth::XOAuth2;
    assert!(matches!(Connection::open(&relay).await, Err(Failure::Refused { stage: Stage::Auth, .. })));
}

/// TRUST M17: a local part in UTF-8 goes only to a server that offers SMTPUTF8.
#[tokio::test]
async fn a_utf8_address_needs_a_server_that_offers_smtputf8() {
    let (relay, _heard) = server(HELLO.to_vec()).await;
    let mut connection = Connection::open(&relay).await.expect("open");
    assert!(matches!(connection.begin(&to("jürgen@example.org")).await, Err(Failure::Smtputf8Unsupported)));
    let offers = [
        Say("220 hi"),
        Hear("EHLO"),
        Say("250-hi\r\n250 SMTPUTF8"),
        Hear("MAIL FROM:<news@example.org> SMTPUTF8\r\n"),
        Say("250 ok"),
        Hear("RCPT TO:<jürgen@example.org>"),
        Say("250 ok"),
        Hear("DATA"),
        Say("354 go"),
    ];
    let (relay, _heard) = server(offers.to_vec()).await;
    let mut connection = Connection::open(&relay).await.expect("open");
    assert!(connection.begin(&to("jürgen@example.org")).await.is_ok());
}

/// TRUST A16: whatever reaches the envelope, it cannot become another command.
#[tokio::test]
async fn an_address_with_a_line_break_is_never_written() {
    let (relay, _heard) = server(HELLO.to_vec()).await;
    let mut connection = Connection::open(&relay).await.expect("open");
    let failure = connection.begin(&to("a@example.org>\r\nRCPT TO:<b@example.org")).await;
    assert!(matches!(failure, Err(Failure::Unspeakable)));
}

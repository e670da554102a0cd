//! The SMTP server and its mailbox.

use std::time::Duration;

use super::{PATIENCE, Scratch, Wire, message, start};
use crate::{
    door::Limits,
    sandbox::{LineEnds, Rule, Sandbox, SandboxConfig, SandboxLimits, SmtpOptions, Stage},
};

#[tokio::test]
async fn a_message_arrives_byte_for_byte_with_its_envelope() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let mut wire = Wire::greeted(&sandbox).await;
    assert!(wire.begin("ada@example.org").await.starts_with("354"));
    let raw = "From: x@example.org\r\nMessage-ID: <1@example.org>\r\nSubject: =?utf-8?Q?Caf=C3=A9?=\r\nList-Unsubscribe: <https://example.org/u>\r\n\r\n";
    wire.write(format!("{raw}..dot\r\ncaf\u{e9}\r\n.\r\n").as_bytes()).await;
    assert!(wire.reply().await.starts_with("250"));

    let mailbox = sandbox.mailbox();
    assert!(mailbox.wait_for_count(1, PATIENCE).await);
    let received = &mailbox.to("ADA@example.org")[0];
    assert_eq!((received.from.as_str(), received.to[0].as_str()), ("paper@example.org", "ada@example.org"));
    assert_eq!((received.message_id.as_str(), received.subject.as_str()), ("1@example.org", "Café"));
    assert_eq!(received.list_unsubscribe, "<https://example.org/u>");
    assert_eq!(mailbox.raw(received.seq).unwrap(), format!("{raw}.dot\r\ncaf\u{e9}\r\n").as_bytes());
    assert_eq!(mailbox.by_message_id()["1@example.org"], 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn commands_that_come_in_one_piece_are_answered_in_order() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let mut wire = Wire::greeted(&sandbox).await;
    let next = |to: &str| format!("MAIL FROM:<p@example.org>\r\nRCPT TO:<{to}>\r\nDATA\r\n");
    wire.write(next("a@example.org").as_bytes()).await;
    for n in 0..50 {
        assert!(wire.reply().await.starts_with("250 2.1.0"));
        assert!(wire.reply().await.starts_with("250 2.1.5"));
        assert!(wire.reply().await.starts_with("354"));
        // The body of this message and the commands of the next, in one write.
        let body = message("a@example.org", &format!("{n}@example.org"));
        wire.write(format!("{body}{}", next("a@example.org")).as_bytes()).await;
        assert!(wire.reply().await.starts_with("250"));
    }
    assert_eq!(sandbox.mailbox().count(), 50);
}

#[tokio::test]
async fn a_refused_recipient_does_not_end_the_connection() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to("gone@example.org").reply(550, "5.1.1 No such user"));
    let mut wire = Wire::greeted(&sandbox).await;
    wire.write(b"MAIL FROM:<p@example.org>\r\nRCPT TO:<gone@example.org>\r\nDATA\r\nRSET\r\n").await;
    assert!(wire.reply().await.starts_with("250"));
    assert_eq!(wire.reply().await, "550 5.1.1 No such user\r\n");
    assert!(wire.reply().await.starts_with("554 5.5.1"));
    assert!(wire.reply().await.starts_with("250"));
    assert!(wire.send("ada@example.org", "1").await.starts_with("250"));
    let exchanges = sandbox.mailbox().exchanges();
    let seen: Vec<_> = exchanges.iter().map(|e| (e.recipient.as_str(), e.stage.as_str(), e.kept)).collect();
    assert!(
        seen.contains(&("gone@example.org", "Rcpt", false))
            && seen.contains(&("ada@example.org", "Dot", true))
    );
}

#[tokio::test]
async fn a_refusal_at_the_dot_keeps_nothing_and_counts_down() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    sandbox
        .smtp_script()
        .add(Rule::at(Stage::Dot).to("ada@example.org").times(1).reply(451, "4.7.1 Greylisted"));
    let mut wire = Wire::greeted(&sandbox).await;
    assert_eq!(wire.send("ada@example.org", "1").await, "451 4.7.1 Greylisted\r\n");
    assert_eq!(sandbox.mailbox().count(), 0);
    assert!(wire.send("ada@example.org", "1").await.starts_with("250"));
    assert_eq!(sandbox.mailbox().count(), 1);
    assert_eq!(
        sandbox.mailbox().exchanges().iter().filter(|e| e.message_id.as_deref() == Some("1")).count(),
        2
    );
}

/// TRUST F10: cut off inside the body nothing arrived; cut off after the final dot everything did, and no reply came.
#[tokio::test]
async fn a_drop_before_the_dot_loses_the_message_and_one_after_it_loses_the_reply() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    sandbox.smtp_script().add(Rule::at(Stage::Body).times(1).drop_connection());
    sandbox.smtp_script().add(Rule::at(Stage::Dot).times(1).drop_connection());
    let mut wire = Wire::greeted(&sandbox).await;
    assert!(wire.begin("ada@example.org").await.starts_with("354"));
    wire.write(b"Subject: half").await;
    assert_eq!(wire.reply().await, "");
    assert_eq!(sandbox.mailbox().count(), 0);

    let mut wire = Wire::greeted(&sandbox).await;
    assert_eq!(wire.send("ada@example.org", "2").await, "");
    assert_eq!(sandbox.mailbox().by_message_id()["2"], 1);
    assert_eq!(sandbox.mailbox().messages()[0].reply, "");
}

/// TRUST F12: what a server may say instead of a reply.
#[tokio::test]
async fn garbage_silence_delays_and_a_421_come_when_they_are_asked_for() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let script = sandbox.smtp_script();
    script.add(Rule::at(Stage::Connect).times(1).reply(421, "4.3.2 Closing"));
    script.add(Rule::at(Stage::Mail).times(1).garbage(b"\0\xff nonsense\r\n"));
    script.add(Rule::at(Stage::Dot).times(1).delay(Duration::from_millis(20)).drop_after_reply());
    let mut stream = tokio::net::TcpStream::connect(sandbox.smtp_addr()).await.unwrap();
    let mut greeting = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut greeting).await.unwrap();
    assert_eq!(greeting, "421 4.3.2 Closing\r\n");

    let mut wire = Wire::greeted(&sandbox).await;
    assert!(wire.ask("MAIL FROM:<p@example.org>").await.contains("nonsense"));
    assert!(wire.ask("RCPT TO:<a@example.org>").await.starts_with("503"));
    let started = crate::clock::Stopwatch::start();
    assert!(wire.send("a@example.org", "1").await.starts_with("250"));
    assert!(started.elapsed() >= Duration::from_millis(20));
    assert_eq!(wire.reply().await, "");
}

/// TRUST A17: the lenient server is led astray by a body that was not cleaned; the strict one refuses it.
#[tokio::test]
async fn a_smuggled_message_shows_up_when_lenient_and_is_refused_when_strict() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let smuggle = "Message-ID: <real>\r\n\r\nhello\n.\nMAIL FROM:<evil@example.org>\nRCPT TO:<victim@example.org>\nDATA\nMessage-ID: <smuggled>\n\nboo\r\n.\r\n";
    let mut wire = Wire::greeted(&sandbox).await;
    wire.begin("ada@example.org").await;
    wire.write(smuggle.as_bytes()).await;
    assert!(wire.reply().await.starts_with("554 5.6.0"));
    assert_eq!(sandbox.mailbox().count(), 0);

    sandbox.smtp_script().read_line_ends(LineEnds::Lenient);
    wire.begin("ada@example.org").await;
    wire.write(smuggle.as_bytes()).await;
    assert!(sandbox.mailbox().wait_for_count(2, PATIENCE).await);
    assert_eq!(sandbox.mailbox().messages()[1].message_id, "smuggled");
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to("no@example.org").reply(550, "5.1.1 No"));
    let mut wire = Wire::greeted(&sandbox).await;
    for n in 0..3 {
        assert!(wire.send("ada@example.org", &n.to_string()).await.starts_with("250"));
    }
    wire.begin("no@example.org").await;
    sandbox.stop().await;

    let sandbox = start(&scratch).await;
    assert_eq!(sandbox.mailbox().count(), 3);
    assert_eq!(sandbox.mailbox().exchanges().len(), 4);
    let last = sandbox.mailbox().to("ada@example.org").pop().unwrap();
    assert!(String::from_utf8(sandbox.mailbox().raw(last.seq).unwrap()).unwrap().contains("Message-ID: <2>"));
    let mut wire = Wire::greeted(&sandbox).await;
    wire.send("ada@example.org", "3").await;
    assert_eq!(sandbox.mailbox().messages()[3].seq, 4);
}

#[tokio::test]
async fn sizes_parameters_and_the_order_of_commands_are_checked() {
    let scratch = Scratch::new();
    let mut config = SandboxConfig::new(scratch.path(), super::clock());
    config.smtp_options = SmtpOptions { size_limit: 200, ..SmtpOptions::default() };
    let sandbox = Sandbox::start(config).await.unwrap();
    let mut wire = Wire::connect(&sandbox).await;
    assert!(wire.ask("MAIL FROM:<a@example.org>").await.starts_with("503"));
    wire.ask("EHLO x").await;
    assert!(wire.ask("RCPT TO:<a@example.org>").await.starts_with("503"));
    assert!(wire.ask("MAIL FROM:<a@example.org> SIZE=201").await.starts_with("552"));
    assert!(wire.ask("MAIL FROM:<a@example.org> FOO=1").await.starts_with("555"));
    assert!(wire.ask("MAIL FROM:<\u{e9}@example.org>").await.starts_with("553"));
    assert!(wire.ask("MAIL FROM:<\u{e9}@example.org> SMTPUTF8").await.starts_with("250"));
    assert!(wire.ask("RSET").await.starts_with("250"));
    wire.begin("a@example.org").await;
    wire.write(format!("{}\r\n.\r\n", "x".repeat(300)).as_bytes()).await;
    assert!(wire.reply().await.starts_with("552"));
    wire.write(b"NOOP\n").await;
    assert!(wire.reply().await.starts_with("500"));
    assert!(wire.ask("QUIT").await.starts_with("221"));
    assert_eq!(sandbox.mailbox().count(), 0);
}

#[tokio::test]
async fn a_server_that_wants_a_password_takes_no_mail_without_it() {
    let scratch = Scratch::new();
    let mut config = SandboxConfig::new(scratch.path(), super::clock());
    config.smtp_options.credentials = Some(("user".to_owned(), "pass".to_owned()));
    let sandbox = Sandbox::start(config).await.unwrap();
    let mut wire = Wire::greeted(&sandbox).await;
    assert!(wire.ask("MAIL FROM:<a@example.org>").await.starts_with("530"));
    assert!(wire.ask("AUTH PLAIN AHVzZXIAd3Jvbmc=").await.starts_with("535"));
    assert!(wire.ask("AUTH PLAIN AHVzZXIAcGFzcw==").await.starts_with("235"));
    assert!(wire.send("a@example.org", "1").await.starts_with("250"));
    let mut wire = Wire::greeted(&sandbox).await;
    assert!(wire.ask("AUTH LOGIN").await.starts_with("334"));
    assert!(wire.ask("dXNlcg==").await.starts_with("334"));
    assert!(wire.ask("cGFzcw==").await.starts_with("235"));
}

#[tokio::test]
async fn the_seeded_bug_makes_the_mailbox_disagree_with_what_was_sent() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let mut wire = Wire::greeted(&sandbox).await;
    wire.send("ada@example.org", "1").await;
    wire.send("bo@example.org", "2").await;
    sandbox.mailbox().forget_one();
    assert_eq!(sandbox.mailbox().count(), 1);
    assert!(
        !sandbox.mailbox().by_message_id().contains_key("2")
            && sandbox.mailbox().to("bo@example.org").is_empty()
    );
}

#[tokio::test]
async fn the_pages_show_a_hostile_message_without_trusting_it() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let mut wire = Wire::greeted(&sandbox).await;
    wire.begin("ada@example.org").await;
    wire.write(b"Subject: <script>alert(1)</script>\r\nContent-Type: text/html\r\n\r\n<html><head></head><body><script>alert(1)</script><a href=\"http://x.test\">x</a></body></html>\r\n.\r\n").await;
    assert!(wire.reply().await.starts_with("250"));
    let base = format!("http://{}", sandbox.http_addr());
    let list = reqwest::get(format!("{base}/?to=ada@example.org")).await.unwrap().text().await.unwrap();
    assert!(
        list.contains("nothing here left this machine")
            && list.contains("&lt;script&gt;")
            && !list.contains("<script>")
    );
    let page = reqwest::get(format!("{base}/mailbox/1")).await.unwrap().text().await.unwrap();
    assert!(page.contains("<iframe") && !page.contains("<script>"));
    let html = reqwest::get(format!("{base}/mailbox/1/html")).await.unwrap();
    let policy = html.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'"));
    assert!(html.text().await.unwrap().contains("<head><base target=\"_blank\">"));
    for view in ["text", "headers", "source"] {
        assert!(
            reqwest::get(format!("{base}/mailbox/1?view={view}")).await.unwrap().status().is_success(),
            "{view}"
        );
    }
    let json =
        reqwest::get(format!("{base}/mailbox.json?to=ada@example.org")).await.unwrap().text().await.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()[0]["seq"], 1);
    assert_eq!(reqwest::get(format!("{base}/mailbox/9")).await.unwrap().status(), 404);
}

/// TRUST A32: when all places are taken, whoever waits for us keeps theirs: a message that is being kept is not cut off.
#[tokio::test]
async fn a_crowd_cuts_off_no_message() {
    let scratch = Scratch::new();
    let mut config = SandboxConfig::new(scratch.path(), super::clock());
    config.limits = SandboxLimits { smtp: Limits { connections: 2, ..Limits::SMTP }, ..config.limits };
    let sandbox = Sandbox::start(config).await.unwrap();
    sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(Duration::from_secs(1)));
    let mut ours = Wire::greeted(&sandbox).await;
    assert!(ours.begin("ada@example.org").await.starts_with("354"));
    ours.write(message("ada@example.org", "1").as_bytes()).await;
    let mut first = Wire::connect(&sandbox).await;
    let _second = Wire::connect(&sandbox).await;
    assert_eq!(first.reply().await, "", "whoever says nothing makes room");
    assert!(ours.reply().await.starts_with("250"));
    sandbox.stop().await;
}

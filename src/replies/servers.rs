//! What servers say, each with the class that a careful postmaster gives it: `servers.tsv`, with the command that it answers.
//!
//! Written down from what the servers in use are known to answer, not from the tables of words: it shows which kind of
//! sentence goes wrong. The last part holds sentences with words of an end that are easily taken for one, and true ends beside them.

use super::{About, Reason, Said, read, scan};

/// What a postmaster makes of it.
fn fits(class: &str, reason: Reason, is_hard: bool) -> bool {
    match class {
        // The mailbox or its domain, for good.
        "gone" => is_hard,
        "full" => reason == Reason::Full && !is_hard,
        // The mailbox is switched off.
        "off" => reason == Reason::Disabled && !is_hard,
        // Our host, sender, proof or message.
        "us" => reason.about() == About::Us && !is_hard,
        // It may pass: too much, a network, a server.
        "later" => matches!(reason.about(), About::Later | About::Unknown) && !is_hard,
        // About us or the moment.
        "not-the-reader" => !matches!(reason.about(), About::Mailbox | About::Domain) && !is_hard,
        // Nobody can say; a reader is not given up for it.
        "unclear" => !is_hard,
        other => panic!("{other} is no class"),
    }
}

/// TRUST M20, M23: the class of each, at least as mild as a careful postmaster's.
#[test]
fn what_servers_say_is_read_as_a_postmaster_reads_it() {
    let (mut wrong, mut all) = (Vec::new(), 0);
    for line in include_str!("servers.tsv").lines() {
        let [command, class, text] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let text = text.replace("\\n", "\n");
        let code = scan::reply(&text).and_then(|code| code.parse().ok());
        let said = match command {
            "mail" => Said::Mail,
            "rcpt" => Said::Rcpt,
            "data" | "dot" => Said::Data,
            _ => Said::Somewhere,
        };
        let meaning = read(said, code, scan::most_telling(scan::statuses(&text)), &[&text]);
        all += 1;
        if !fits(class, meaning.reason, meaning.is_hard) {
            wrong.push(format!("{class}, not {:?} {}: {text}", meaning.reason, meaning.is_hard));
        }
    }
    assert!(wrong.is_empty(), "{} of {all}:\n{}", wrong.len(), wrong.join("\n"));
}

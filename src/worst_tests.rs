//! What strangers can write at its worst, a megabyte of it, given to everything that reads it (TRUST A9, A28).
//!
//! Each must cost in proportion to its length: sixteen times as much text must not cost sixteen times sixteen times as much
//! work. The work is the processor's time of the thread that reads, so a busy machine changes nothing; and each is read on a
//! thread with the stack that the program's own readers have, so nesting that meets its end ends the test.

use std::{
    sync::{LazyLock, mpsc},
    thread,
    time::Duration,
};

use url::Url;

use crate::{
    articles, bounces,
    clock::worked,
    email_address::EmailAddress,
    mail::{self, DigestContext, EmailTemplate as _, MailField, Personal, Templates},
    sandbox,
};

const MEGABYTE: usize = 1_000_000;
const TIMES: usize = 16;
/// In proportion it is 16, by the square 256.
const MOST_TIMES: u32 = 64;
/// Of a program that is not optimised.
const LONGEST: Duration = Duration::from_secs(20);
/// Work that does not end must not keep the tests for ever.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// As tokio gives it to the threads that work aside.
const STACK: usize = 2 * 1024 * 1024;

type Make = fn(usize) -> String;

fn again(piece: &str, bytes: usize) -> String {
    piece.repeat(bytes / piece.len() + 1)
}

/// Pieces that differ by their number.
fn numbered(bytes: usize, piece: impl Fn(usize) -> String) -> String {
    let mut text = String::with_capacity(bytes + 100);
    let mut number = 0;
    while text.len() < bytes {
        text.push_str(&piece(number));
        number += 1;
    }
    text
}

const HTML: &[(&str, Make)] = &[
    ("open comments", |n| again("<!--", n)),
    ("comments", |n| again("<!---->", n)),
    ("empty comments", |n| again("<!-->", n)),
    ("declarations", |n| again("<!DOCTYPE html><!x>", n)),
    ("open declarations", |n| again("<!DOCTYPE ", n)),
    ("instructions", |n| again("<?x ", n)),
    ("left brackets", |n| again("<", n)),
    ("open tags", |n| again("<a", n)),
    ("open ends", |n| again("</a", n)),
    ("ends", |n| again("</p>", n)),
    ("nested blocks", |n| again("<div>", n)),
    ("nested blocks with ends of others", |n| "<div>".repeat(n / 10) + &again("</p>", n / 2)),
    ("nested words", |n| again("<b>", n)),
    ("nested words that differ", |n| numbered(n, |i| format!("<b lang={i}>"))),
    ("words left open before paragraphs", |n| {
        numbered(n / 2, |i| format!("<b lang={i}>")) + &again("<p>x", n / 2)
    }),
    ("misnested words", |n| again("<b><i></b></i>", n)),
    ("misnested words and paragraphs", |n| again("<b><p>", n)),
    ("misnested words and blocks", |n| again("<b><i></div>", n)),
    ("links in blocks in links", |n| numbered(n, |i| format!("<a href=/{i}><div>"))),
    ("links between cells", |n| "<table>".to_owned() + &again("<a>x", n)),
    ("words between cells", |n| "<table>".to_owned() + &again("x<b></b>", n)),
    ("nested tables", |n| again("<table><tr><td>", n)),
    ("tables in tables without cells", |n| again("<table><a>", n)),
    ("blocks that a cell does not end", |n| again("<div><table><td></div></td></table>", n)),
    ("rows without a table", |n| again("<tr><td>x", n)),
    ("cells", |n| "<table>".to_owned() + &again("<td>", n)),
    ("captions", |n| "<table>".to_owned() + &again("<caption>x", n)),
    ("lists", |n| again("<ul><li>", n)),
    ("items", |n| again("<li>x", n)),
    ("terms", |n| again("<dt>x<dd>y", n)),
    ("headings", |n| again("<h1>x<h2>y", n)),
    ("breaks", |n| again("<br>", n)),
    ("pictures", |n| again("<img src=/>", n)),
    ("pictures written into the page", |n| again("<img src=data:image/png;base64,AAAA>", n)),
    ("one picture written into the page", |n| format!("<img src='data:image/png;base64,{}'>", again("A", n))),
    ("entities", |n| again("&amp;", n)),
    ("ampersands", |n| again("&", n)),
    ("long entities", |n| again("&notit", n)),
    ("numbers for letters", |n| again("&#x1F600;", n)),
    ("a long number for a letter", |n| format!("&#{};", again("9", n))),
    ("NULs", |n| again("\0", n)),
    ("NULs in tags", |n| again("<\0a \0=\0>", n)),
    ("attributes", |n| format!("<a {}>x</a>", numbered(n, |i| format!("a{i}=\"\" ")))),
    ("attributes again", |n| format!("<a {}>x</a>", again("href=/x ", n))),
    ("tags full of attributes", |n| {
        again(&format!("<a {}>x</a>", numbered(16_000, |i| format!("a{i}= "))), n)
    }),
    ("an open value", |n| format!("<a href=\"{}", again("<p>", n))),
    ("open values", |n| again("<a b=\"", n)),
    ("values that do not begin", |n| again("<a =\">", n)),
    ("equals signs", |n| format!("<a {}", again("=", n))),
    ("slashes", |n| format!("<a {}", again("/ ", n))),
    ("quotes in a value", |n| again("<a title='\"\"\"\"\"\"\"\"\"\"\"\"'>x</a>", n)),
    ("a long address", |n| format!("<a href=\"https://example.org/{}\">x</a>", again("a/../", n))),
    ("addresses", |n| again("<a href=\"https://example.org/a/../b?c#d\">x</a>", n)),
    ("hosts with marks", |n| {
        again(&format!("<a href=\"https://{}.org\">x</a>", "é\u{301}\u{323}".repeat(500)), n)
    }),
    ("drawings", |n| again("<svg><style><a>", n)),
    ("drawings with sections", |n| again("<svg><![CDATA[", n)),
    ("formulae", |n| again("<math><mi><p>", n)),
    ("frames", |n| again("<iframe src=https://www.youtube.com/embed/a></iframe>", n)),
    ("open frames", |n| again("<iframe src=https://www.youtube.com/embed/a>", n)),
    ("open frames with ends of others", |n| again("<iframe></noscript", n)),
    ("pictures for no script", |n| again("<noscript><img src=/a></noscript>", n)),
    ("open places for no script", |n| again("<noscript>", n)),
    ("players", |n| again("<video><source src=/a>", n)),
    ("a set of pictures", |n| format!("<img srcset='{}'>", again("/a 1w, ", n.min(8_000)))),
    ("sets of pictures", |n| again("<img srcset='/a 1x,/b 2x, /c' data-src=data:>", n)),
    ("places", |n| numbered(n, |i| format!("<p id=a{i}>"))),
    ("places and links to them", |n| numbered(n, |i| format!("<a href=#a{i} id=a{i}>x</a>"))),
    ("one place and links to it", |n| again("<a href=#a id=a>x</a>", n)),
    ("ends of sections", |n| again("]]>", n)),
    ("open scripts", |n| again("<script>", n)),
    ("scripts with ends of others", |n| "<script>".to_owned() + &again("</script", n)),
    ("open styles", |n| again("<style></", n)),
    ("titles", |n| again("<title>x</title>", n)),
    ("forms", |n| again("<form><select><option>", n)),
    ("templates", |n| again("<template>", n)),
    ("tags that do not exist", |n| again("<x-y>", n)),
    ("tags that do not exist and differ", |n| numbered(n, |i| format!("<x{i}>"))),
    ("a long name", |n| format!("<{}>", again("a", n))),
    ("signs of Latin-1", |n| again("«»", n)),
    ("words", |n| again("word ", n)),
    ("spaces", |n| again(" ", n)),
    ("lines", |n| again("x\n", n)),
    ("full stops", |n| again(".", n)),
    ("quotes that close", |n| again(".”", n)),
    ("paragraphs", |n| again("<p>A <em>fair</em> paragraph<p>And <b>more</b>.", n)),
];

const PASTED: &[(&str, Make)] = &[
    ("items of Word's", |n| {
        again("<p style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>1.</span>x</p>", n)
    }),
    ("items that go up and down", |n| {
        numbered(n, |i| format!("<p style='mso-list:l0 level{} lfo1'>x</p>", i % 9 + 1))
    }),
    ("signs without end", |n| again("<p style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>", n)),
    ("bold spans", |n| again("<span style='font-weight:700'>a</span>", n)),
    ("bold spans and spaces", |n| again("<span style='font-weight:700'>a </span> ", n)),
    ("nested spans", |n| again("<span style='font-style:italic'>a", n)),
    ("long styles", |n| again(&format!("<span style='{}'>a</span>", "a:b;".repeat(1_000)), n)),
    ("footnotes", |n| {
        numbered(n / 2, |i| format!("<a href='#n{i}' id='r{i}'>{i}</a>"))
            + &numbered(n / 2, |i| format!("<p id='n{i}'><a href='#r{i}'>{i}</a></p>"))
    }),
    ("a footnote asked for often", |n| again("<a href='#n' id='r'>1</a>", n) + "<p id='n'>x</p>"),
    ("links that never end", |n| "<p id='n'>".to_owned() + &again("<a href='#n'>1<b>", n)),
    ("a wide row and many short ones", |n| {
        "<table><tr>".to_owned() + &again("<td>x", n / 2) + &again("<tr><td>x", n / 2)
    }),
    ("wide cells", |n| "<table>".to_owned() + &again("<tr><td colspan=65535>x", n)),
    ("lists in lists without items", |n| again("<ul><li>x</li><ul>", n)),
    ("quotations", |n| again("<blockquote>x<br>", n)),
    ("backticks in code", |n| format!("<code>{}</code>", again("`a", n))),
    ("brackets", |n| format!("<p>{}", again("[", n))),
    ("brackets before an end", |n| format!("<p>{}]", again("[", n))),
    ("ampersands", |n| format!("<p>{}", again("&amp;a", n))),
    ("captions", |n| "<figure><img src=https://example.org/a><figcaption>".to_owned() + &again("<p>x", n)),
];

const MARKDOWN: &[(&str, Make)] = &[
    ("left brackets", |n| again("[", n)),
    ("pictures", |n| again("![", n)),
    ("links in links", |n| again("[a](", n)),
    ("links that close", |n| again("[", n / 2) + &again("](b)", n / 2)),
    ("right brackets", |n| again("a](b)", n)),
    ("links with open names", |n| again("[a](<b", n)),
    ("links with open titles", |n| again("[a](b \"", n)),
    ("parentheses", |n| "[a](".to_owned() + &again("(", n)),
    ("stars", |n| again("*a ", n)),
    ("stars in words", |n| again("a*", n)),
    ("stars and lines below", |n| again("*a _b ", n)),
    ("both kinds of stars", |n| again("*a **a ", n)),
    ("closing stars", |n| again("a**b", n) + &again("c* ", n)),
    ("many stars", |n| again("*", n)),
    ("strikes", |n| again("~~a ", n)),
    ("strikes in strikes", |n| again("~a ~~b ", n)),
    ("backticks of growing length", |n| {
        let mut text = String::new();
        let mut length = 1;
        while text.len() < n {
            text.push_str(&"`".repeat(length));
            text.push(' ');
            length += 1;
        }
        text
    }),
    ("backticks", |n| again("`a", n)),
    ("fences", |n| again("```\n~~~\n", n)),
    ("left angles", |n| again("<", n)),
    ("left angles and letters", |n| again("<a ", n)),
    ("open comments", |n| again("<!--", n)),
    ("open comments in lines", |n| again("x <!-- y\n", n)),
    ("instructions", |n| again("a <?", n)),
    ("declarations", |n| again("a <!A ", n)),
    ("sections", |n| again("a <![CDATA[", n)),
    ("open attributes", |n| again("a <b c=\"", n)),
    ("quotations", |n| again(">", n)),
    ("quotations by line", |n| again("> > > > > > > > > > > > > > > > > > > >\n", n)),
    ("deep quotations, short lines", |n| again(">", n / 2) + "\n" + &again(">\n", n / 2)),
    ("quotations that grow", |n| {
        let mut text = String::new();
        let mut length = 1;
        while text.len() < n {
            text.push_str(&">".repeat(length));
            text.push_str("a\n");
            length += 1;
        }
        text
    }),
    ("lists in lists", |n| again("- ", n)),
    ("numbered lists in lists", |n| again("1. ", n)),
    ("lists that grow", |n| {
        let mut text = String::new();
        let mut depth = 0;
        while text.len() < n {
            text.push_str(&" ".repeat(depth));
            text.push_str("- a\n");
            depth += 2;
        }
        text
    }),
    ("lists and quotations", |n| again("> - ", n)),
    ("items", |n| again("* a\n", n)),
    ("items with empty lines", |n| again("* a\n\n", n)),
    ("references", |n| numbered(n, |i| format!("[{i}]: /a\n"))),
    ("references used", |n| format!("[a]: /{}\n\n", again("x", n / 2)) + &again("[a] ", n / 2)),
    ("references not there", |n| numbered(n, |i| format!("[{i}][x] "))),
    ("open references", |n| again("[a]: <b\n", n)),
    ("references with open titles", |n| again("[a]: b \"\n", n)),
    ("references in a row", |n| again("[a]: u\n", n)),
    ("footnotes", |n| numbered(n, |i| format!("[^{i}]: x\n[^{i}]"))),
    ("backslashes", |n| again("\\[", n)),
    ("ampersands", |n| again("&", n)),
    ("long entities", |n| again("&CounterClockwiseContourIntegra", n)),
    ("a wide table", |n| format!("{}\n{}\n", again("|a", n / 3), again("|-", n / 3)) + &again("|\n", n / 3)),
    ("tables", |n| again("|a|\n|-|\n|b|\n\n", n)),
    ("heads of tables", |n| again("|a|\n|-|\n", n)),
    ("pipes", |n| again("|", n)),
    ("rules for tables", |n| again("a\n|-", n)),
    ("headings", |n| again("a\n=\n", n)),
    ("lines for headings", |n| again("# ", n)),
    ("marks for headings", |n| again("#", n)),
    ("tabs", |n| again("\t", n)),
    ("tabs and items", |n| again("-\t", n)),
    ("empty lines", |n| again("\n", n)),
    ("hard breaks", |n| again("a  \n", n)),
    ("quotes", |n| again("\"a' ", n)),
    ("dashes", |n| again("--- -- ", n)),
    ("NULs", |n| again("\0", n)),
    ("words", |n| again("word ", n)),
];

fn rss(item: &str) -> String {
    format!(
        "<?xml version='1.0'?><rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:content='http://purl.org/rss/1.0/modules/content/' \
         xmlns:media='http://search.yahoo.com/mrss/'><channel><title>T</title><link>https://example.org/</link>{item}</channel></rss>"
    )
}

fn item(body: &str) -> String {
    rss(&format!(
        "<item><title>T</title><guid>1</guid><content:encoded><![CDATA[{body}]]></content:encoded></item>"
    ))
}

const FEEDS: &[(&str, Make)] = &[
    ("entities of its own", |n| {
        "<!DOCTYPE l [<!ENTITY a 'ha'>".to_owned()
            + &numbered(n, |i| format!("<!ENTITY e{i} '&a;&a;'>"))
            + "]><rss/>"
    }),
    ("nested tags", |n| rss(&again("<x>", n))),
    ("nested tags with ends", |n| rss(&again("<x></y>", n))),
    ("attributes", |n| rss(&format!("<item {}/>", again("a='' ", n)))),
    ("tags full of attributes", |n| {
        rss(&again(&format!("<item {}/>", numbered(15_000, |i| format!("a{i}='' "))), n))
    }),
    ("names full of spaces", |n| rss(&again("<item xmlns:a='b' xmlns:c='d' xmlns:e='f'/>", n))),
    ("namespaces in tags full of them", |n| {
        rss(&again(&format!("<item {}>", numbered(15_000, |i| format!("xmlns:a{i}='b' "))), n))
    }),
    ("sections", |n| rss(&again("<![CDATA[", n))),
    ("comments", |n| rss(&again("<!---->", n))),
    ("open comments", |n| rss(&again("<!--", n))),
    ("instructions", |n| rss(&again("<?a?>", n))),
    ("items", |n| rss(&numbered(n, |i| format!("<item><title>t</title><guid>{i}</guid></item>")))),
    ("empty items", |n| rss(&again("<item/>", n))),
    ("categories", |n| {
        rss(&format!(
            "<item><title>t</title><guid>1</guid>{}</item>",
            numbered(n, |i| format!("<category>{i}</category>"))
        ))
    }),
    ("authors", |n| {
        rss(&format!(
            "<item><title>t</title><guid>1</guid>{}</item>",
            numbered(n, |i| format!("<dc:creator>a{i}</dc:creator>"))
        ))
    }),
    ("authors of the feed for every entry", |n| {
        format!(
            "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title>{}{}</feed>",
            numbered(n / 2, |i| format!("<author><name>a{i}</name></author>")),
            numbered(n / 2, |i| format!("<entry><title>t</title><id>{i}</id></entry>"))
        )
    }),
    ("links", |n| {
        rss(&format!("<item><title>t</title><guid>1</guid>{}</item>", again("<link>x:y</link>", n)))
    }),
    ("pictures", |n| {
        rss(&format!("<item><title>t</title><guid>1</guid>{}</item>", again("<media:content url='x:y'/>", n)))
    }),
    ("groups of pictures", |n| {
        rss(&format!(
            "<item><title>t</title><guid>1</guid>{}</item>",
            again("<media:group><media:thumbnail url='x:y'/></media:group>", n)
        ))
    }),
    ("XHTML", |n| {
        format!(
            "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><entry><id>1</id><title>t</title><content type='xhtml'>{}</content></entry></feed>",
            again("<div xmlns='http://www.w3.org/1999/xhtml'>x</div>", n)
        )
    }),
    ("references to letters", |n| {
        rss(&format!("<item><guid>1</guid><title>{}</title></item>", again("&#65;", n)))
    }),
    ("ampersands", |n| rss(&format!("<item><guid>1</guid><title>{}</title></item>", again("&amp;", n)))),
    ("a long title", |n| rss(&format!("<item><guid>1</guid><title>{}</title></item>", again("word ", n)))),
    ("a long id", |n| rss(&format!("<item><guid>{}</guid><title>t</title></item>", again("x", n)))),
    ("a long address", |n| {
        rss(&format!(
            "<item><guid>1</guid><link>https://example.org/{}</link><title>t</title></item>",
            again("../", n)
        ))
    }),
    ("a long date", |n| {
        rss(&format!("<item><guid>1</guid><title>t</title><pubDate>{}</pubDate></item>", again("1 ", n)))
    }),
    ("dates", |n| {
        rss(&numbered(n, |i| {
            format!(
                "<item><guid>{i}</guid><title>t</title><pubDate>Tue, 99 Mar 2026 14:05:05 XYZ+</pubDate></item>"
            )
        }))
    }),
    ("dates in words", |n| {
        rss(&format!(
            "<item><guid>1</guid><title>t</title>{}</item>",
            again("<pubDate>mar mar 1 mar</pubDate>", n)
        ))
    }),
    ("names of letters", |n| {
        rss(&format!("<item><guid>1</guid><title>{}</title></item>", again("&alpha;", n)))
    }),
    ("letters of its own", |n| {
        format!(
            "<!DOCTYPE r [<!ENTITY a '{}'>]><rss><channel><item><guid>1</guid><title>{}</title></item></channel></rss>",
            "x".repeat(200),
            again("&a;", n)
        )
    }),
    ("tags in a title", |n| {
        rss(&format!("<item><guid>1</guid><title>{}</title></item>", again("&lt;script&gt;", n)))
    }),
    ("real tags in a title", |n| {
        rss(&format!("<item><guid>1</guid><title>{}</title></item>", again("<b>", n)))
    }),
    ("quotes in tags", |n| rss(&again("<a b=\"<a b='", n))),
    ("open ends", |n| rss(&again("</a", n))),
    ("ends of others in nested tags", |n| rss(&("<x>".repeat(200) + &again("</y></x><x>", n)))),
    ("document types", |n| rss(&again("<!DOCTYPE a [", n))),
    ("prefixes", |n| rss(&numbered(n, |i| format!("<a{i}:x xmlns:a{i}='b'/>")))),
    ("bases", |n| rss(&again("<a xml:base='x/'>", n))),
    ("articles in articles", |n| rss(&again("<item><title>t</title>", n))),
    ("contents", |n| {
        rss(&format!(
            "<item><guid>1</guid><title>t</title>{}</item>",
            numbered(n, |i| format!("<content:encoded>{i}</content:encoded>"))
        ))
    }),
    ("addresses of authors", |n| {
        rss(&format!("<item><guid>1</guid><title>t</title><author>{}</author></item>", again("a@b (", n)))
    }),
    ("marks in brackets in an item", |n| item(&again("[caption ", n))),
    ("ends of posts in an item", |n| item(&again("<p>The post a appeared first on b.</p>", n))),
    ("broken JSON", |n| format!("{{\"items\":[{{\"title\":\"{}", again("\n\\ud83d", n))),
    ("commas in broken JSON", |n| format!("{{\"items\":[{}]", again("1,  ]", n))),
    ("open comments in an item", |n| item(&again("<!--", n))),
    ("nested blocks in an item", |n| item(&again("<div>", n))),
    ("links between cells in an item", |n| item(&("<table>".to_owned() + &again("<a>x", n)))),
    ("a paragraph in an item", |n| item(&format!("<p><em>{}</em></p>", again("word ", n)))),
    ("spaces in an item", |n| item(&again(" &nbsp;", n))),
    ("a long summary", |n| {
        rss(&format!(
            "<item><guid>1</guid><title>t</title><description>{}</description></item>",
            again("word. ", n)
        ))
    }),
    ("nested JSON", |n| format!("{{\"version\":{}", again("[", n))),
    ("nested JSON objects", |n| format!("{{\"version\":{}", again("{\"a\":", n))),
    ("JSON with items", |n| {
        format!(
            "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"t\",\"items\":[{}]}}",
            numbered(n, |i| format!("{{\"id\":\"{i}\"}},")) + "{\"id\":\"x\"}"
        )
    }),
    ("JSON with one text", |n| {
        format!(
            "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"t\",\"items\":[{{\"id\":\"1\",\"content_html\":\"{}\"}}]}}",
            again("<!--", n)
        )
    }),
];

fn mail(kind: &str, body: &str) -> String {
    format!(
        "From: Mail Delivery System <mailer-daemon@example.org>\r\nTo: b@example.com\r\nSubject: Undelivered Mail Returned to Sender\r\nContent-Type: {kind}\r\n\r\n{body}"
    )
}

const MAIL: &[(&str, Make)] = &[
    ("no header", |n| again("x", n)),
    ("headers", |n| again("A: b\r\n", n)),
    ("one header in lines", |n| "Subject: x\r\n".to_owned() + &again(" y\r\n", n)),
    ("a long header", |n| format!("To: {}\r\n\r\n", again("a", n))),
    ("addresses in headers", |n| again(&format!("To: {}\r\n", again("a@b.c,", 8_000)), n)),
    ("at signs in headers", |n| again(&format!("To: {}\r\n", again("a@", 8_000)), n)),
    ("encoded words", |n| again(&format!("Subject: {}\r\n", again("=?utf-8?q?a?=", 8_000)), n)),
    ("open encoded words", |n| again(&format!("Subject: {}\r\n", again("=?", 8_000)), n)),
    ("nested parts", |n| {
        numbered(n, |i| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"))
    }),
    ("parts", |n| mail("multipart/report; boundary=b", &again("--b\r\n\r\nx\r\n", n))),
    ("the same boundary all the way down", |n| {
        again("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", n)
    }),
    ("parameters", |n| format!("Content-Type: multipart/mixed{}\r\n\r\n", again(";a=b", n))),
    ("messages in messages", |n| again("Content-Type: message/rfc822\r\n\r\n", n)),
    ("fields of a report", |n| {
        mail(
            "message/delivery-status",
            &again("Final-Recipient: rfc822; a@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n", n),
        )
    }),
    ("one field of a report in lines", |n| {
        mail(
            "message/delivery-status",
            &("Final-Recipient: rfc822; a@example.com\r\nDiagnostic-Code: x\r\n".to_owned()
                + &again(" y\r\n", n)),
        )
    }),
    ("addresses of a report", |n| {
        mail(
            "message/delivery-status",
            &numbered(n, |i| format!("Final-Recipient: rfc822; a{i}@example.com\r\nAction: failed\r\n\r\n")),
        )
    }),
    ("at signs", |n| mail("text/plain", &again("@", n))),
    ("addresses without an end", |n| mail("text/plain", &again("a@", n))),
    ("one long name", |n| mail("text/plain", &again("a", n))),
    ("one long name and at signs", |n| {
        mail("text/plain", &format!("{}{}", again("a", n / 2), again("@", n / 2)))
    }),
    ("addresses", |n| mail("text/plain", &numbered(n, |i| format!("<a{i}@example.com>: user unknown\r\n")))),
    ("digits", |n| mail("text/plain", &again("5.1.", n))),
    ("long numbers", |n| mail("text/plain", &format!("5.1.{}", again("1", n)))),
    ("half a phrase", |n| mail("text/plain", &("user unknown ".to_owned() + &again("exceed ", n)))),
    ("half an announcement", |n| mail("text/plain", &again("----- original mess\r\n", n))),
    ("quoted-printable", |n| {
        mail("text/plain\r\nContent-Transfer-Encoding: quoted-printable", &again("=3D=", n))
    }),
    ("base64", |n| mail("text/plain\r\nContent-Transfer-Encoding: base64", &again("=?A/", n))),
    ("HTML", |n| mail("text/html", &again("<a", n))),
    ("open comments", |n| mail("text/html", &again("<!--", n))),
    ("entities", |n| mail("text/html", &again("&", n))),
    ("open tags", |n| mail("text/html", &again("<div x=\"", n))),
    ("Japanese", |n| mail("text/plain; charset=iso-2022-jp", &again("\u{1b}$B\u{1b}(B\u{80}", n))),
    ("UTF-7", |n| mail("text/plain; charset=utf-7", &again("+AGE\u{80}", n))),
    ("JSON", |n| mail("text/plain", &("{\"notificationType\":".to_owned() + &again("[", n)))),
    ("a complaint", |n| mail("message/feedback-report", &again("Original-Rcpt-To: <a@example.com>\r\n", n))),
    ("lines", |n| mail("text/plain", &again("\r\n", n))),
    ("carriage returns", |n| mail("text/plain", &again("\r", n))),
];

const MAILBOX: &[(&str, Make)] = &[
    ("headers", |n| again("A: b\r\n", n)),
    ("one header in lines", |n| "Subject: x\r\n".to_owned() + &again(" y\r\n", n)),
    ("encoded words", |n| format!("Subject: {}\r\n\r\n", again("=?utf-8?q?a?= ", n))),
    ("encoded words without an end", |n| format!("Subject: {}\r\n\r\n", again("a=?b ", n))),
    ("encoded words that begin", |n| format!("Subject: {}\r\n\r\n", again("=?b?q?", n))),
    ("nested parts", |n| {
        numbered(n, |i| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"))
    }),
    ("parts", |n| mail("multipart/report; boundary=b", &again("--b\r\n\r\nx\r\n", n))),
    ("the same boundary all the way down", |n| {
        again("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", n)
    }),
    ("quoted-printable", |n| {
        mail("text/plain\r\nContent-Transfer-Encoding: quoted-printable", &again("=3D=", n))
    }),
    ("base64", |n| mail("text/plain\r\nContent-Transfer-Encoding: base64", &again("=?A/", n))),
    ("lines", |n| again("\r\n", n)),
];

const ADDRESSES: &[(&str, Make)] = &[
    ("at signs", |n| again("@", n)),
    ("labels", |n| "a@".to_owned() + &again("a.", n)),
    ("a long label", |n| "a@".to_owned() + &again("a", n)),
    ("letters of elsewhere", |n| "a@".to_owned() + &again("\u{e9}", n)),
    ("marks above marks", |n| "a@e".to_owned() + &again("\u{301}\u{323}", n)),
    ("punycode", |n| "a@xn--".to_owned() + &again("9", n)),
];

const URLS: &[(&str, Make)] = &[
    ("steps back", |n| "https://example.org/".to_owned() + &again("a/../", n)),
    ("labels", |n| "https://".to_owned() + &again("a.", n)),
    ("letters of elsewhere", |n| "https://".to_owned() + &again("\u{e9}", n)),
    ("labels of elsewhere", |n| "https://".to_owned() + &again("\u{e9}.", n)),
    ("marks above marks", |n| "https://e".to_owned() + &again("\u{301}\u{323}", n)),
    ("punycode", |n| "https://xn--".to_owned() + &again("9", n)),
    ("labels in punycode", |n| "https://".to_owned() + &again("xn--9ca.", n)),
    ("numbers", |n| "https://".to_owned() + &again("1.", n)),
    ("percent signs", |n| "https://example.org/".to_owned() + &again("%", n)),
    ("at signs", |n| "https://".to_owned() + &again("@", n)),
    ("tabs", |n| "https://example.org/".to_owned() + &again("\t", n)),
];

const LETTERS: &[(&str, Make)] = &[
    ("words", |n| again("word ", n)),
    ("ampersands", |n| again("&", n / 8)),
    ("signs of Latin-1", |n| again("«»", n)),
    ("left angles", |n| again("<", n / 8)),
    ("templates in templates", |n| again("{{#if a}}", n)),
    ("paragraphs", |n| again("a\n\n", n / 80)),
    ("open braces", |n| again("{{", n)),
    ("fields", |n| again("{{field.a, else \"b\"}}\n\n", n / 80)),
    ("fields without end", |n| again("{{name}}", n)),
    ("one word", |n| again("a", n)),
];

fn read_html(text: &str) {
    let clean = articles::sanitise(text, None);
    let words = articles::text_of(&clean);
    drop((articles::excerpt(&words, 300), articles::first_image(&clean)));
    assert!(clean.len() < 10 * text.len(), "{} bytes became {}", text.len(), clean.len());
}

/// The work of reading a text, on a thread of its own.
fn work(what: &str, text: String, read: fn(&str)) -> Duration {
    let (tell, told) = mpsc::channel();
    let reading = thread::Builder::new().stack_size(STACK).spawn(move || {
        let ((), took) = worked(|| read(&text));
        let _ = tell.send(took);
    });
    reading.expect("a thread");
    told.recv_timeout(LONGEST_WAIT).unwrap_or_else(|error| panic!("{what}: {error}"))
}

fn is_in_proportion(format: &str, table: &[(&str, Make)], read: fn(&str)) {
    for (name, make) in table {
        let what = format!("{format}, {name}");
        let small = work(&what, make(MEGABYTE / TIMES), read);
        let large = work(&what, make(MEGABYTE), read);
        println!("{what}: {small:.1?}, {large:.1?}");
        assert!(large < LONGEST, "{what}: a megabyte takes {large:.1?}");
        let most = small.max(Duration::from_millis(4)) * MOST_TIMES;
        assert!(large < most, "{what}: a sixteenth of a megabyte takes {small:.1?}, a megabyte {large:.1?}");
    }
}

#[test]
fn html_is_read_in_proportion() {
    is_in_proportion("HTML", HTML, read_html);
}

#[test]
fn markdown_is_read_in_proportion() {
    is_in_proportion("Markdown", MARKDOWN, |text| {
        let html = articles::markdown_to_html(text);
        assert!(articles::word_count(&articles::text_of(&html)) >= 0);
        assert!(html.len() < 10 * text.len(), "{} bytes became {}", text.len(), html.len());
    });
}

/// TRUST A9: what is pasted, and what a feed brought and somebody wants to change, becomes Markdown.
#[test]
fn html_becomes_markdown_in_proportion() {
    is_in_proportion("pasted HTML", HTML, |text| {
        let markdown = articles::pasted_to_markdown(text);
        assert!(markdown.len() < 10 * text.len(), "{} bytes became {}", text.len(), markdown.len());
    });
    is_in_proportion("pasted from a word processor", PASTED, |text| drop(articles::pasted_to_markdown(text)));
    is_in_proportion("HTML to change", HTML, |text| {
        drop(articles::html_to_markdown(&articles::sanitise(text, None)));
    });
}

#[test]
fn feeds_are_read_in_proportion() {
    is_in_proportion("a feed", FEEDS, |text| drop(articles::parse_feed(text.as_bytes(), None, None)));
}

#[test]
fn mail_that_comes_back_is_read_in_proportion() {
    is_in_proportion("mail", MAIL, |text| drop(bounces::inspect(text.as_bytes())));
}

#[test]
fn mail_in_the_sandbox_is_read_in_proportion() {
    is_in_proportion("the sandbox", MAILBOX, sandbox::read_mail);
}

/// TRUST A3: an editor's letter becomes a whole email, fields and all, which is no longer than a mebibyte or is not made.
#[test]
fn letters_are_made_in_proportion() {
    static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::load().expect("templates"));
    is_in_proportion("a letter", LETTERS, |text| {
        let fields = vec![MailField { id: 1, name: "a".into(), is_day: false }];
        let digest = DigestContext { letter: mail::letter(text), fields, ..DigestContext::sample() };
        let made = mail::compile(&TEMPLATES, &digest);
        drop(made.map(|made| made.shown(&Personal::sample())));
    });
}

#[test]
fn addresses_are_read_in_proportion() {
    is_in_proportion("an address", ADDRESSES, |text| drop(EmailAddress::parse(text)));
    is_in_proportion("a web address", URLS, |text| drop(Url::parse(text)));
}

/// For docs/benchmarks.md.
#[test]
#[ignore = "prints figures"]
fn figures() {
    let shown = ["open comments", "ampersands", "links between cells", "blocks that a cell does not end"];
    for (name, make) in HTML.iter().filter(|(name, _)| shown.contains(name)) {
        for bytes in [160_000, 400_000, MEGABYTE] {
            println!("{name}, {bytes} bytes: {:.1?}", work(name, make(bytes), read_html));
        }
    }
}

//! Feeds as editors meet them: each kind of trouble, once in every format that can have it.

use super::*;
use crate::{
    articles::cleaning::html,
    clock::{Moment, worked},
};

fn rss(item: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8'?><rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/' \
         xmlns:content='http://purl.org/rss/1.0/modules/content/' xmlns:media='http://search.yahoo.com/mrss/'><channel>\
         <title>The Gull</title><link>https://gull.example/</link>{item}</channel></rss>"
    )
}

fn one(feed: &str) -> ParsedArticle {
    let mut feed = parse(feed.as_bytes(), None, None).expect("a feed");
    assert_eq!((feed.articles.len(), feed.skipped.as_slice()), (1, [].as_slice()));
    feed.articles.remove(0)
}

#[test]
fn an_article_keeps_what_an_editor_would_keep() {
    let article = one(&rss(
        "<item><title>Salt &amp;amp; Bread</title><link>/salt</link><guid isPermaLink='false'>77</guid>\
         <dc:creator>Ann Lee</dc:creator><dc:creator>Bo Ray</dc:creator><category>Food</category><category>food</category>\
         <category>Work</category><pubDate>Tue, 03 Mar 2026 14:05:05 GMT</pubDate>\
         <description><![CDATA[<p>What a bakery&#8217;s night shift knows.</p>]]></description>\
         <content:encoded><![CDATA[<p><em>First published in <a href='/old'>The Tern</a>, 2019.</em></p>\
         <p><strong>What a bakery's night shift knows.</strong></p><p>The ovens go on at two.</p>\
         <p><img src='oven.jpg'></p><p>By Ann Lee and Bo Ray</p>]]></content:encoded></item>",
    ));
    assert_eq!(
        article,
        ParsedArticle {
            source_id: "gull.example 77".to_owned(),
            title: "Salt & Bread".to_owned(),
            standfirst: "What a bakery's night shift knows.".to_owned(),
            byline: "Ann Lee and Bo Ray".to_owned(),
            topics: vec!["Food".to_owned(), "Work".to_owned()],
            body_html: "<p>The ovens go on at two.</p><p><img src=\"https://gull.example/oven.jpg\"></p>"
                .to_owned(),
            canonical_url: Some("https://gull.example/salt".to_owned()),
            image_url: Some("https://gull.example/oven.jpg".to_owned()),
            image_alt: String::new(),
            origin_note: Some("First published in The Tern, 2019.".to_owned()),
            published_at: Some(Moment::from_unix_seconds(1_772_546_705)),
            placed_at: None,
            word_count: 18,
        }
    );
}

#[test]
fn a_summary_that_is_the_start_of_the_body_is_cut_at_a_sentence() {
    let text = format!("The tide came in. {}", "Nobody on the quay had seen it so high before. ".repeat(12));
    let article = one(&rss(&format!(
        "<item><title>Tide</title><link>/tide</link><description>{text}</description></item>"
    )));
    assert!(article.standfirst.starts_with("The tide came in. Nobody") && article.standfirst.len() <= 300);
    assert!(article.standfirst.ends_with("before."));
    assert!(article.body_html.starts_with("<p>The tide came in. Nobody"));
    let short = one(&rss("<item><title>T</title><link>/t</link><description>One line.</description></item>"));
    assert_eq!((short.standfirst.as_str(), short.body_html.as_str(), short.word_count), ("One line.", "", 2));
}

#[test]
fn italics_that_say_nothing_of_an_origin_stay() {
    let article = one(&rss(
        "<item><title>T</title><link>/t</link><description>S.</description><content:encoded><![CDATA[<p><em>This is a \
         letter.</em></p><p>Dear reader</p>]]></content:encoded></item>",
    ));
    assert_eq!(article.origin_note, None);
    assert_eq!(article.body_html, "<p><em>This is a letter.</em></p><p>Dear reader</p>");
}

fn read(feed: &str) -> ParsedFeed {
    parse(feed.as_bytes(), Url::parse("https://feeds.example/gull.xml").ok().as_ref(), None).expect("a feed")
}

fn atom(entry: &str) -> String {
    format!(
        "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:media='http://search.yahoo.com/mrss/'><title>The Gull</title>\
         <link href='https://gull.example/'/><entry><id>urn:1</id><link href='https://gull.example/t'/>{entry}</entry></feed>"
    )
}

fn title_of(feed: &str) -> String {
    one(feed).title
}

fn item_of(inner: &str) -> ParsedArticle {
    one(&rss(&format!("<item><title>T</title><link>https://gull.example/a/t</link>{inner}</item>")))
}

fn body_of(html: &str) -> String {
    item_of(&format!("<description>S.</description><content:encoded><![CDATA[{html}]]></content:encoded>"))
        .body_html
}

#[test]
fn every_dialect_is_read() {
    let item = "<item><title>T</title><link>https://g.example/t</link></item>";
    let old = |version: &str| {
        format!(
            "<rss{version}><channel><title>G</title><link>https://g.example/</link>{item}</channel></rss>"
        )
    };
    let rdf = |namespace: &str| {
        format!(
            "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='{namespace}'><channel><title>G</title><link>https://g.example/</link></channel>{item}</r:RDF>"
        )
    };
    for feed in [
        old(" version='0.91'"),
        old(" version=\"0.93\""),
        old(" version='2.0.1'"),
        old(""),
        old(" xmlns='http://backend.userland.com/rss2' version='2.0'"),
        old(" xmlns='http://example.org/nobody/knows/it' version='2.0'"),
        rdf("http://purl.org/rss/1.0/"),
        rdf("http://my.netscape.com/rdf/simple/0.9/"),
        "<RSS VERSION='2.0'><CHANNEL><TITLE>G</TITLE><LINK>https://g.example/</LINK><ITEM><TITLE>T</TITLE><LINK>https://g.example/t</LINK></ITEM></CHANNEL></RSS>".to_owned(),
        format!("<rss version='2.0'><channel><title>G</title><link>https://g.example/</link></channel>{item}</rss>"),
        "<rss:rss xmlns:rss='http://purl.org/rss/1.0/'><rss:channel><rss:title>G</rss:title><rss:item><rss:title>T</rss:title><rss:link>https://g.example/t</rss:link></rss:item></rss:channel></rss:rss>".to_owned(),
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><channel><title>G</title></channel><item rdf:about='https://g.example/t'><title>T</title></item></rdf:RDF>".to_owned(),
        format!("<br />\n<b>Warning</b>: Cannot modify header in x.php<br />\n{}", old("")),
        format!("<?xml version='1.0'?><!DOCTYPE rss PUBLIC '-//N//DTD RSS 0.91//EN' 'http://example.org/rss.dtd'>{}<!-- 0.2 s --><script>x</script>", old("")),
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>G</title><link href='https://g.example/'/><entry><title type='html'>T</title><link rel='alternate' href='t'/><link rel='enclosure' href='/x.mp3'/></entry></feed>".to_owned(),
        "<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:title>G</a:title><a:entry><a:title>T</a:title><a:link href='https://g.example/t'/></a:entry></a:feed>".to_owned(),
        "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><title>G</title><entry><title>T</title><link rel='alternate' type='text/html' href='https://g.example/t'/></entry></feed>".to_owned(),
        r#"{"version":"https://jsonfeed.org/version/1.1","title":"G","home_page_url":"https://g.example/","items":[{"url":"https://g.example/t","title":"T"}]}"#.to_owned(),
    ] {
        let article = one(&feed);
        assert_eq!((article.title.as_str(), article.source_id.as_str()), ("T", "https://g.example/t"), "{feed}");
    }
}

/// What is wrong with one article costs at most that article.
#[test]
fn one_bad_article_never_spoils_a_feed() {
    let good = "<item><title>Good</title><link>https://gull.example/good</link></item>";
    for (bad, title) in [
        ("<title>D&D night & more</title>", "D&D night & more"),
        ("<title>Smile &#55357;&#56832; &#0;&#xFFFFFFFF; ok</title>", "Smile 😀 \u{fffd} ok"),
        ("<title>Half &#55357; ok</title>", "Half \u{fffd} ok"),
        ("<title>T</title><author>\u{2014}a@example.org</author>", "T"),
        ("<title type=''>T</title>", "T"),
        ("<title type='no/such'>T</title>", "T"),
        ("<title>1 < 2 <3 <</title>", "1 < 2 <3 <"),
        ("<title>T</title><description>a <b>c <i>d</description>", "T"),
        ("<title>T</title><x y='1' y='2' z=3 w>a</q></x>", "T"),
        ("<title>T</title><!-- never closed", "T"),
        ("<title>T</title><![CDATA[ never closed", "T"),
        ("<title>T</title ", "T"),
        ("<title>T</title><pubDate>99 Foo 2026</pubDate>", "T"),
        ("<title>a\u{1}b\u{92}c</title>", "ab’c"),
    ] {
        let feed = read(&rss(&format!("<item>{bad}<link>https://gull.example/bad</link></item>{good}")));
        let titles: Vec<&str> = feed.articles.iter().map(|article| article.title.as_str()).collect();
        assert_eq!(titles, [title, "Good"], "{bad}");
    }
    let without_end = read(&rss(&format!("<item><title>Open</title><link>/o</link>{good}")));
    assert_eq!(without_end.articles.len(), 2);
}

#[test]
fn what_is_odd_is_said_once() {
    let notes = |feed: &str| read(feed).notes;
    assert_eq!(notes(&rss("")), ["The feed holds no articles yet."]);
    assert_eq!(
        notes(r#"{"version":"https://jsonfeed.org/version/1","items":[]}"#),
        ["The feed holds no articles yet."]
    );
    let item = |date: &str| format!("<item><title>T</title><link>/t</link><pubDate>{date}</pubDate></item>");
    assert_eq!(
        notes(&rss(&(item("soon") + &item("0001-01-01T00:00:00Z") + &item("3 Mar 2026")))),
        ["2 articles have a date that cannot be read: new ones are put beside those that they came with."]
    );
    let cut = rss("<item><title>One</title><link>/1</link></item><item><title>Two</title><li");
    let cut = read(&cut[..cut.find("<li</").expect("the cut") + 3]);
    assert_eq!((cut.articles.len(), cut.notes.len()), (1, 1));
    assert!(cut.notes[0].contains("breaks off"));
    let latin = parse(
        &rss("<item><title>Caf\u{e9}</title><link>/c</link></item>")
            .replace('\u{e9}', "\u{1}")
            .bytes()
            .map(|byte| if byte == 1 { 0xe9 } else { byte })
            .collect::<Vec<_>>(),
        None,
        None,
    )
    .expect("a feed");
    assert_eq!((latin.articles[0].title.as_str(), latin.notes.len()), ("Caf\u{e9}", 1));
    let many: String =
        (0..1_005).map(|n| format!("<item><title>{n}</title><guid>{n}</guid></item>")).collect();
    let many = read(&rss(&many));
    assert_eq!(
        (many.articles.len(), many.notes.as_slice()),
        (1_000, ["5 more: a feed is read up to 1000.".to_owned()].as_slice())
    );
}

/// RFC 7303: the server's word counts before the document's own.
#[test]
fn the_encoding_that_the_server_names_counts() {
    let feed = rss("<item><title>Caf\u{e9}</title><link>/c</link></item>").replace("encoding='UTF-8'", "");
    let latin: Vec<u8> = feed.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let wide: Vec<u8> = feed.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, header) in [(&latin, "text/xml; charset=iso-8859-1"), (&wide, "application/rss+xml")] {
        let read = parse(bytes, None, Some(&ContentType::parse(header))).expect("a feed");
        assert_eq!((read.articles[0].title.as_str(), read.notes.len()), ("Caf\u{e9}", 0), "{header}");
    }
}

#[test]
fn titles_keep_every_word_that_their_format_means() {
    let of_atom = |kind: &str, title: &str| title_of(&atom(&format!("<title{kind}>{title}</title>")));
    let of_rss = |title: &str| item_titled(title);
    for (read, meant) in [
        (of_rss("C++ &lt;vector&gt; in 2026"), "C++ <vector> in 2026"),
        (of_rss("How to write &lt;title&gt; tags"), "How to write <title> tags"),
        (of_rss("real &lt;em&gt;markup&lt;/em&gt;"), "real markup"),
        (of_rss("Low &amp;#39;Price&amp;#39; &amp;amp; more"), "Low 'Price' & more"),
        (of_rss("<![CDATA[How to read <rss> files]]>"), "How to read <rss> files"),
        (of_rss("Naked <b>markup</b> here"), "Naked markup here"),
        (of_rss("don&#146;t \u{93}x\u{94}"), "don’t “x”"),
        (of_rss("Caf&eacute; &ndash; t&ecirc;te &oelig;"), "Café – tête œ"),
        (of_atom("", "plain &lt;em&gt;not markup&lt;/em&gt;"), "plain <em>not markup</em>"),
        (of_atom(" type='text'", "AT&amp;T &lt;b&gt; &amp;eacute;"), "AT&T <b> &eacute;"),
        (
            of_atom(" type='html'", "real &lt;em&gt;markup&lt;/em&gt; C++ &lt;vector&gt;"),
            "real markup C++ <vector>",
        ),
        (
            of_atom(
                " type='xhtml'",
                "<div xmlns='http://www.w3.org/1999/xhtml'>x <em>y</em> &lt;z&gt;</div>",
            ),
            "x y <z>",
        ),
        (of_atom(" mode='base64' type='text/html'", "Q2Fmw6kgPGI+YjwvYj4="), "Café b"),
    ] {
        assert_eq!(read, meant);
    }
}

fn item_titled(title: &str) -> String {
    title_of(&rss(&format!("<item><title>{title}</title><link>/t</link></item>")))
}

/// By xml:base, else the article's own address, else the site's; never by the feed's.
#[test]
fn relative_addresses_stand_against_what_they_are_part_of() {
    let body = body_of("<p><a href='x'>x</a><img src='/y.jpg'></p>");
    assert!(
        body.contains("https://gull.example/a/x") && body.contains("https://gull.example/y.jpg"),
        "{body}"
    );
    let based = one(&atom(
        "<title>T</title><content type='html' xml:base='https://b.example/c/'>&lt;p&gt;&lt;a href='x'&gt;x&lt;/a&gt;&lt;/p&gt;&lt;p&gt;y&lt;/p&gt;</content>",
    ));
    assert!(
        based.body_html.contains("https://b.example/c/x") || based.standfirst == "x y",
        "{}",
        based.body_html
    );
    let feed = read(&rss("<item><title>T</title><link>/rel path</link></item>"));
    assert_eq!(feed.articles[0].canonical_url.as_deref(), Some("https://gull.example/rel%20path"));
    let notes = body_of(
        "<p>x<a href='#fn1' id='back'>1</a> <a href='#lost'>2</a></p><p id='fn1'>note <a href='#back'>up</a></p><p id='nav'>z</p>",
    );
    assert_eq!(
        notes,
        "<p>x<a href=\"#in-fn1\" id=\"in-back\" rel=\"noopener\">1</a> <a rel=\"noopener\">2</a></p><p id=\"in-fn1\">note <a \
         href=\"#in-back\" rel=\"noopener\">up</a></p><p>z</p>"
    );
    assert_eq!(html::sanitise(&notes, None), notes);
}

#[test]
fn the_address_of_an_article_is_found_where_programs_put_it() {
    for (inner, address) in [
        ("<link>\n https://gull.example/s \n</link>", Some("https://gull.example/s")),
        ("<guid>https://gull.example/g</guid>", Some("https://gull.example/g")),
        ("<guid isPermaLink='false'>https://gull.example/g</guid>", None),
        (
            "<link>https://f.example/~r</link><feedburner:origLink>https://gull.example/o</feedburner:origLink>",
            Some("https://gull.example/o"),
        ),
        (
            "<atom:link rel='self' href='https://gull.example/self'/><atom:link href='https://gull.example/al'/>",
            Some("https://gull.example/al"),
        ),
        (
            "<link/><guid>e</guid><enclosure url='https://gull.example/a.mp3' type='audio/mpeg' length='1'/>",
            None,
        ),
        ("<link>//cdn.example/x</link>", Some("https://cdn.example/x")),
        ("<link>javascript:alert(1)</link>", None),
    ] {
        let article = read(&rss(&format!("<item><title>T</title>{inner}</item>"))).articles.remove(0);
        assert_eq!(article.canonical_url.as_deref(), address, "{inner}");
    }
}

#[test]
fn authors_titles_and_dates_of_other_vocabularies_are_read() {
    for inner in [
        "<author>ann@example.org (Ann Lee)</author>",
        "<dc:creator><![CDATA[Ann Lee]]></dc:creator>",
        "<dc:creator></dc:creator><author>Ann Lee</author>",
        "<author>ann@example.org</author><dc:creator>Ann Lee</dc:creator>",
        "<itunes:author>Ann Lee</itunes:author>",
        "<atom:author xmlns:atom='http://www.w3.org/2005/Atom'><atom:name>Ann Lee</atom:name></atom:author>",
        "<author><name>Ann Lee</name><email>ann@example.org</email></author>",
    ] {
        assert_eq!(item_of(inner).byline, "Ann Lee", "{inner}");
    }
    assert_eq!(item_of("<author>ann@example.org</author>").byline, "");
    for inner in ["dc:date", "dcterms:issued", "dcterms:modified", "a10:updated", "published"] {
        let article = item_of(&format!("<{inner}>2003-12-31T10:14:55Z</{inner}>"));
        assert_eq!(article.published_at, Some(Moment::from_unix_seconds(1_072_865_695)), "{inner}");
    }
    let named = one(&rss("<item><media:title>M</media:title><link>/m</link></item>"));
    assert_eq!(named.title, "M");
}

#[test]
fn pictures_and_films_come_however_late_they_load() {
    for (html, shown) in [
        (
            "<p><img src='data:image/gif;base64,R0' data-src='/real.jpg'></p>",
            "<p><img src=\"https://gull.example/real.jpg\"></p>",
        ),
        (
            "<p><img srcset='/s.jpg 300w, /m.jpg 1200w, /l.jpg 4000w'></p>",
            "<p><img src=\"https://gull.example/m.jpg\"></p>",
        ),
        (
            "<p><img class='lazy' src='data:x' ><noscript><img src='/n.jpg' alt='n'></noscript></p>",
            "<p><img src=\"https://gull.example/n.jpg\" alt=\"n\"></p>",
        ),
        (
            "<p><img data-src='/n.jpg'><noscript><img src='/n.jpg'></noscript></p>",
            "<p><img src=\"https://gull.example/n.jpg\"></p>",
        ),
        ("<p>x<img src='/t.gif' width='1' height='1'></p>", "<p>x</p>"),
        (
            "<figure><iframe src='https://www.youtube.com/embed/abc' title='High tide'></iframe><figcaption>c</figcaption></figure>",
            "<figure><p><a href=\"https://www.youtube.com/watch?v=abc\" rel=\"noopener\">High tide</a></p><figcaption>c</figcaption></figure>",
        ),
        ("<p>a</p><iframe src='https://ads.example/'></iframe><p>b</p>", "<p>a</p><p>b</p>"),
        ("<p>a</p><iframe src='https://ads.example/'><p>b</p>", "<p>a</p><p>b</p>"),
        (
            "<video><source src='/v.mp4' type='video/mp4'><source src='/v.webm'></video>",
            "<p><a href=\"https://gull.example/v.mp4\" rel=\"noopener\">Video</a></p>",
        ),
        (
            "<p>Long enough.</p>[caption id='a']x[/caption]<!--more--><p>The post <a href='/'>T</a> appeared first on <a href='/'>G</a>.</p>",
            "<p>Long enough.</p>x",
        ),
    ] {
        assert_eq!(body_of(html), shown, "{html}");
    }
    let twice = item_of(
        "<content:encoded>&lt;p&gt;One.&lt;/p&gt;</content:encoded><content:encoded>&lt;p&gt;Two.&lt;/p&gt;</content:encoded>",
    );
    assert_eq!(twice.body_html, "<p>One.</p><p>Two.</p>");
    let plain =
        item_of(&format!("<description>line one\nline two\n\n{}</description>", "para two. ".repeat(40)));
    assert!(plain.body_html.starts_with("<p>line one<br>line two</p>\n<p>para two."), "{}", plain.body_html);
    let naked = item_of(&format!(
        "<description><p>Naked <b>markup</b> here</p><p>{}</p></description>",
        "More. ".repeat(80)
    ));
    assert!(naked.body_html.starts_with("<p>Naked <b>markup</b> here</p>"), "{}", naked.body_html);
    let xhtml = item_of(
        "<description>S.</description><body xmlns='http://www.w3.org/1999/xhtml'><p>A<br/>b &lt;c&gt;</p></body>",
    );
    assert_eq!(xhtml.body_html, "<p>A<br>b &lt;c&gt;</p>");
}

/// JSON Feed 1.1: what is of another type is coerced, and plain text is plain.
#[test]
fn json_is_read_as_it_was_meant() {
    let feed = read(
        "{\"version\":\"https://jsonfeed.org/version/1\",\"title\":\"G\",\"home_page_url\":\"https://gull.example/\",\"items\":[\
         {\"id\":1,\"url\":\"/1\",\"title\":\"A <b>b</b> &#8211; c\",\"content_text\":\"one\n\ntwo <x>\",\"author\":{\"name\":\"Ann\"},\"date_published\":\"2026-01-02\"},\
         {\"id\":2.5,\"content_html\":\"<p>No title \\u0093here\\ud83d\",\"authors\":[\"Ann\",{\"name\":\"Bob\"}],\"tags\":[\"Sea\",7]},\
         {\"id\":\"3\",\"external_url\":\"https://o.example/x\",\"title\":true},]}",
    );
    let ids: Vec<&str> = feed.articles.iter().map(|article| article.source_id.as_str()).collect();
    assert_eq!(ids, ["gull.example 1", "gull.example 2.5", "gull.example 3"]);
    let [first, second, third] = feed.articles.as_slice() else { panic!("three") };
    assert_eq!(
        (first.title.as_str(), first.standfirst.as_str(), first.byline.as_str()),
        ("A <b>b</b> – c", "", "Ann")
    );
    assert_eq!(first.body_html, "<p>one</p>\n<p>two &lt;x&gt;</p>");
    assert_eq!((second.title.as_str(), second.byline.as_str()), ("No title “here\u{fffd}", "Ann and Bob"));
    assert_eq!(second.topics, ["Sea", "7"]);
    assert_eq!((third.title.as_str(), third.canonical_url.as_deref()), ("true", Some("https://o.example/x")));
}

#[test]
fn an_article_without_a_date_stands_among_those_that_it_came_with() {
    let item =
        |number: u8, date: &str| format!("<item><title>{number}</title><guid>{number}</guid>{date}</item>");
    let on = |day: u8| format!("<pubDate>{day} Mar 2004 00:00 GMT</pubDate>");
    let feed = read(&rss(&(item(1, "<pubDate>soon</pubDate>")
        + &item(2, &on(9))
        + &item(3, "")
        + &item(4, &on(7))
        + &item(5, ""))));
    let days = |at: Option<Moment>| at.map(|at| (at.0 / 86_400_000_000) - 12_477);
    let placed: Vec<_> =
        feed.articles.iter().map(|article| (days(article.published_at), days(article.placed_at))).collect();
    assert_eq!(placed, [(None, Some(9)), (Some(9), None), (None, Some(7)), (Some(7), None), (None, Some(7))]);
}

#[test]
fn an_article_without_id_and_address_is_known_by_its_title_and_one_without_anything_is_named() {
    let feed = read(&rss(
        "<item><title>Lost</title></item><item><title>T</title><guid>1</guid></item><item><guid>2</guid></item>",
    ));
    assert_eq!(feed.skipped, ["2 has neither a title nor a text"]);
    assert_eq!(feed.articles.len(), 2);
    assert!(feed.articles[0].source_id.starts_with("gull.example title "), "{}", feed.articles[0].source_id);
    assert!(feed.notes[0].contains("known by its title"), "{:?}", feed.notes);
}

#[test]
fn what_is_no_feed_is_called_what_it_is() {
    let address = Url::parse("https://gull.example/").expect("a URL");
    let refused = |text: &str| parse(text.as_bytes(), Some(&address), None).expect_err("no feed").to_string();
    for (text, words) in [
        (
            "<!doctype html><html><head><link rel=alternate type='application/rss+xml' href=/feed></head></html>",
            "its feed seems to be at https://gull.example/feed",
        ),
        ("<html><body><h1>502 Bad Gateway</h1></body></html>", "this is a web page, not a feed"),
        ("<?xml version='1.0'?><opml version='2.0'><body/></opml>", "OPML"),
        ("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url/></urlset>", "sitemap"),
        ("hello", "there is no tag in it"),
        (" ", "the document is empty"),
        ("<note><to/></note>", "its first tag is “note”"),
        ("{\"a\":1}", "no JSON Feed"),
        ("{\"items\":[", "JSON is broken"),
    ] {
        assert!(refused(text).contains(words), "{text}: {}", refused(text));
    }
}

/// Documents changed at random: whatever comes, the reader ends and says something. The seed is in the message.
#[test]
fn no_mutation_makes_the_reader_panic() {
    const SEED: u64 = 17;
    const MUTATIONS: usize = 3_000;
    let documents = [
        rss("<item><title>A &amp; b</title><link>/t</link><guid>1</guid><dc:creator>ann@example.org (Ann Lee)</dc:creator><pubDate>Tue, 03 Mar 2026 14:05:05 GMT</pubDate><content:encoded><![CDATA[<p>x <img data-src='/a.jpg' srcset='/b 1x, /c 2x'><iframe src='https://www.youtube.com/embed/a'></iframe><a href='#f' id='f'>é</a></p>]]></content:encoded></item>"),
        atom("<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>x <em>ü</em></div></title><updated>2026-03-03T14:05:05.5+01:00</updated><author><name>Ann</name></author><content type='html' xml:base='/x/'>&lt;p&gt;&#55357;&#56832;&lt;/p&gt;</content>"),
        r#"{"version":"https://jsonfeed.org/version/1.1","items":[{"id":1,"title":"\ud83d\ude00 é","content_html":"<p>x</p>","date_published":"2026-01-02"}]}"#.to_owned(),
    ];
    let pieces: [&[u8]; 18] = [
        b"<",
        b">",
        b"&",
        b"&#",
        b"&#x",
        b";",
        b"\"",
        b"'",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"</",
        b"<item>",
        b"\\u",
        b"\xff",
        b"\0",
        b"xmlns:a='b' ",
    ];
    let mut state = SEED;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).unwrap_or(0)
    };
    for number in 0..MUTATIONS {
        let mut bytes = documents[number % documents.len()].clone().into_bytes();
        for _ in 0..=random(6) {
            let at = random(bytes.len());
            let end = (at + random(40)).min(bytes.len());
            match random(4) {
                0 => drop(bytes.drain(at..end)),
                1 => {
                    let part = bytes[at..end].to_vec();
                    let to = random(bytes.len());
                    drop(bytes.splice(to..to, part));
                }
                2 => drop(bytes.splice(at..at, pieces[random(pieces.len())].iter().copied())),
                _ => bytes[at..end].iter_mut().for_each(|byte| *byte = byte.wrapping_add(1)),
            }
            if bytes.is_empty() {
                bytes.push(b'<');
            }
        }
        let outcome = std::panic::catch_unwind(|| parse(&bytes, None, None).is_ok());
        assert!(outcome.is_ok(), "seed {SEED}, mutation {number}: {}", String::from_utf8_lossy(&bytes));
    }
}

/// TRUST A4: a feed's titles and names cannot carry markup.
#[test]
fn titles_and_names_are_plain_text() {
    let article = one(&rss(
        "<item><title>&lt;script&gt;alert(1)&lt;/script&gt;Hi &lt;b&gt;there&lt;/b&gt;</title><link>javascript:alert(1)</link>\
         <guid>x:1</guid><dc:creator>&lt;img src=x onerror=alert(1)&gt;Ann</dc:creator>\
         <media:content url='javascript:alert(1)' type='image/png'/></item>",
    ));
    assert_eq!((article.title.as_str(), article.byline.as_str()), ("Hi there", "Ann"));
    assert_eq!((article.canonical_url, article.image_url), (None, None));
}

/// TRUST A9: entities are neither expanded nor fetched, and a hostile feed ends within a second, in an error or as what is left.
#[test]
fn hostile_feeds_end_quickly() {
    let laughs = "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><rss version='2.0'><channel><title>&b;</title></channel></rss>";
    let file = "<!DOCTYPE x [<!ENTITY file SYSTEM 'file:///etc/passwd'>]><rss><channel><title>&file;</title></channel></rss>";
    let deep = format!("<rss version='2.0'><channel>{}", "<x>".repeat(1_000_000));
    let many = format!("<rss version='2.0'><channel>{}", "<x/>".repeat(400_000));
    let json = format!("{{\"version\":{}", "[".repeat(100_000));
    let large = format!("<rss>{}</rss>", " ".repeat(guard::MOST_BYTES));
    for hostile in [laughs, file, &deep, &many, &json, &large, "", "<html><p>Not found</p></html>", "{}"] {
        let (outcome, took) = worked(|| parse(hostile.as_bytes(), None, None));
        assert!(outcome.is_err(), "{:.60} gave {outcome:?}", hostile);
        assert!(took.as_millis() < 1_500, "{:.60} took {took:?}", hostile);
    }
    let wide = format!("<rss version='2.0' {}><channel/></rss>", "a='' ".repeat(1_000_000));
    let (feed, took) = worked(|| read(&wide));
    assert_eq!(feed.articles, []);
    assert!(took.as_millis() < 1_500, "{took:?}");
}

/// An entity that stands for plain letters is what some programs write; it cannot grow.
#[test]
fn plain_entities_of_its_own_are_read() {
    let feed = "<!DOCTYPE feed [<!ENTITY nbsp \"&#160;\"><!ENTITY paper 'The Gull'>]><rss><channel><item><title>a&nbsp;b &paper;</title><guid>1</guid></item></channel></rss>";
    assert_eq!(title_of(feed), "a b The Gull");
}

/// TRUST A8: what the picture over an article shows is what the feed says of it, or else what the text says of the same picture.
#[test]
fn what_the_picture_of_an_article_shows_is_taken_along() {
    let alt = |item: &str| {
        let whole = format!("<item><title>T</title><link>/t</link>{item}</item>");
        let article = one(&rss(&whole));
        (article.image_url.unwrap_or_default(), article.image_alt)
    };
    let picture = |alt: &str| ("https://gull.example/a.jpg".to_owned(), alt.to_owned());
    assert_eq!(
        alt(
            "<media:content url='/a.jpg' medium='image'><media:description type='html'>Two &lt;b&gt;boats&lt;/b&gt; &amp;amp; a quay</media:description></media:content>"
        ),
        picture("Two boats & a quay")
    );
    let text = "<description><![CDATA[<p>x <img src='/b.jpg' alt='B'> <img src='a.jpg' alt='A &amp; C'></p>]]></description>";
    assert_eq!(alt(&format!("<enclosure url='/a.jpg' type='image/jpeg'/>{text}")), picture("A & C"));
    assert_eq!(alt(text), ("https://gull.example/b.jpg".to_owned(), "B".to_owned()));
    assert_eq!(alt("<enclosure url='/a.jpg' type='image/jpeg'/>"), picture(""));
    assert_eq!(alt("<description>No picture</description>"), (String::new(), String::new()));
}

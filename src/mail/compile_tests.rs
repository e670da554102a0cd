use std::sync::LazyLock;

use mail_parser::MessageParser;
use proptest::prelude::*;

use super::*;
use crate::mail::{Appeal, ArticleBlock, DigestBlock, Image, SeenParts, laid_out, letter};

fn templates() -> Templates {
    Templates::load().expect("the templates in the binary compile")
}

fn written(compiled: &Compiled, personal: &Personal<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    compiled.write_body(personal, &mut out);
    out
}

/// The decoded text and HTML of a body.
fn parts(body: &[u8]) -> (String, String) {
    let message = MessageParser::default().parse(body).expect("a message");
    assert_eq!((message.text_body_count(), message.html_body_count()), (1, 1));
    let text = message.body_text(0).expect("a text part").into_owned();
    (text, message.body_html(0).expect("an HTML part").into_owned())
}

/// Where two bodies first differ once decoded: the rest of either's line.
fn difference(one: &[u8], two: &[u8]) -> Option<(String, String)> {
    let (one, two) = (parts(one), parts(two));
    [(one.0, two.0), (one.1, two.1)].into_iter().find_map(|(one, two)| {
        let same = one.chars().zip(two.chars()).take_while(|(a, b)| a == b).count();
        let rest = |text: &str| text.chars().skip(same.saturating_sub(20)).take(80).collect::<String>();
        (one != two).then(|| (rest(&one), rest(&two)))
    })
}

/// TRUST M15 and A17: every byte is fit for DATA as it is.
fn assert_fit_for_data(body: &[u8]) {
    let body = std::str::from_utf8(body).expect("a body is ASCII");
    assert!(body.is_ascii() && body.ends_with("\r\n"));
    for line in body.split("\r\n") {
        assert!(line.len() <= 76 && !line.starts_with('.'), "{line}");
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    }
}

fn digest() -> DigestContext {
    DigestContext::sample()
}

/// A digest whose text is as awkward as text can be, so that splitting is tried on every kind of neighbour.
fn hostile_digest() -> DigestContext {
    let mut digest = digest();
    digest.title = "a > \"b\" < c & <!-- {{x}} \u{a0}é".into();
    digest.letter = letter(&format!(
        ".\n\n..\\\n.\n\n<style> --> zq0q1z = =3D\n\n{}\n\n# {{{{name}}}}\n\n1. **{{{{name}}}}** [a \"b\" & {{{{name}}}}](https://example.org/?a=1&b=\"<)\n   - .\n\n> .",
        "x".repeat(3_000)
    ));
    let usual = digest.blocks[2].article.clone().expect("an article");
    digest.blocks.push(DigestBlock::article(ArticleBlock {
        title: ".".repeat(200),
        image: Some(Image {
            url: "https://example.org/?a=1&b=\"".into(),
            alt: "a > b < c \" '".into(),
            below: String::new(),
        }),
        ..usual
    }));
    digest.blocks.push(DigestBlock::words(letter("**{{name}}** <mj-text> & {{{{x}}}}\n\n.")));
    digest.blocks.rotate_right(2);
    digest.after.push(DigestBlock::button("\"<b>\" .".into(), "https://example.org/?a=1&b=\"<".into()));
    (digest.blocks, digest.after) = (laid_out(digest.blocks), laid_out(digest.after));
    digest
}

#[test]
fn a_compiled_copy_is_the_rendered_copy() {
    for digest in [
        digest(),
        hostile_digest(),
        DigestContext { appeal: None, letter: vec![], blocks: vec![], after: vec![], ..digest() },
    ] {
        let compiled = compile(&templates(), &digest).expect("compiles");
        let body = written(&compiled, &Personal::sample());
        assert_fit_for_data(&body);
        let full = render_full(&templates(), &digest, &Personal::sample()).expect("renders");
        assert_fit_for_data(&full);
        assert_eq!(difference(&body, &full), None);
    }
}

/// A digest whose blocks are for whoever sees a part, some for others than their neighbours.
fn parted(mut digest: DigestContext) -> DigestContext {
    let parts = [None, Some(0), Some(0), Some(15), None, Some(29)];
    for (block, part) in digest.blocks.iter_mut().chain(&mut digest.after).zip(parts.into_iter().cycle()) {
        block.part = part;
    }
    digest.appeal = digest.appeal.map(|appeal| Appeal { part: Some(1), ..appeal });
    (digest.blocks, digest.after) = (laid_out(digest.blocks), laid_out(digest.after));
    digest
}

/// A copy holds the parts that are for its reader and nothing else of them, and what stands around them is the same in each.
#[test]
fn a_copy_holds_the_parts_for_its_reader() {
    for digest in [parted(digest()), parted(hostile_digest())] {
        let compiled = compile(&templates(), &digest).expect("compiles");
        assert_eq!(Compiled::from_bytes(&compiled.to_bytes()).as_ref(), Ok(&compiled));
        for parts in [0, 1, 2, 1 << 15, 1 << 29, 1 | 1 << 29, SeenParts::STRANGER.0, SeenParts::ALL.0] {
            let personal = Personal { parts: SeenParts(parts), ..Personal::sample() };
            let body = written(&compiled, &personal);
            assert_fit_for_data(&body);
            let full = render_full(&templates(), &digest, &personal).expect("renders");
            let (text, html) = self::parts(&body);
            // MJML says in the head how wide columns are, also of what is left out.
            let (full_text, full_html) = self::parts(&full);
            // And what two stretches for Outlook have between them may be a part.
            let shown = |html: &str| {
                let (_, body) = html.split_once("<body").expect("a body");
                body.replace("\r\n", "").replace("<![endif]--><!--[if mso | IE]>", "")
            };
            assert_eq!(text, full_text, "{parts:b}");
            let same =
                shown(&html).chars().zip(shown(&full_html).chars()).take_while(|(a, b)| a == b).count();
            let behind =
                |html: &str| shown(html).chars().skip(same.saturating_sub(60)).take(200).collect::<String>();
            assert!(
                shown(&html) == shown(&full_html),
                "{parts:b}: {} and {}",
                behind(&html),
                behind(&full_html)
            );
            let mark = format!("zq{}", &boundary_of(&context_of(&digest).expect("links of the web"))[2..]);
            assert!(!html.contains(&mark) && !text.contains(&mark), "a mark is left");
            assert_eq!(text.contains("Give once:"), parts & 2 != 0, "the appeal");
            for table in ["table", "tr", "td", "div"] {
                let (opened, closed) = (format!("<{table}"), format!("</{table}>"));
                let opened =
                    html.matches(&format!("{opened} ")).count() + html.matches(&format!("{opened}>")).count();
                assert_eq!(opened, html.matches(&closed).count(), "{table}");
            }
        }
    }
}

/// What is damaged is refused, and nobody gets a part that is for others.
#[test]
fn a_stored_body_with_parts_in_disorder_is_refused() {
    let bytes = compile(&templates(), &parted(digest())).expect("compiles").to_bytes();
    let edges: Vec<usize> =
        (0..4_000).filter(|at| matches!(bytes[*at], 210..=239 | 254) && bytes[at + 1] == 0).collect();
    assert!(edges.len() >= 8, "{edges:?}");
    for at in edges {
        let mut damaged = bytes.clone();
        damaged[at] = if bytes[at] == 254 { 211 } else { 254 };
        assert!(Compiled::from_bytes(&damaged).is_err(), "{at}");
    }
}

static HOSTILE: LazyLock<(Templates, Compiled)> = LazyLock::new(|| {
    let compiled = compile(&templates(), &hostile_digest()).expect("compiles");
    (templates(), compiled)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_personal_values_give_the_same_copy_both_ways(
        name in "[ -~\r\n\u{0}\u{a0}é日🎈.{}<&>\"']{0,120}",
        path in "[!-;=?-Z_a-z~]{0,200}",
        query in "[a-z0-9&=%+._~-]{0,120}",
    ) {
        let url = format!("https://example.org/{path}");
        let other = format!(".?{query}");
        let personal = Personal {
            name: &name,
            unsubscribe_url: &url,
            preferences_url: &other,
            give_once_url: "x",
            ..Personal::sample()
        };
        let (templates, compiled) = &*HOSTILE;
        let body = written(compiled, &personal);
        assert_fit_for_data(&body);
        let full = render_full(templates, &hostile_digest(), &personal).expect("renders");
        prop_assert_eq!(difference(&body, &full), None);
    }
}

/// TRUST A1: a name that looks like a template comes out as it went in.
#[test]
fn a_name_is_written_literally() {
    let compiled = compile(&templates(), &digest()).expect("compiles");
    for name in ["{{secret}}", "{{#each this}}", "{{lookup . \"x\"}}", "<script>alert(1)</script>"] {
        let (text, html) = parts(&written(&compiled, &Personal { name, ..Personal::sample() }));
        assert!(text.contains(&format!("Dear {name},")), "{text}");
        let escaped = name.replace('<', "&lt;").replace('>', "&gt;");
        assert!(html.contains(&format!("Dear {escaped},")), "{name}");
    }
}

#[test]
fn a_stored_body_comes_back_whole() {
    let compiled = compile(&templates(), &hostile_digest()).expect("compiles");
    let bytes = compiled.to_bytes();
    assert_eq!(Compiled::from_bytes(&bytes).as_ref(), Ok(&compiled));
    assert!(Compiled::from_bytes(b"").is_err());
    assert!(Compiled::from_bytes(b"BSD\x02").is_err());
    // Cut anywhere before the body, it is refused rather than misread.
    for end in 0..100 {
        assert!(Compiled::from_bytes(&bytes[..end]).is_err(), "{end}");
    }
}

#[test]
fn the_same_digest_compiles_to_the_same_bytes() {
    let [one, two] = [(); 2].map(|()| compile(&templates(), &digest()).expect("compiles").to_bytes());
    assert_eq!(one, two);
}

/// TRUST L4 and L9: who sends, where they are and how to leave stand in both parts; nothing watches the reader.
#[test]
fn every_digest_says_who_writes_and_how_to_leave() {
    let digest = digest();
    let compiled = compile(&templates(), &digest).expect("compiles");
    let personal = Personal::sample();
    let (text, html) = parts(&written(&compiled, &personal));
    let sender = &digest.sender;
    for part in [&text, &html] {
        for needed in [&sender.legal_name, &sender.postal_address, &sender.contact_email, &digest.why] {
            assert!(part.contains(needed.as_str()), "{needed}");
        }
        assert!(part.contains(personal.unsubscribe_url) && part.contains(personal.preferences_url));
        let articles = digest.blocks.iter().filter_map(|block| block.article.as_ref());
        let buttons = digest.blocks.iter().filter_map(|block| block.button.as_ref());
        for url in articles.map(|article| &article.url).chain(buttons.map(|button| &button.url)) {
            assert!(part.contains(url), "{url}");
        }
    }
    assert_eq!(html.matches("<img").count(), 1, "only the lead's own picture");
}

/// How many bytes the HTML of a digest of so many articles has.
fn size_of(articles: usize) -> usize {
    let mut digest = digest();
    let (lead, usual) = (digest.blocks[0].clone(), digest.blocks[2].clone());
    digest.blocks = vec![usual; articles];
    digest.blocks[0] = lead;
    digest.blocks = laid_out(digest.blocks);
    digest.after.clear();
    let compiled = compile(&templates(), &digest).expect("it can be made");
    let (html, _) = compiled.shown(&Personal::sample()).expect("it has both parts");
    html.len()
}

/// Every byte goes out once a reader; Gmail shows no more than its first 102 KB.
#[test]
fn a_digest_is_light() {
    let (six, thirty) = (size_of(6), size_of(30));
    assert!(six <= 25 * 1024, "{six}");
    assert!(thirty < 102 * 1024, "{thirty}");
    println!("six articles: {six} bytes of HTML, thirty: {thirty}");
}

/// TRUST A16: a link is a web address without anything that could end it.
#[test]
fn links_that_are_not_of_the_web_are_refused() {
    for url in ["javascript:alert(1)", "", "https://example.org/\r\n", "//example.org"] {
        let digest = digest();
        for block in [0, 1] {
            let mut digest = digest.clone();
            match &mut digest.blocks[block] {
                DigestBlock { article: Some(article), .. } => article.url = url.into(),
                DigestBlock { button, .. } => button.as_mut().expect("a button").url = url.into(),
            }
            assert!(matches!(compile(&templates(), &digest), Err(CompileError::Link(_))), "{url:?}");
        }
    }
}

//! What comes of HTML as people paste it, in the shapes that word processors give it, and that Markdown of ours stays what it is.

use super::*;

/// Word: lists are paragraphs with their signs in spans, footnotes lead to each other, and much of the markup says nothing.
#[test]
fn word_keeps_what_was_meant() {
    let word = "<html xmlns:o=\"urn:schemas-microsoft-com:office:office\"><head><meta name=Generator content=\"Microsoft Word 15\">\
        <style><!-- p.MsoNormal {margin:0cm;} --></style><!--[if gte mso 9]><xml><w:View>Normal</w:View></xml><![endif]--></head>\
        <body lang=EN-GB><!--StartFragment-->\
        <h1>The harbour<o:p></o:p></h1>\
        <p class=MsoNormal>It was <b style='mso-bidi-font-weight:normal'>very </b><i>late</i>, and <span style='color:red'>red</span>.\
        <a style='mso-footnote-id:ftn1' href=\"#_ftn1\" name=\"_ftnref1\" title=\"\"><span class=MsoFootnoteReference>\
        <span style='mso-special-character:footnote'><![if !supportFootnotes]>[1]<![endif]></span></span></a><o:p></o:p></p>\
        <p class=MsoListParagraphCxSpFirst style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]>\
        <span style='font-family:Symbol'><span style='mso-list:Ignore'>·<span style='font:7.0pt \"Times New Roman\"'>&nbsp;&nbsp; </span></span></span>\
        <![endif]>One<o:p></o:p></p>\
        <p class=MsoListParagraphCxSpMiddle style='margin-left:72.0pt;text-indent:-18.0pt;mso-list:l0 level2 lfo1'>\
        <span style='mso-list:Ignore'>o<span>&nbsp;</span></span>Within one<o:p></o:p></p>\
        <p class=MsoListParagraphCxSpLast style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>·<span>&nbsp;</span></span>Two</p>\
        <p class=MsoNormal><o:p>&nbsp;</o:p></p>\
        <p class=MsoListParagraph style='mso-list:l1 level1 lfo2'><span style='mso-list:Ignore'>1.<span>&nbsp;</span></span>First</p>\
        <p class=MsoListParagraph style='mso-list:l1 level1 lfo2'><span style='mso-list:Ignore'>2.<span>&nbsp;</span></span>Second</p>\
        <p class=MsoQuote>A quotation.</p>\
        <table class=MsoTableGrid border=1><tr><td><p class=MsoNormal><b>Port</b></p></td><td><p class=MsoNormal>Ships</p></td></tr>\
        <tr><td><p class=MsoNormal>Hull</p></td><td><p class=MsoNormal>1 | 2</p></td></tr></table>\
        <div style='mso-element:footnote-list'><hr align=left size=1 width=\"33%\"><div style='mso-element:footnote' id=ftn1>\
        <p class=MsoFootnoteText><a style='mso-footnote-id:ftn1' href=\"#_ftnref1\" name=\"_ftn1\" title=\"\"><span class=MsoFootnoteReference>[1]\
        </span></a> See the log.<o:p></o:p></p></div></div>\
        <!--EndFragment--></body></html>";
    let expected = "## The harbour\n\n\
        It was **very** *late*, and red.[^1]\n\n\
        - One\n  - Within one\n- Two\n\n\
        1. First\n2. Second\n\n\
        > A quotation.\n\n\
        | **Port** | Ships |\n| --- | --- |\n| Hull | 1 \\| 2 |\n\n\
        [^1]: See the log.";
    assert_eq!(pasted_to_markdown(word), expected);
    let html = markdown_to_html(expected);
    assert!(html.contains("red.<sup>1</sup>") && html.contains("<li><p>See the log.</p>"), "{html}");
}

/// Google Docs: everything stands in a `b` that is not bold, and looks are styles of spans.
#[test]
fn docs_keeps_what_was_meant() {
    let docs = "<meta charset='utf-8'><b style=\"font-weight:normal;\" id=\"docs-internal-guid-1\">\
        <h2 dir=\"ltr\"><span style=\"font-size:16pt;font-weight:700;\">A heading</span></h2>\
        <p dir=\"ltr\" style=\"line-height:1.38;\"><span style=\"font-weight:400;font-style:normal;text-decoration:none;\">Plain, </span>\
        <span style=\"font-weight:700;\">bo</span><span style=\"font-weight:700;\">ld </span><span style=\"font-style:italic;\">and slanted</span>\
        <span style=\"text-decoration:line-through;\">gone</span><span>, </span>\
        <a href=\"https://www.google.com/url?q=https://example.org/a&amp;sa=D\"><span style=\"color:#1155cc;text-decoration:underline;\">a link</span></a>\
        <span style=\"font-size:0.6em;vertical-align:super;\">2</span></p><br>\
        <ul><li dir=\"ltr\" aria-level=\"1\"><p dir=\"ltr\" role=\"presentation\"><span>One</span></p></li>\
        <ul><li dir=\"ltr\" aria-level=\"2\"><p dir=\"ltr\" role=\"presentation\"><span>Within</span></p></li></ul>\
        <li dir=\"ltr\" aria-level=\"1\"><p dir=\"ltr\" role=\"presentation\"><span>Two</span></p></li></ul></b>";
    let expected = "## A heading\n\n\
        Plain, **bold** *and slanted*~~gone~~, [a link](https://example.org/a)<sup>2</sup>\n\n\
        - One\n  - Within\n- Two";
    assert_eq!(pasted_to_markdown(docs), expected);
}

/// Pages, and other programs of that maker: classes that say nothing, plain tags, and spaces that do not break.
#[test]
fn pages_keeps_what_was_meant() {
    let pages = "<!DOCTYPE html><html><head><meta name=\"Generator\" content=\"Cocoa HTML Writer\"><title></title>\
        <style type=\"text/css\">p.p1 {margin: 0.0px}</style></head><body>\
        <p class=\"p1\"><b>Bold</b><span class=\"Apple-converted-space\">&nbsp; </span>and <i>slanted</i></p>\
        <p class=\"p2\"><br></p>\
        <ol class=\"ol1\" start=\"3\"><li class=\"li1\"><span class=\"s1\"></span>Three</li><li class=\"li1\">Four</li></ol></body></html>";
    assert_eq!(pasted_to_markdown(pages), "**Bold** and *slanted*\n\n3. Three\n4. Four");
}

/// A web page: what runs or decorates goes, the rest stays; notes lead to each other; tables that lay out are no tables.
#[test]
fn web_pages_keep_what_was_meant() {
    let web = "<article><header><h1>Big</h1></header><nav>x</nav><script>alert(1)</script>\
        <p>Read<sup id=\"fnref:1\"><a href=\"#fn:1\" rel=\"footnote\">1</a></sup> <a href=\"javascript:alert(1)\">this</a> and \
        <a href=\"https://example.org/a_(b)\" onclick=\"x()\">that [one]</a>. <code>a`b</code></p>\
        <img src=\"https://example.org/a.png\" alt=\"A\"><blockquote><p>One</p><p>Two</p></blockquote>\
        <pre><code>fn main() {\n  x\n}</code></pre><table><tr><td><p>laid out</p></td></tr></table>\
        <p style=\"display:none\">unseen</p><p><a href=\"#top\">Back to the top of this page</a></p><hr>\
        <div class=\"footnotes\"><hr><ol><li id=\"fn:1\"><p>The note. <a href=\"#fnref:1\">\u{21a9}</a></p></li></ol></div></article>";
    let expected = "## Big\n\nx\n\nRead[^1] this and [that \\[one\\]](https://example.org/a_%28b%29). ``a`b``\n\n\
        > One\n>\n> Two\n\n```\nfn main() {\n  x\n}\n```\n\nlaid out\n\nBack to the top of this page\n\n---\n\n[^1]: The note.";
    assert_eq!(pasted_to_markdown(web), expected);
}

/// What is typed as it stands stays as it is typed: no sign becomes a heading, a list, a link or a tag.
#[test]
fn words_stay_words() {
    for words in [
        "# not a heading",
        "1. not an item",
        "- nor this",
        "+ nor this",
        "> nor a quotation",
        "a * b * c",
        "*stars*",
        "snake_case and _lines_",
        "[a](b)",
        "[^1]: x",
        "[sic]",
        "<b>tag</b>",
        "&amp; and AT&T",
        "a ~~b~~",
        "`code`",
        "back\\slash",
        "2) x",
        "=",
        "***",
        "![x](y)",
        "1 < 2",
    ] {
        let html = format!("<p>{}</p>", super::super::cleaning::html::escape(words));
        let markdown = html_to_markdown(&html);
        assert_eq!(markdown_to_html(&markdown), html.replace("&quot;", "\""), "{words} by way of {markdown}");
    }
    assert_eq!(
        html_to_markdown("<p>As he said [sic], AT&amp;T and snake_case.</p>"),
        "As he said [sic], AT&T and snake_case."
    );
}

/// Markdown of ours, made into HTML and back, is what it was.
#[test]
fn there_and_back_it_is_the_same() {
    for markdown in [
        "## Heading\n\nA paragraph with **bold**, *slanted*, ***both***, ~~gone~~ and `code`.\n\n### Below",
        "- one\n- two\n  - within\n  - again\n- three\n\n1. first\n2. second\n\n1) another list\n2) of its own",
        "- an item\n\n  with two paragraphs\n- another",
        "> A quotation\n>\n> of two paragraphs\n>\n> - and a list",
        "A line\\\nbroken here.\n\n---\n\nAnother.",
        "| A | B |\n| --- | --- |\n| one | **two** |\n| a \\| b | |",
        "```\nlet a = `b`;\n\n  c\n```",
        "![A ship](https://example.org/ship.jpg \"The ship, photographed by Ann\")",
        "Text with ![a picture](https://example.org/a.png) in it.",
        "[A link](https://example.org/a) and <https://example.org/b>, H<sub>2</sub>O.",
        "3. three\n4. four",
    ] {
        let there = markdown_to_html(markdown);
        let back = html_to_markdown(&there);
        assert_eq!(markdown_to_html(&back), there, "{back}");
        let one_spaced =
            |text: &str| text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        assert_eq!(one_spaced(&back), one_spaced(markdown), "{there}");
    }
}

/// Stars that CommonMark would not read as a mark become tags, so nothing loses its look, and marks that touch are one.
#[test]
fn marks_beside_letters_keep_their_look() {
    for (html, markdown) in [
        ("<p><strong>Oh!</strong>she</p>", "<strong>Oh!</strong>she"),
        ("<p><b>a</b><b>b</b> <b>c</b></p>", "**ab c**"),
        ("<p>so<em> very </em>late</p>", "so *very* late"),
        ("<p><em><strong>x</strong></em></p>", "***x***"),
        ("<p><b></b>plain<i> </i></p>", "plain"),
        (
            "<p><a href=\"https://example.org\"></a>x!<a href=\"https://example.org\">y</a></p>",
            "x\\![y](https://example.org)",
        ),
        (
            "<figure><img src=\"https://example.org/a.png\" alt=\"A\"><figcaption>By <a href=\"https://example.org\">Ann</a></figcaption></figure>",
            "![A](https://example.org/a.png)\n\nBy [Ann](https://example.org)",
        ),
        ("<ul><li></li><li>x</li></ul><ul><li>y</li></ul>", "- x\n\n* y"),
        ("<dl><dt>Word</dt><dd>Meaning</dd></dl>", "**Word**\n\nMeaning"),
    ] {
        assert_eq!(html_to_markdown(html), markdown, "{html}");
    }
}

#[test]
fn markdown_becomes_clean_html() {
    assert_eq!(
        markdown_to_html("Hello *there*, [you](https://example.org) <script>x</script>"),
        "<p>Hello <em>there</em>, <a href=\"https://example.org\" rel=\"noopener\">you</a> </p>"
    );
    let notes = markdown_to_html(
        "One[^b] two[^a] one[^b].\n\n[^a]: The second.\n\n[^b]: The *first*.\n\n[^c]: Unasked.",
    );
    assert_eq!(
        notes.replace('\n', ""),
        "<p>One<sup>1</sup> two<sup>2</sup> one<sup>1</sup>.</p><section><hr><ol><li><p>The <em>first</em>.</p></li>\
         <li><p>The second.</p></li><li><p>Unasked.</p></li></ol></section>"
    );
    let figure = "<figure><img src=\"https://example.org/a.png\" alt=\"A &amp; B\"><figcaption>By “Ann”</figcaption></figure>";
    assert_eq!(markdown_to_html("![A & *B*](https://example.org/a.png \"By “Ann”\")"), figure);
}

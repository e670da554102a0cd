//! From MJML to the HTML that mail programs can show.

use mrml::prelude::{parser::ParserOptions, render::RenderOptions};

/// Why MJML did not become HTML.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// The MJML is not well formed, or uses an element that does not exist.
    #[error("the MJML cannot be read: {0}")]
    Parse(#[from] mrml::prelude::parser::Error),
    /// The MJML could not be turned into HTML.
    #[error("the MJML cannot be rendered: {0}")]
    Render(#[from] mrml::prelude::render::Error),
    /// The styles could not be put where mail programs look for them.
    #[error("the styles cannot be inlined: {0}")]
    Inline(#[from] css_inline::InlineError),
}

/// HTML with its rules written into `style` attributes, and media queries left in the head.
///
/// Nothing is fetched: includes are refused, fonts and style sheets are never linked.
pub(super) fn from_mjml(mjml: &str) -> Result<String, HtmlError> {
    // The default loader refuses every include, so a template cannot read a file.
    let parsed = mrml::parse_with_options(mjml, &ParserOptions::default())?;
    // Without the default fonts no mail ever calls a font server.
    let options = RenderOptions { fonts: std::collections::HashMap::new(), ..RenderOptions::default() };
    let html = parsed.element.render(&options)?.replacen(TABLES, "", 1).replace(BETWEEN, "");
    let inlined = css_inline::CSSInliner::options()
        .load_remote_stylesheets(false)
        .keep_style_tags(false)
        .keep_at_rules(true)
        .build()
        .inline(&html)?;
    Ok(compact(&inlined.replacen("</head>", &format!("<style>{TABLES}</style></head>"), 1)))
}

/// The same without what nothing needs: the space before a line (no mail of ours has preformatted text), and in `style` attributes that behind
/// colons and commas, and the last semicolon.
fn compact(html: &str) -> String {
    let lines: Vec<&str> = html.lines().map(str::trim_start).filter(|line| !line.is_empty()).collect();
    let html = lines.join("\n");
    let mut out = String::with_capacity(html.len());
    let mut rest = html.as_str();
    while let Some(at) = rest.find('<') {
        let (text, after) = rest.split_at(at);
        let (tag, after) = after.split_at(end_of_tag(after));
        out.push_str(text);
        match tag.split_once(STYLE).and_then(|(before, after)| Some((before, after.split_once('"')?))) {
            Some((before, (style, behind))) => {
                let style = style.trim_end_matches(';').replace(": ", ":").replace(", ", ",");
                out.extend([before, STYLE, &style, "\"", behind]);
            }
            None => out.push_str(tag),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// How a `style` attribute begins, as the inliner writes it.
const STYLE: &str = " style=\"";

/// Where the tag ends that this begins with; in the text, attributes stand in double quotes.
fn end_of_tag(html: &str) -> usize {
    let mut is_quoted = false;
    let ends = |byte: u8| {
        is_quoted ^= byte == b'"';
        byte == b'>' && !is_quoted
    };
    html.bytes().position(ends).map_or(html.len(), |at| at + 1)
}

/// What MJML says of all tables. It stays a rule in the head, where Outlook reads it: written into each cell it was a sixth of a digest, and
/// no other program needs it, for all of our tables have no spacing.
const TABLES: &str = "table, td { border-collapse: collapse; mso-table-lspace: 0pt; mso-table-rspace: 0pt; }";
/// Two stretches for Outlook alone are one.
const BETWEEN: &str = "<![endif]--><!--[if mso | IE]>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_not_compacted() {
        let text = "<p style=\"margin: 0; color: red;\">He typed style=\"a: b, c: d;\" and style=\"</p><p title=\"x > y\" style=\"color: red\">next</p>";
        let less = "<p style=\"margin:0; color:red\">He typed style=\"a: b, c: d;\" and style=\"</p><p title=\"x > y\" style=\"color:red\">next</p>";
        assert_eq!(compact(text), less);
    }
}

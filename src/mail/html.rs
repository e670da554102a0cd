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
    const BEGINS: &str = " style=\"";
    let lines: Vec<&str> = html.lines().map(str::trim_start).filter(|line| !line.is_empty()).collect();
    let html = lines.join("\n");
    let (first, styled) = html.split_once(BEGINS).unwrap_or((&html, ""));
    let mut out = first.to_owned();
    for piece in styled.split(BEGINS).filter(|piece| !piece.is_empty()) {
        let (style, rest) = piece.split_once('"').unwrap_or((piece, ""));
        out.extend([BEGINS, &style.trim_end_matches(';').replace(": ", ":").replace(", ", ","), "\"", rest]);
    }
    out
}

/// What MJML says of all tables. It stays a rule in the head, where Outlook reads it: written into each cell it was a sixth of a digest, and
/// no other program needs it, for all of our tables have no spacing.
const TABLES: &str = "table, td { border-collapse: collapse; mso-table-lspace: 0pt; mso-table-rspace: 0pt; }";
/// Two stretches for Outlook alone are one.
const BETWEEN: &str = "<![endif]--><!--[if mso | IE]>";

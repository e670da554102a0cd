//! Where links lead that are kept, and code between as many signs as it needs.

/// Where a link leads that is kept: the web and mail; some programs lead there by way of their own pages.
pub(super) fn link_of(href: &str) -> Option<String> {
    let href = href.trim();
    let url = url::Url::parse(href).ok()?;
    if !matches!(url.scheme(), "http" | "https" | "mailto") {
        return None;
    }
    if url.host_str() == Some("www.google.com") && url.path() == "/url" {
        let behind = url.query_pairs().find(|(name, _)| name == "q" || name == "url");
        let behind = behind.map(|(_, to)| to.into_owned()).filter(|to| to.starts_with("http"));
        return Some(behind.unwrap_or_else(|| href.to_owned()));
    }
    Some(href.to_owned())
}

/// Code within a sentence, between as many signs as it needs.
pub(super) fn fenced(code: &str) -> String {
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    if code.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&code) + 1);
    let space = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{code}{space}{fence}")
}

/// The longest row of backticks.
pub(super) fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

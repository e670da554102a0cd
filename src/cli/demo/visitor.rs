//! Somebody with a browser: opens pages, fills forms in, and presses buttons, over real sockets.
//!
//! The demo's readers and supporters use the site as people do, so what the report says was really done by the pages.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use reqwest::{StatusCode, Url, header, redirect::Policy};

/// A visitor with cookies of their own.
#[derive(Clone, Debug)]
pub struct Visitor {
    client: reqwest::Client,
    cookie: Option<String>,
}

/// A page that a visitor looks at.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it is.
    pub url: Url,
    /// What the server said of it.
    pub status: StatusCode,
    /// What it says.
    pub body: String,
}

/// A form of a page, with the values it came with.
#[derive(Clone, Debug)]
pub struct Form {
    action: Url,
    fields: BTreeMap<String, String>,
}

impl Visitor {
    /// A visitor nobody has seen before.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new() -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build()?;
        Ok(Self { client, cookie: None })
    }

    /// Opens a page, following redirects.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn open(&mut self, url: &str) -> anyhow::Result<Page> {
        let request = self.client.get(url);
        self.follow(request).await.with_context(|| format!("opening {url}"))
    }

    /// Presses a form's button.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn submit(&mut self, form: &Form) -> anyhow::Result<Page> {
        let body = form.fields.iter().fold(
            url::form_urlencoded::Serializer::new(String::new()),
            |mut body, (name, value)| {
                body.append_pair(name, value);
                body
            },
        );
        let origin = form.action.origin().ascii_serialization();
        let request = self
            .client
            .post(form.action.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, origin)
            .header("Sec-Fetch-Site", "same-origin")
            .body({
                let mut body = body;
                body.finish()
            });
        self.follow(request).await.with_context(|| format!("submitting {}", form.action))
    }

    async fn follow(&mut self, request: reqwest::RequestBuilder) -> anyhow::Result<Page> {
        let mut request = request;
        for _ in 0..8 {
            if let Some(cookie) = &self.cookie {
                request = request.header(header::COOKIE, cookie);
            }
            let response = request.send().await?;
            for value in response.headers().get_all(header::SET_COOKIE) {
                let pair = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
                self.cookie = Some(pair.to_owned());
            }
            let (url, status) = (response.url().clone(), response.status());
            match response.headers().get(header::LOCATION).filter(|_| status.is_redirection()) {
                Some(location) => request = self.client.get(url.join(location.to_str()?)?),
                None => return Ok(Page { url, status, body: response.text().await? }),
            }
        }
        bail!("too many redirects")
    }
}

impl Page {
    /// The form whose action holds `part`.
    ///
    /// # Errors
    /// When the page has none.
    pub fn form(&self, part: &str) -> anyhow::Result<Form> {
        let (mut forms, mut inside) = (Vec::<Form>::new(), false);
        for tag in Tags(&self.body) {
            match tag.name {
                "form" => {
                    let action = tag.value("action").unwrap_or_default();
                    let action = if action.is_empty() { self.url.clone() } else { self.url.join(&action)? };
                    forms.push(Form { action, fields: BTreeMap::new() });
                    inside = true;
                }
                "/form" => inside = false,
                "input" | "button" if inside => {
                    if let Some(form) = forms.last_mut() {
                        form.take(&tag);
                    }
                }
                _ => {}
            }
        }
        let found = forms.into_iter().find(|form| form.action.as_str().contains(part));
        found.with_context(|| {
            format!("{} ({}) has no form for {part}: {}", self.url, self.status, self.text())
        })
    }

    /// The first words of the page, for error messages.
    #[must_use]
    pub fn text(&self) -> String {
        crate::articles::plain_text(&self.body).chars().take(400).collect()
    }
}

impl Form {
    /// Values that the page set: hidden fields, and boxes that are ticked.
    fn take(&mut self, tag: &Tag<'_>) {
        let kind = tag.value("type").unwrap_or_default();
        let ticked = !matches!(kind.as_str(), "checkbox" | "radio") || tag.value("checked").is_some();
        if kind == "submit" || tag.name == "button" || !ticked {
            return;
        }
        if let Some(name) = tag.value("name") {
            self.fields.insert(name, tag.value("value").unwrap_or_default());
        }
    }

    /// Fills a field in, ticks a box, or chooses a button.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// The tags of one of our own pages, where every `<` of a text is written `&lt;` and every value stands between double quotes.
struct Tags<'a>(&'a str);

/// A tag; one that closes has its `/` in the name.
struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        let (_, tag) = self.0.split_once('<')?;
        let mut quoted = false;
        let end = tag.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        })?;
        self.0 = &tag[end..];
        let tag = &tag[..end];
        let (name, attributes) = tag.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((tag, ""));
        Some(Tag { name, attributes })
    }
}

impl Tag<'_> {
    /// The value of an attribute, empty if it has a name alone.
    fn value(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes.trim_start();
        while !rest.is_empty() {
            let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
            let (found, behind) = rest.split_at(end);
            let (value, behind) = match behind.strip_prefix("=\"") {
                Some(value) => value.split_once('"')?,
                None => ("", behind.trim_start_matches('=')),
            };
            if found == name {
                return Some(unescape(value));
            }
            rest = behind.trim_start();
        }
        None
    }
}

/// Attribute values come as they stand in the source.
fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&#39;", "'")
        .replace("&#x3D;", "=")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

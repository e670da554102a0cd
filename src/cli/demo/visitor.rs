//! Somebody with a browser: opens pages, fills forms in, and presses buttons, over real sockets.
//!
//! The demo's readers and supporters use the site as people do, so what the report says was really done by the pages.

use std::{cell::RefCell, collections::BTreeMap};

use anyhow::{Context, bail};
use lol_html::{HtmlRewriter, Settings, element, html_content::Element};
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
        let forms = RefCell::new(Vec::<Form>::new());
        let base = self.url.clone();
        let settings = Settings::new()
            .append_element_content_handler(element!("form", |form| {
                let action = form.get_attribute("action").unwrap_or_default();
                let action = if action.is_empty() { base.clone() } else { base.join(&unescape(&action))? };
                forms.borrow_mut().push(Form { action, fields: BTreeMap::new() });
                Ok(())
            }))
            .append_element_content_handler(element!("form input, form button", |input| {
                if let Some(form) = forms.borrow_mut().last_mut() {
                    form.take(input);
                }
                Ok(())
            }));
        let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
        rewriter.write(self.body.as_bytes())?;
        rewriter.end()?;
        let found = forms.into_inner().into_iter().find(|form| form.action.as_str().contains(part));
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
    fn take(&mut self, input: &Element<'_, '_>) {
        let kind = input.get_attribute("type").unwrap_or_default();
        let ticked =
            !matches!(kind.as_str(), "checkbox" | "radio") || input.get_attribute("checked").is_some();
        if kind == "submit" || input.tag_name() == "button" || !ticked {
            return;
        }
        if let Some(name) = input.get_attribute("name") {
            self.fields.insert(name, unescape(&input.get_attribute("value").unwrap_or_default()));
        }
    }

    /// Fills a field in, ticks a box, or chooses a button.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.insert(name.to_owned(), value.to_owned());
        self
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

//! Somebody with a browser but without JavaScript: opens pages, fills forms in, keeps cookies, and sees every header.
//! Redirects are not followed unless a test says so.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use lol_html::{HtmlRewriter, Settings, element, text};
use reqwest::{Client, Method, RequestBuilder, StatusCode, header, redirect::Policy};
use url::Url;

/// A visitor with cookies of their own.
#[derive(Debug)]
pub struct Visitor {
    client: Client,
    base: Url,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Page {
    pub url: Url,
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub body: String,
}

/// A form of a page, with the values it came with.
#[derive(Clone, Debug)]
pub struct Form {
    action: Url,
    fields: Vec<(String, String)>,
}

/// What a list holds before its first line is read; nothing is sent of one without lines.
const UNCHOSEN: &str = "\0";

impl Visitor {
    /// Somebody who has never been at this address before.
    pub fn new(base: &Url) -> Self {
        // Nothing here speaks TLS: the system's certificates need not be read for each visitor.
        let client = Client::builder().redirect(Policy::none()).no_proxy().tls_certs_only([]).build();
        let client = client.expect("a client");
        Self { client, base: base.clone(), cookies: Mutex::default() }
    }

    /// Opens a page: a path of the site, or a whole address.
    pub async fn open(&self, address: &str) -> Page {
        let url = self.base.join(address).expect("an address");
        self.send(self.client.get(url)).await
    }

    /// Opens a page of a server that may not be there yet.
    pub async fn try_open(&self, path: &str) -> Option<Page> {
        let url = self.base.join(path).expect("an address");
        self.client.get(url.clone()).send().await.ok()?;
        Some(self.open(url.as_str()).await)
    }

    /// Opens a page, and whatever it leads on to.
    pub async fn follow(&self, address: &str) -> Page {
        let page = self.open(address).await;
        self.to_the_end(page).await
    }

    /// Presses a form's button.
    pub async fn submit(&self, form: &Form) -> Page {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(&form.fields);
        let request = self
            .client
            .post(form.action.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, form.action.origin().ascii_serialization())
            .header("Sec-Fetch-Site", "same-origin")
            .body(body.finish());
        self.send(request).await
    }

    /// Presses a form's button, and goes where that leads.
    pub async fn submit_and_follow(&self, form: &Form) -> Page {
        let page = self.submit(form).await;
        self.to_the_end(page).await
    }

    /// Any other request, with the visitor's cookies.
    pub fn request(&self, method: Method, address: &str) -> RequestBuilder {
        self.client.request(method, self.base.join(address).expect("an address"))
    }

    /// Sends a request as this visitor.
    pub async fn send(&self, request: RequestBuilder) -> Page {
        let cookies: Vec<String> =
            self.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies.join("; ")) };
        let response = request.send().await.expect("the server answers");
        for set in response.headers().get_all(header::SET_COOKIE) {
            let set = set.to_str().expect("a cookie is text");
            let (name, value) =
                set.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if set.contains("Max-Age=0") {
                self.cookies().remove(name);
            } else {
                self.cookies().insert(name.to_owned(), value.to_owned());
            }
        }
        Page {
            url: response.url().clone(),
            status: response.status(),
            headers: response.headers().clone(),
            body: response.text().await.expect("a body of text"),
        }
    }

    async fn to_the_end(&self, mut page: Page) -> Page {
        for _ in 0..8 {
            let Some(next) = page.leads_to() else { return page };
            page = self.send(self.client.get(next)).await;
        }
        panic!("too many redirects, the last to {}", page.url);
    }

    fn cookies(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    /// Where a redirect leads.
    pub fn leads_to(&self) -> Option<Url> {
        let location = self.headers.get(header::LOCATION).filter(|_| self.status.is_redirection())?;
        self.url.join(location.to_str().ok()?).ok()
    }

    /// The words on the page, markup and space dropped.
    pub fn text(&self) -> String {
        let text = broadside::articles::plain_text(&self.body);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The same with what stands in forms, of a page that is one form.
    pub fn whole(&self) -> String {
        let text =
            broadside::articles::plain_text(&self.body.replace("<form", "<div").replace("</form", "</div"));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Fails, showing the page, unless it says that.
    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        let text = self.whole();
        assert!(text.contains(words), "{} ({}) does not say {words:?}: {text}", self.url, self.status);
        self
    }

    /// The first form whose address holds `part`.
    #[track_caller]
    pub fn form(&self, part: &str) -> Form {
        let forms = std::cell::RefCell::new(Vec::<Form>::new());
        let settings = Settings::new()
            .append_element_content_handler(element!("form", |form| {
                let action = self.url.join(&unescape(&form.get_attribute("action").unwrap_or_default()))?;
                forms.borrow_mut().push(Form { action, fields: Vec::new() });
                Ok(())
            }))
            .append_element_content_handler(element!("form input", |input| {
                let kind = input.get_attribute("type").unwrap_or_default();
                let unticked =
                    matches!(kind.as_str(), "checkbox" | "radio") && input.get_attribute("checked").is_none();
                let name = input.get_attribute("name").filter(|_| kind != "submit" && !unticked);
                if let (Some(name), Some(form)) = (name, forms.borrow_mut().last_mut()) {
                    form.fields.push((name, unescape(&input.get_attribute("value").unwrap_or_default())));
                }
                Ok(())
            }))
            .append_element_content_handler(element!("form textarea, form select", |field| {
                if let (Some(name), Some(form)) = (field.get_attribute("name"), forms.borrow_mut().last_mut())
                {
                    let nothing = if field.tag_name() == "select" { UNCHOSEN } else { "" };
                    form.fields.push((name, nothing.to_owned()));
                }
                Ok(())
            }))
            .append_element_content_handler(text!("form textarea", |typed| {
                if let Some((_, value)) =
                    forms.borrow_mut().last_mut().and_then(|form| form.fields.last_mut())
                {
                    value.push_str(&unescape(typed.as_str()));
                }
                Ok(())
            }))
            // Of a list without a chosen line the first counts.
            .append_element_content_handler(element!("form select option", |option| {
                let line = unescape(&option.get_attribute("value").unwrap_or_default());
                if let Some((_, value)) =
                    forms.borrow_mut().last_mut().and_then(|form| form.fields.last_mut())
                    && (value == UNCHOSEN || option.has_attribute("selected"))
                {
                    *value = line;
                }
                Ok(())
            }));
        let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
        rewriter.write(self.body.as_bytes()).expect("a page of HTML");
        rewriter.end().expect("a page of HTML");
        let found = forms.into_inner().into_iter().find(|form| form.action.as_str().contains(part));
        let found = found.map(|mut form| {
            form.fields.retain(|(_, value)| value != UNCHOSEN);
            form
        });
        found.unwrap_or_else(|| {
            panic!("{} ({}) has no form for {part}: {}", self.url, self.status, self.text())
        })
    }
}

impl Form {
    /// Fills a field in, in place of what it held.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.and(name, value)
    }

    /// Adds one more value of a field, as ticking a second box of a group does.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Unticks a box.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    /// The same fields sent to another address, as no page of ours does.
    pub fn at(mut self, path: &str) -> Self {
        self.action = self.action.join(path).expect("an address");
        self
    }

    /// What the form holds for a field.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Attribute values come as they stand in the source.
fn unescape(text: &str) -> String {
    [
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#x3D;", "="),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

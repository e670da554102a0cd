//! Every form with the browser's checks off: what a page's fields say of themselves, the server holds too.
//!
//! The pages are found as a person finds them, by following links, and each form is sent once for every rule that it states:
//! without a field that is `required`, with words in a field for an address or a day, longer than `maxlength`, outside of
//! `min` and `max`, with a choice that was not offered. Each time the rest of the form is in order.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use broadside::{
    db::Db,
    email_address::EmailAddress,
    sandbox::{Rule, Stage},
    staff::{self, NewMember, Role},
    subscribers::lists,
    web::routes,
};
use lol_html::{HtmlRewriter, Settings, element};
use reqwest::{Method, StatusCode, header};
use sqlx::AssertSqlSafe;
use url::Url;

use crate::support::{
    TestApp, TestDb, both_engines,
    visitor::{Page, Visitor},
};

/// One field of a form, with what it says of itself.
#[derive(Clone, Debug, Default)]
struct Field {
    name: String,
    kind: String,
    value: String,
    chosen: bool,
    required: bool,
    longest: Option<usize>,
    least: Option<String>,
    most: Option<String>,
    /// Of a list.
    options: Vec<String>,
}

#[derive(Clone, Debug)]
struct Form {
    action: Url,
    /// Whether it asks the browser not to check: then an empty field may wait, as in a draft.
    unchecked: bool,
    fields: Vec<Field>,
}

fn forms(page: &Page) -> Vec<Form> {
    let found = RefCell::new(Vec::<Form>::new());
    let put = |field: Field| {
        if let (Some(form), false) = (found.borrow_mut().last_mut(), field.name.is_empty()) {
            form.fields.push(field);
        }
    };
    let settings = Settings::new()
        .append_element_content_handler(element!("form", |form| {
            let post = form.get_attribute("method").is_some_and(|method| method == "post");
            let action = form.get_attribute("action").unwrap_or_default();
            let action = page.url.join(&unescape(&action))?;
            // A form that only looks something up changes nothing; its fields go nowhere.
            let name = if post { "" } else { "get" };
            found.borrow_mut().push(Form {
                action,
                unchecked: form.has_attribute("novalidate"),
                fields: vec![Field { name: name.to_owned(), ..Field::default() }],
            });
            Ok(())
        }))
        .append_element_content_handler(element!("form input, form textarea, form select", |field| {
            let text = |name: &str| field.get_attribute(name).map(|value| unescape(&value));
            let tag = field.tag_name();
            put(Field {
                name: text("name").unwrap_or_default(),
                kind: if tag == "input" { text("type").unwrap_or_else(|| "text".to_owned()) } else { tag },
                value: text("value").unwrap_or_default(),
                chosen: field.has_attribute("checked"),
                required: field.has_attribute("required"),
                longest: text("maxlength").and_then(|most| most.parse().ok()),
                least: text("min"),
                most: text("max"),
                options: Vec::new(),
            });
            Ok(())
        }))
        .append_element_content_handler(element!("form select option", |option| {
            let value = unescape(&option.get_attribute("value").unwrap_or_default());
            if let Some(select) = found.borrow_mut().last_mut().and_then(|form| form.fields.last_mut()) {
                if select.options.is_empty() || option.has_attribute("selected") {
                    select.value.clone_from(&value);
                }
                select.options.push(value);
            }
            Ok(())
        }));
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    rewriter.write(page.body.as_bytes()).expect("a page of HTML");
    rewriter.end().expect("a page of HTML");
    let mut forms = found.into_inner();
    forms.retain(|form| form.fields.iter().all(|field| field.name != "get"));
    forms.iter_mut().for_each(|form| form.fields.retain(|field| !field.name.is_empty()));
    forms
}

fn unescape(text: &str) -> String {
    let entities =
        [("&quot;", "\""), ("&#x27;", "'"), ("&#x3D;", "="), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    entities.into_iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

impl Field {
    /// What somebody types who has nothing else in mind.
    fn filled(&self) -> String {
        if !self.value.is_empty() || !self.required {
            return self.value.clone();
        }
        match self.kind.as_str() {
            "email" => "somebody@example.org",
            "url" => "https://example.org/feed",
            "datetime-local" => "2027-01-01T09:00",
            "password" => "some words in a row",
            _ => "Some words",
        }
        .to_owned()
    }

    /// What this field must not be, by its own word: each with the rule that it breaks.
    fn breaches(&self, form_is_unchecked: bool) -> Vec<(&'static str, Option<String>)> {
        let mut breaches = Vec::new();
        if self.required && !form_is_unchecked {
            breaches.push(("left out", None));
            if self.kind != "checkbox" && self.kind != "radio" {
                breaches.push(("empty", Some(String::new())));
            }
        }
        match self.kind.as_str() {
            "email" => breaches.push(("no address", Some("not an address".to_owned()))),
            "url" => breaches.push(("no URL", Some("not a url".to_owned()))),
            "number" => breaches.push(("no number", Some("ten".to_owned()))),
            "date" | "time" | "datetime-local" | "month" => {
                breaches.push(("no time", Some("soon".to_owned())));
            }
            "select" | "radio" => {
                breaches.push(("no choice", Some("not-offered".to_owned())));
                breaches.push(("no number of a choice", Some("999999".to_owned())));
            }
            _ => {}
        }
        if let Some(longest) = self.longest {
            breaches.push(("too long", Some("x".repeat(longest + 1))));
        }
        let whole = |bound: &Option<String>| bound.as_ref().and_then(|bound| bound.parse::<i64>().ok());
        if let Some(least) = whole(&self.least) {
            breaches.push(("too little", Some((least - 1).to_string())));
        }
        if let Some(most) = whole(&self.most) {
            breaches.push(("too much", Some((most + 1).to_string())));
        }
        // Moments sort as they are written.
        if self.kind.starts_with("date") && self.least.is_some() {
            breaches.push(("too early", Some("2001-01-01T09:00".to_owned())));
        }
        breaches
    }
}

impl Form {
    /// The form filled in, with one field as it must not be.
    fn broken(&self, field: &str, value: Option<&str>) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for one in &self.fields {
            let sent = match one.kind.as_str() {
                "checkbox" => one.chosen || one.required,
                "radio" => {
                    one.chosen || !self.fields.iter().any(|other| other.name == one.name && other.chosen)
                }
                "submit" | "button" => false,
                // The bait for programs.
                _ => one.name != "website",
            };
            if sent
                && one.name != field
                && !pairs.iter().any(|(name, _)| *name == one.name && one.kind == "radio")
            {
                pairs.push((one.name.clone(), one.filled()));
            }
        }
        pairs.extend(value.map(|value| (field.to_owned(), value.to_owned())));
        // The button of a page that has several.
        if self.unchecked {
            let act = if self.action.path().contains("/articles/") { "publish" } else { "save" };
            pairs.push(("act".to_owned(), act.to_owned()));
        }
        pairs
    }
}

async fn send(visitor: &Visitor, form: &Form, pairs: &[(String, String)]) -> Page {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let request = visitor
        .request(Method::POST, form.action.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ORIGIN, form.action.origin().ascii_serialization())
        .header("Sec-Fetch-Site", "same-origin");
    visitor.send(request.body(body)).await
}

/// The line of the table that a path is on.
fn route(path: &str, method: &Method) -> Option<&'static str> {
    let fits = |pattern: &str| {
        let (mut parts, mut wanted) = (path.split('/'), pattern.split('/'));
        loop {
            match (parts.next(), wanted.next()) {
                (None, None) => return true,
                (Some(part), Some(want)) if want.starts_with('{') || part == want => {}
                _ => return false,
            }
        }
    };
    let table = routes().into_iter().filter(|route| route.method == *method).map(|route| route.path);
    // The table's own words win over a blank: `/desk/articles/new` is no article.
    table.filter(|pattern| fits(pattern)).min_by_key(|pattern| pattern.matches('{').count())
}

/// The statement that reads every row of every table, but of those that note who looked and who tried.
async fn all_rows(db: &Db) -> String {
    const TABLES: [&str; 2] = [
        "select m.name, group_concat('quote(' || c.name || ')', ' || '','' || ') from sqlite_master m join pragma_table_info(m.name) c
            where m.type = 'table' and m.name not like 'sqlite_%' and m.name not like 'subscriber_found%' group by m.name",
        "select table_name::text, 'cast(' || table_name || ' as text)' from information_schema.tables where table_schema = 'public'",
    ];
    let tables: Vec<(String, String)> = match db {
        Db::Sqlite { read, .. } => sqlx::query_as(TABLES[0]).fetch_all(read).await,
        Db::Postgres { pool, .. } => sqlx::query_as(TABLES[1]).fetch_all(pool).await,
    }
    .expect("the tables can be named");
    let looked_at =
        tables.iter().filter(|(table, _)| !["staff_session", "attempt", "worker"].contains(&table.as_str()));
    let one = |(table, line): &(String, String)| format!("select '{table} ' || {line} as line from {table}");
    looked_at.map(one).collect::<Vec<_>>().join(" union all ") + " order by line"
}

async fn everything(db: &Db, all_rows: &str) -> Vec<(String,)> {
    let sql = AssertSqlSafe(all_rows.to_owned());
    match db {
        Db::Sqlite { read, .. } => sqlx::query_as(sql).fetch_all(read).await,
        Db::Postgres { pool, .. } => sqlx::query_as(sql).fetch_all(pool).await,
    }
    .expect("the tables can be read")
}

/// How many pages of one kind are looked at.
const OF_A_KIND: usize = 4;

/// Follows every link from these pages on, and returns each page that has a form.
async fn walk(visitor: &Visitor, base: &Url, from: impl IntoIterator<Item = String>) -> Vec<Page> {
    let mut waiting: VecDeque<Url> = from.into_iter().map(|path| base.join(&path).expect("a path")).collect();
    let (mut seen, mut of_a_kind) = (BTreeSet::new(), BTreeMap::<&str, usize>::new());
    let mut pages = Vec::new();
    while let Some(url) = waiting.pop_front() {
        let Some(kind) = route(url.path(), &Method::GET) else { continue };
        if url.origin() != base.origin() || kind.starts_with("/static") || kind.ends_with("/progress") {
            continue;
        }
        let count = of_a_kind.entry(kind).or_default();
        if *count == OF_A_KIND || !seen.insert(url.as_str().to_owned()) {
            continue;
        }
        *count += 1;
        let page = visitor.follow(url.as_str()).await;
        let links = page.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        waiting.extend(links.filter_map(|link| page.url.join(&unescape(link)).ok()).map(|mut link| {
            link.set_fragment(None);
            link
        }));
        if !forms(&page).is_empty() {
            pages.push(page);
        }
    }
    pages
}

/// What was tried: the routes that a form with a rule leads to, and the breaches that were let through.
#[derive(Default)]
struct Tried {
    routes: BTreeSet<&'static str>,
    let_through: BTreeSet<String>,
    breaches: usize,
}

impl Tried {
    async fn all(&mut self, app: &TestApp, visitor: &Visitor, pages: &[Page]) {
        let all_rows = all_rows(&app.site.db).await;
        let mut before = everything(&app.site.db, &all_rows).await;
        let mut sent = BTreeSet::new();
        for (page, form) in
            pages.iter().flat_map(|page| forms(page).into_iter().map(move |form| (page, form)))
        {
            let path = route(form.action.path(), &Method::POST)
                .unwrap_or_else(|| panic!("{} has a form for {}, which is no route", page.url, form.action));
            for field in &form.fields {
                for (rule, value) in field.breaches(form.unchecked) {
                    // Two drafts have the same form: once is enough, unless the form is another.
                    let fields: Vec<&str> = form.fields.iter().map(|one| one.name.as_str()).collect();
                    if !sent.insert((path, fields.join(" "), field.name.clone(), rule)) {
                        continue;
                    }
                    self.routes.insert(path);
                    self.breaches += 1;
                    let answer = send(visitor, &form, &form.broken(&field.name, value.as_deref())).await;
                    let after = everything(&app.site.db, &all_rows).await;
                    let refused = match rule {
                        // Nobody gets there but by hand.
                        "no choice" | "no number of a choice" => answer.status.is_client_error(),
                        _ => {
                            answer.status == StatusCode::UNPROCESSABLE_ENTITY
                                && answer.body.contains("class=\"error\"")
                        }
                    };
                    let changed = if before == after { "" } else { ", and something was changed" };
                    if !refused || before != after {
                        let what = format!("{path}: {} {rule}: {}{changed}", field.name, answer.status);
                        self.let_through.insert(what);
                        before = after;
                    }
                }
            }
        }
    }
}

/// A house with something in every room. Returns the links that only mails hold.
async fn fill(app: &TestApp) -> (Vec<String>, Vec<String>) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    lists::add(&mut tx, &app.site, "appeals", "Appeals", "Twice a year.").await.expect("a list");
    tx.commit().await.expect("a commit");
    app.readers(3).await;
    app.sandbox
        .smtp_script()
        .add(Rule::at(Stage::Rcpt).to("reader3@example.org").reply(550, "5.1.1 no such user"));
    app.subscribe("asks@example.org").await;
    let confirm = app.last_mail("asks@example.org").link("/confirm/");
    app.send_edition("The first edition").await;
    let mail = app.last_mail("reader1@example.org");
    app.give("giver@example.org", "12", "month").await;
    let giving = app.last_mail("giver@example.org").link("/giving/");
    let desk = app.desk().await;
    // One that is paused with its copies open, and one draft.
    app.seal_edition("The paused edition").await;
    let editions = desk.open("/desk/editions").await;
    let paused = editions
        .body
        .split("href=\"/desk/editions/")
        .skip(1)
        .find(|rest| rest.contains("The paused edition"));
    let paused = paused.and_then(|rest| rest.split('"').next()).expect("its page").to_owned();
    let page = desk.open(&format!("/desk/editions/{paused}")).await;
    desk.submit(&page.form("/pause")).await;
    let draft = app.draft("A draft").await.public_id;
    let blocked = EmailAddress::parse("blocked@example.org").expect("an address");
    broadside::subscribers::block(&app.site, &blocked, "asked by letter", None).await.expect("blocked");
    let one = EmailAddress::parse("reader2@example.org").expect("an address");
    broadside::subscribers::block(&app.site, &one, "asked by letter", None).await.expect("blocked");
    let email = EmailAddress::parse("nina@example.org").expect("an address");
    let new = NewMember { name: "Nina", email: &email, role: Role::Editor };
    let invitation = staff::add_member(&app.site, None, new).await.expect("a member").path;
    let owner = staff::members(&app.site.db).await.expect("members").remove(0).public_id;
    let link = staff::sign_in_link_path(&app.site, &owner).await.expect("a link");
    let mut outside: Vec<String> = ["/", "/subscribe", "/donate", "/desk/sign-in"].map(str::to_owned).into();
    outside.extend([
        confirm,
        mail.link("/preferences/"),
        mail.link("/unsubscribe/"),
        giving,
        invitation,
        link,
    ]);
    let (correct, send) =
        (format!("/desk/editions/{paused}/correct"), format!("/desk/editions/{draft}/send"));
    (outside, vec!["/desk".to_owned(), "/desk/articles/new".to_owned(), correct, send])
}

both_engines! {
    async fn what_a_form_says_of_its_fields_the_server_holds(app: TestApp) {
        app.leaves_work();
        let (outside, inside) = fill(&app).await;
        let mut tried = Tried::default();
        let visitor = app.visitor();
        let pages = walk(&visitor, &app.site.base_url, outside).await;
        tried.all(&app, &visitor, &pages).await;
        let desk = app.desk().await;
        let pages = walk(&desk, &app.site.base_url, inside).await;
        tried.all(&app, &desk, &pages).await;
        assert!(tried.let_through.is_empty(), "let through: {:#?}", tried.let_through);
        for path in [
            "/subscribe",
            "/donate",
            "/desk/sign-in",
            "/desk/sign-in-link",
            "/desk/join/{token}",
            "/desk/feeds",
            "/desk/articles/new",
            "/desk/articles/{id}",
            "/desk/editions/{id}/correct",
            "/desk/editions/{id}/send",
            "/desk/readers",
            "/desk/readers/{id}/block",
            "/desk/readers/{id}/mail-again",
            "/desk/blocked",
            "/desk/blocked/{id}/lift",
            "/desk/account",
            "/desk/settings",
            "/desk/team",
            "/desk/team/{id}/role",
        ] {
            assert!(tried.routes.contains(path), "no form for {path} was found, only for {:#?}", tried.routes);
        }
        assert!(tried.breaches > 60, "{}", tried.breaches);
    }

    /// The form of the first run, before there is anybody.
    async fn so_does_the_form_of_the_first_run(db: TestDb) {
        let app = TestApp::without_owner(db).await;
        let path = staff::set_up_path(&app.site).await.expect("a read").expect("nobody is there yet");
        let (visitor, mut tried) = (app.visitor(), Tried::default());
        let page = visitor.open(&path).await;
        tried.all(&app, &visitor, &[page]).await;
        assert!(tried.let_through.is_empty(), "let through: {:#?}", tried.let_through);
        assert!(tried.breaches > 15, "{}", tried.breaches);
        app.advance(Duration::from_secs(1));
    }
}

//! The page templates: strict handlebars, embedded in the program, parsed once at the start.
//!
//! `layouts/desk.hbs` and `layouts/public.hbs` are the frames, called `desk` and `public`; `parts/x.hbs` is the part `x`; every other
//! file is a page, called by its path without the ending. A page wraps itself: `{{#> desk}} … {{/desk}}`. What the frames
//! need stands under `frame`; inside `{{#each}}` reach it as `@root.frame`.

use std::sync::{Arc, OnceLock};

use axum::response::{Html, IntoResponse};
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};
use rust_embed::RustEmbed;
use serde::Serialize;

use super::{
    App, Outcome, SandboxInfo, WebError,
    answers::invalid,
    routes::{self, Who},
    session::SignedIn,
    statics,
};
use crate::{
    delivery,
    editions::EditionState,
    origin::{self, Doubt, Standing},
    publishing::{self, TakesNothing},
    settings::{ArticlesAt, Settings},
    staff::Role,
};

#[derive(RustEmbed)]
#[folder = "src/web/pages"]
struct Files;

/// The parsed templates. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pages {
    registry: Arc<Handlebars<'static>>,
    menu: Arc<[MenuItem]>,
}

/// A template that cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("the page template {name} is broken: {cause}")]
pub struct PagesError {
    name: String,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

/// An item of the desk's menu; shown to whoever may open it.
#[derive(Debug)]
struct MenuItem {
    path: &'static str,
    label: &'static str,
    /// The folder of templates that light it.
    section: &'static str,
    roles: &'static [Role],
}

/// The menu, in its order. An item whose route is not in the table is not shown.
const MENU: [(&str, &str, &str); 8] = [
    ("/desk", "Overview", "overview"),
    ("/desk/articles", "Articles", "articles"),
    ("/desk/editions", "Editions", "editions"),
    ("/desk/readers", "Readers", "readers"),
    ("/desk/lists", "Lists", "lists"),
    ("/desk/forms", "Forms", "forms"),
    ("/desk/donations", "Donations", "donations"),
    ("/desk/settings", "Settings", "settings"),
];

impl Pages {
    /// The templates built into the binary, parsed once.
    ///
    /// # Errors
    /// `PagesError` names the first that is broken.
    pub fn load() -> Result<Self, PagesError> {
        static LOADED: OnceLock<Pages> = OnceLock::new();
        if let Some(loaded) = LOADED.get() {
            return Ok(loaded.clone());
        }
        let loaded = Self::parse()?;
        Ok(LOADED.get_or_init(|| loaded).clone())
    }

    fn parse() -> Result<Self, PagesError> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_helper("asset", Box::new(asset));
        for file in Files::iter() {
            let Some(path) = file.strip_suffix(".hbs") else { continue };
            let name = path.strip_prefix("layouts/").or(path.strip_prefix("parts/")).unwrap_or(path);
            let broken =
                |cause: Box<dyn std::error::Error + Send + Sync>| PagesError { name: name.to_owned(), cause };
            let text = Files::get(&file).ok_or_else(|| broken("not found".into()))?.data;
            let text = std::str::from_utf8(&text).map_err(|cause| broken(cause.into()))?;
            registry.register_template_string(name, text).map_err(|cause| broken(cause.into()))?;
        }
        let table = routes::routes();
        let menu = MENU.iter().filter_map(|(path, label, section)| {
            let route = table.iter().find(|route| route.path == *path)?;
            let Who::Staff(roles) = route.who else { return None };
            Some(MenuItem { path, label, section, roles })
        });
        Ok(Self { menu: menu.collect(), registry: Arc::new(registry) })
    }

    /// Renders a template.
    ///
    /// # Errors
    /// When there is no such template, or it wants what the data does not have.
    pub fn render<T: Serialize>(&self, template: &str, data: &T) -> Result<String, WebError> {
        self.registry.render(template, data).map_err(WebError::internal)
    }

    fn menu_for(&self, signed_in: Option<&SignedIn>, template: &str) -> Vec<MenuView> {
        let Some(who) = signed_in else { return Vec::new() };
        let section = template.split('/').nth(1).unwrap_or_default();
        let open = self.menu.iter().filter(|item| item.roles.contains(&who.staff.role));
        open.map(|item| MenuView { path: item.path, label: item.label, current: item.section == section })
            .collect()
    }
}

/// `{{asset "broadside.css"}}`: the address of a static file, which changes with its content.
fn asset(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let name = helper.param(0).and_then(|param| param.value().as_str()).unwrap_or_default();
    let path = statics::path(name)
        .ok_or_else(|| RenderErrorReason::Other(format!("no static file is called {name:?}")))?;
    out.write(&path)?;
    Ok(())
}

#[derive(Serialize)]
struct MenuView {
    path: &'static str,
    label: &'static str,
    current: bool,
}

#[derive(Serialize)]
struct View<'a, T> {
    frame: Frame<'a>,
    #[serde(flatten)]
    data: &'a T,
}

#[derive(Serialize)]
struct Frame<'a> {
    title: &'a str,
    magazine_name: &'a str,
    tagline: &'a str,
    /// Whether articles are read here, so that feeds have them.
    has_feeds: bool,
    /// Where the articles live, if not here.
    external_site_url: &'a str,
    sandbox: Option<&'a SandboxInfo>,
    notice: Option<&'a str>,
    alerts: Vec<Alert>,
    menu: Vec<MenuView>,
    who: Option<WhoView<'a>>,
    csrf: &'a str,
}

/// Something that waits for staff, on every page of the desk.
#[derive(Serialize)]
struct Alert {
    text: String,
    path: String,
    label: &'static str,
}

#[derive(Serialize)]
struct WhoView<'a> {
    name: &'a str,
    role: &'static str,
}

impl App {
    /// A page for readers and supporters: the same for everybody who may see it.
    ///
    /// # Errors
    /// When the template and the data do not fit, or the settings cannot be read.
    pub async fn public_page<T: Serialize + Sync>(&self, template: &str, title: &str, data: &T) -> Outcome {
        let settings = Settings::load(&self.site.db).await?;
        self.page(None, None, &settings, template, title, data).await
    }

    /// The same page again for a form with mistakes: status 422.
    ///
    /// # Errors
    /// As [`App::public_page`].
    pub async fn public_page_again<T: Serialize + Sync>(
        &self,
        template: &str,
        title: &str,
        data: &T,
    ) -> Outcome {
        self.public_page(template, title, data).await.map(invalid)
    }

    /// A page of the desk; handlers use [`Desk::page`](super::Desk::page).
    pub(super) async fn desk_page<T: Serialize + Sync>(
        &self,
        signed_in: Option<&SignedIn>,
        notice: Option<&str>,
        settings: &Settings,
        template: &str,
        title: &str,
        data: &T,
    ) -> Outcome {
        self.page(signed_in, notice, settings, template, title, data).await
    }

    async fn alerts(&self, role: Role, settings: &Settings) -> Result<Vec<Alert>, WebError> {
        let mut alerts = Vec::new();
        let away = match origin::look(&self.site).await? {
            Standing::AtHome => None,
            Standing::Abroad(home) => {
                Some((format!("this database belongs to {home}"), "Did the magazine move?"))
            }
            Standing::Doubtful(Doubt::Elsewhere) => {
                Some(("this may be a copy of the magazine".to_owned(), "Is it?"))
            }
            Standing::Doubtful(Doubt::Behind) => {
                Some(("this is an older state of the magazine".to_owned(), "What now?"))
            }
            Standing::Doubtful(Doubt::Forgetful) => {
                Some(("it is not known who left since the backup was made".to_owned(), "What now?"))
            }
        };
        if let Some((why, label)) = away {
            alerts.push(Alert {
                text: format!("Nothing is sent from here: {why}."),
                // The others cannot open it.
                path: if Role::OWNING.contains(&role) { "/desk/address".to_owned() } else { String::new() },
                label,
            });
        }
        for held in publishing::held(&self.site.db).await? {
            let what = if held.state == EditionState::Paused { "paused by itself" } else { "was held back" };
            alerts.push(Alert {
                text: format!("“{}” {what} and waits for a decision.", held.subject),
                path: format!("/desk/editions/{}", held.public_id),
                label: "Look at it",
            });
        }
        let stuck = publishing::taking_nothing(&self.site).await?;
        for of_edition in stuck.chunk_by(|one, next| one.refusing.edition_id == next.refusing.edition_id) {
            let [TakesNothing { refusing, subject }, others @ ..] = of_edition else { continue };
            let since = refusing.refused_since.date_time(&settings.time_zone);
            let more = match others.len() {
                0 => String::new(),
                more => format!(" So it is with {more} more."),
            };
            alerts.push(Alert {
                text: format!(
                    "“{subject}” does not reach {}, which has taken nothing since {since}.{more}",
                    refusing.domain_key
                ),
                path: format!("/desk/editions/{}", refusing.public_id),
                label: "Look at it",
            });
        }
        if Role::READERS.contains(&role) {
            for mass in delivery::waiting_returned(&self.site.db).await? {
                if publishing::is_told_by_its_pause(&self.site.db, mass.edition_id).await? {
                    continue;
                }
                alerts.push(Alert {
                    text: format!("{} copies of one edition came back, too many to be true. Their readers go on being mailed until you say what it means.", mass.failures),
                    path: "/desk/bounces".to_owned(),
                    label: "Decide",
                });
            }
        }
        Ok(alerts)
    }

    async fn page<T: Serialize + Sync>(
        &self,
        signed_in: Option<&SignedIn>,
        notice: Option<&str>,
        settings: &Settings,
        template: &str,
        title: &str,
        data: &T,
    ) -> Outcome {
        let frame = Frame {
            title,
            magazine_name: &settings.magazine_name,
            tagline: &settings.tagline,
            has_feeds: settings.articles_at != ArticlesAt::Elsewhere,
            external_site_url: &settings.external_site_url,
            sandbox: self.sandbox.as_deref(),
            notice,
            alerts: match signed_in {
                Some(who) => self.alerts(who.staff.role, settings).await?,
                None => Vec::new(),
            },
            menu: self.pages.menu_for(signed_in, template),
            who: signed_in.map(|who| WhoView { name: &who.staff.name, role: who.staff.role.as_str() }),
            csrf: signed_in.map_or("", |who| &who.csrf),
        };
        Ok(Html(self.pages.render(template, &View { frame, data })?).into_response())
    }
}

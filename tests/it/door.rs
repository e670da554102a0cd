//! Coming in at the desk, with and without JavaScript.

use crate::support::{Browser, Fixture, TestApp, TestDb, app::OWNER, both_engines};
use broadside::{db::Engine, publishing, settings::Settings, staff, subscribers::lists};

both_engines! {
    async fn the_owner_signs_in_and_out(app: TestApp) {
        let owner = app.desk().await;
        let overview = owner.open("/desk").await;
        assert!(overview.status.is_success());
        owner.submit_and_follow(&overview.form("/desk/sign-out")).await;
        let turned_away = owner.open("/desk").await;
        assert!(turned_away.leads_to().is_some_and(|url| url.path().starts_with("/desk/sign-in")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_signs_in_with_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    browser.goto(&app.url("/desk")).await;
    browser.wait_for_path("/desk/sign-in").await;
    browser.axe().await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.axe().await;
    browser.resize(360, 800).await;
    browser.screenshot("overview-on-a-phone").await;
    browser.close().await;
    app.finish().await;
}

/// TRUST A33: the first run in a browser. The time zone is that of whoever sits there, and the page is for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_owner_sets_the_magazine_up_with_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::without_owner(db).await;
    let Some(browser) = Browser::open().await else { return };
    browser.live_in("Pacific/Auckland").await;
    publishing::ensure_first(&app.site).await.expect("what every start does");
    let path =
        staff::set_up_path(&app.site).await.expect("an answer").expect("a path while there is no owner");
    browser.goto(&app.url(&path)).await;
    browser.sound("set-up").await;
    browser.fill("Name of the magazine", "The Lamplighter").await;
    browser.fill("Legal name", "Lamplighter Press").await;
    browser.fill("Postal address", "1 Lamp Street").await;
    browser.fill("Email address for readers", "hello@example.org").await;
    browser.fill("Your name", "Olive Owner").await;
    browser.fill("Your email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Open the desk").await;
    browser.wait_for_text("Good to see you, Olive").await;
    let settings = Settings::load(&app.site.db).await.expect("the settings");
    assert_eq!(
        (settings.time_zone.name(), settings.magazine_name.as_str()),
        ("Pacific/Auckland", "The Lamplighter")
    );
    let first = lists::all(&app.site.db).await.expect("the lists").remove(0);
    assert_eq!(first.name, "The newsletter", "what set-up said that readers subscribe to");
    browser.close().await;
    app.finish().await;
}

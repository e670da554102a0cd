//! Pictures that the team brings: through the form or a script, once, described, given back for ever.

use std::io::Cursor;

use broadside::{db::Engine, pictures};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::{Method, StatusCode, header};

use crate::support::{
    Browser, Fixture as _, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    visitor::{Page, Visitor},
};

/// Sends a file by the form of the page, as a script does where it asks for JSON.
async fn send(desk: &Visitor, accept: &str, name: &str, file: &[u8]) -> Page {
    let page = desk.open("/desk/pictures").await;
    let token = page.form("/desk/pictures").value("csrf").expect("a token").to_owned();
    let before = format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--xyz\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: image/jpeg\r\n\r\n"
    );
    let body = [before.as_bytes(), file, b"\r\n--xyz--\r\n"].concat();
    let request = desk
        .request(Method::POST, "/desk/pictures")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xyz")
        .header(header::ACCEPT, accept)
        .header("Sec-Fetch-Site", "same-origin");
    desk.send(request.body(body)).await
}

/// What stands at an address, in bytes.
async fn given(app: &TestApp, path: &str) -> reqwest::Response {
    app.visitor().request(Method::GET, path).send().await.expect("an answer")
}

fn photograph(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        Rgb([shade, u8::try_from((x * 3 + y * 5) % 250).unwrap_or_default(), 90])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, ImageFormat::Jpeg).expect("a picture");
    bytes.into_inner()
}

both_engines! {
    /// TRUST A6: what is given back is what we wrote, under the type that it has, and for ever; what is no picture is said.
    async fn a_picture_is_kept_once_described_and_given_back(app: TestApp) {
        let desk = app.desk().await;
        let sent = photograph(1_500, 500, 200);
        let page = send(&desk, "text/html", "quay.jpg", &sent).await.leads_to().expect("its own page");
        let page = desk.open(page.path()).await;
        page.says("A picture").says("quay.jpg").says("1,200 by 400 pixels");
        let (name,): (String,) = rows(&app.site.db, "select public_id from picture").await.remove(0);
        let path = format!("/desk/pictures/{name}");
        // Nothing said of it is a mistake; that it only adorns is not.
        let said = desk.open(&path).await.form(&path).with("press", "save");
        let again = desk.submit(&said).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(again.body.contains("Say what it shows"));
        let said = said.with("alt", "Two [boats]\nin fog").with("caption", "The quay").with("credit", "Ann Lee");
        let page = desk.submit_and_follow(&said).await;
        assert!(page.body.contains("![Two  boats  in fog](") && page.body.contains("-1200.jpg &quot;The quay · Ann Lee&quot;)"), "{}", page.body);

        let file = given(&app, &format!("/pictures/{name}-600.jpg")).await;
        assert_eq!(file.status(), StatusCode::OK);
        let header = |name: &str| file.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("content-type"), "image/jpeg");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("cache-control").contains("immutable"));
        let bytes = file.bytes().await.expect("bytes");
        let read = image::load_from_memory(&bytes).expect("a picture");
        assert_eq!((read.width(), read.height()), (600, 200));
        for gone in ["nothing-600.jpg", "x.jpg", "-600.jpg", "a-b-c.jpg"] {
            assert_eq!(app.visitor().open(&format!("/pictures/{gone}")).await.status, StatusCode::NOT_FOUND);
        }
        assert_eq!(app.visitor().open(&format!("/pictures/{name}-601.jpg")).await.status, StatusCode::NOT_FOUND);

        // The same file again is the same picture, put away or not.
        let away = desk.open(&path).await.form(&path).with("press", "put-away");
        desk.submit_and_follow(&away).await.says("What holds it goes on showing it");
        desk.open("/desk/pictures").await.says("None is kept yet");
        let file = given(&app, &format!("/pictures/{name}-600.jpg")).await;
        assert_eq!(file.status(), StatusCode::OK);
        let kept = pictures::keep(&app.site, None, ("other.jpg", None), sent).await.expect("kept");
        assert!(kept.was_known && !kept.picture.is_put_away);
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from picture").await, [(1,)]);

        let hostile = b"<html><script>alert(1)</script>";
        for accept in ["text/html", "application/json"] {
            let refused = send(&desk, accept, "page.jpg", hostile).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(refused.body.contains("This is no picture that we can read"));
            send(&desk, accept, "", b"").await.body.contains("Choose a picture.").then_some(()).expect("words");
        }
        let brought = send(&desk, "application/json", "quay.jpg", &photograph(700, 100, 40)).await;
        let brought: serde_json::Value = serde_json::from_str(&brought.body).expect("JSON");
        let markdown = brought["markdown"].as_str().expect("text");
        assert!(markdown.starts_with("![](http") && markdown.ends_with("-700.jpg)") && brought["silent"] == true, "{brought}");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from picture").await, [(2,)]);
    }

    /// A page of the library costs the same however many there are, and goes on by key.
    async fn many_pictures_are_paged(app: TestApp) {
        change(&app.site.db, "insert into picture (public_id, file, alt, is_decorative, caption, credit, created_at)
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 100)
            select 'picture-' || i, 'file ' || i, 'shows ' || i, 0, '', '', i from n").await;
        let desk = app.desk().await;
        let first = desk.open("/desk/pictures").await;
        assert!(first.body.contains("shows 100") && first.body.contains("shows 53<") && !first.body.contains("shows 52<"));
        let next = desk.open("/desk/pictures?before=53").await;
        assert!(next.body.contains("shows 52<") && next.body.contains("shows 5<"));
    }
}

/// The library, in a browser.
#[tokio::test(flavor = "multi_thread")]
async fn the_library_in_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    for shade in [10, 90, 200] {
        let file = (format!("quay {shade}.jpg"), photograph(900, 600, shade));
        pictures::keep(&app.site, None, (&file.0, None), file.1).await.expect("kept");
    }
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/pictures")).await;
    browser.wait_for_text("quay 90.jpg").await;
    browser.sound("pictures").await;
    browser.click("quay 90.jpg").await;
    browser.wait_for_text("What it shows").await;
    browser.fill("In words, for who does not see it (optional)", "Two boats").await;
    browser.click("Save").await;
    browser.wait_for_text("It stands so in texts from now on").await;
    browser.sound("picture").await;
    browser.close().await;
    app.finish().await;
}

//! Pictures that the team brings: through the form or a script, once, described, given back for ever.

use std::{io::Cursor, time::Duration};

use broadside::{articles, db::Engine, pictures, publishing};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::{Method, StatusCode, header};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{
    Browser, Fixture as _, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    visitor::{Page, Visitor},
    wait,
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

/// Somebody else's site, which has one picture; its address.
async fn another_site(picture: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                match connection.read_u8().await {
                    Ok(byte) => request.push(byte),
                    Err(_) => break,
                }
            }
            let (status, body) =
                if request.starts_with(b"GET /quay.jpg ") { (200, &picture[..]) } else { (404, &[][..]) };
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = connection.write_all(&[head.as_bytes(), body].concat()).await;
        }
    });
    address
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
        assert!(page.body.contains("![Two \\[boats\\] in fog](") && page.body.contains("-1200.jpg &quot;The quay · Ann Lee&quot;)"), "{}", page.body);

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

    /// Pictures of other sites come to us on wish, so that no mail depends on those: the text names ours, what was said of each stays, and what
    /// cannot be had is said.
    async fn pictures_of_other_sites_are_copied(app: TestApp) {
        let site = another_site(photograph(900, 300, 120)).await;
        let desk = app.desk().await;
        let (quay, gone) = (format!("http://{site}/quay.jpg"), format!("http://{site}/gone.jpg"));
        let text = format!("Look: ![Two boats]({quay} \"The quay\") and ![]({gone})");
        let new = "/desk/articles/new";
        let form = desk.open(new).await.form(new).with("title", "The quay").with("body_markdown", &text);
        let copied = desk.submit(&form.with("act", "copy-pictures")).await;
        copied.says("One picture was copied. Save the article").says("Not copied").says("there is nothing at that address (404)");
        let (name,): (String,) = rows(&app.site.db, "select public_id from picture").await.remove(0);
        let form = copied.form(new);
        let text = form.value("body_markdown").expect("a text").trim().to_owned();
        let ours = app.site.url(&format!("/pictures/{name}-900.jpg"));
        assert_eq!(text, format!("Look: ![Two boats]({ours} \"The quay\") and ![]({gone})"));
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from article").await, [(0,)], "nothing is saved by it");
        desk.open(&format!("/desk/pictures/{name}")).await.says("900 by 300 pixels");
        assert_eq!(rows::<(String,)>(&app.site.db, "select alt from picture").await, [("Two boats".to_owned(),)]);
        assert_eq!(given(&app, &format!("/pictures/{name}-900.jpg")).await.status(), StatusCode::OK);
        let again = desk.submit(&form.with("act", "copy-pictures")).await;
        again.says("No picture was copied.");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from picture").await, [(1,)]);
    }

    /// The picture that leads an edition is shown from here where somebody wants that, and its article stays as its source has it.
    async fn a_mail_depends_on_no_other_site(app: TestApp) {
        let site = another_site(photograph(900, 300, 120)).await;
        app.reader("ann@example.org").await;
        let draft = app.draft("The quay").await;
        let lead = articles::by_ids(&app.site.db, &draft.content.article_ids[..1]).await.expect("a read").remove(0);
        let there = |name: &str| format!("update article set image_url = 'http://{site}/{name}' where id = {}", lead.id.0).leak() as &'static str;
        change(&app.site.db, there("gone.jpg")).await;
        let (desk, path) = (app.desk().await, format!("/desk/editions/{}", draft.public_id));
        let composer = desk.open(&path).await;
        let said = "The picture of the first article is on 127.0.0.1, which does not encrypt what it sends, so mails leave it out";
        assert!(composer.body.contains(said), "{}", composer.body);
        let copies = |page: &Page| page.form(&path).with("act", "copy-picture").with("subject", "Typed before");
        desk.submit_and_follow(&copies(&composer)).await.says("The picture could not be copied");
        change(&app.site.db, there("quay.jpg")).await;
        let copied = desk.submit_and_follow(&copies(&desk.open(&path).await)).await;
        copied.says("The picture is kept here now");
        assert!(!copied.body.contains("copy-picture"), "there is nothing left to do");
        assert_eq!(copied.form(&path).value("subject"), Some("Typed before"), "what was written is saved");
        let (name,): (String,) = rows(&app.site.db, "select public_id from picture").await.remove(0);
        let now = articles::by_ids(&app.site.db, &[lead.id]).await.expect("a read").remove(0);
        assert_eq!((now.image_url, now.edited_at, now.version), (Some(format!("http://{site}/quay.jpg")), lead.edited_at, lead.version));
        let edition = publishing::find(&app.site.db, &draft.public_id).await.expect("the edition");
        publishing::press_send(&app.site, &app.templates, edition.id, edition.revision, None, None).await.expect("pressed");
        app.advance(publishing::UNDO);
        app.drain().await;
        let mail = app.last_mail("ann@example.org").html;
        assert!(mail.contains(&app.site.url(&format!("/pictures/{name}-900.jpg"))) && !mail.contains(&site), "{mail}");
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

    // Pasted, and dropped, into a text; what is no picture is said, and does not take the page away.
    browser.goto(&app.url("/desk/articles/new")).await;
    browser.fill("Article", "Look:").await;
    let brings = |event: &str, name: &str, kind: &str, file: &[u8]| {
        let (class, holds) = if event == "paste" {
            ("ClipboardEvent", "clipboardData")
        } else {
            ("DragEvent", "dataTransfer")
        };
        format!(
            "const data = new DataTransfer(); data.items.add(new File([new Uint8Array({})], '{name}', {{ type: '{kind}' }}));
             return document.querySelector('#body_markdown').dispatchEvent(new {class}('{event}', {{ {holds}: data, bubbles: true, cancelable: true }}))",
            serde_json::json!(file)
        )
    };
    let text = "return document.querySelector('#body_markdown').value";
    let holds = async |pictures: usize| {
        let held = wait::at_most(Duration::from_secs(20), async || {
            let text = browser.script(text).await;
            (text.as_str()?.matches("-40.jpg)").count() == pictures).then_some(())
        });
        assert!(held.await.is_some(), "{}", browser.script(text).await);
    };
    assert_eq!(browser.script(&brings("paste", "a.jpg", "image/jpeg", &photograph(40, 30, 20))).await, false);
    browser.wait_for_text("Write between the brackets what the picture shows").await;
    holds(1).await;
    // Some systems do not say what a file is. Another stands behind the first, though the cursor waits within that to describe it.
    assert_eq!(browser.script(&brings("drop", "b.jpg", "", &photograph(40, 30, 80))).await, false);
    holds(2).await;
    let brought = browser.script(text).await;
    let brought = brought.as_str().expect("a text");
    let lines: Vec<&str> = brought.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() == 3 && lines[1..].iter().all(|line| line.starts_with("![](http")), "{brought}");
    let heic = [&b"\0\0\0\x18ftypheic"[..], &[0; 40]].concat();
    assert_eq!(browser.script(&brings("drop", "IMG_1.HEIC", "", &heic)).await, false);
    browser.wait_for_text("this one is HEIC, as iPhones take it").await;
    browser.sound("desk-writing-heic").await;
    browser.close().await;
    app.finish().await;
}

//! The worst that somebody can write, posted and imported: everybody else's pages answer, and what went wrong is said in words.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use broadside::clock::Stopwatch;
use futures_util::future::join_all;

use crate::{
    command_line::{broadside, text},
    support::{TestApp, both_engines, scratch},
};

const PREVIEWS: usize = 4;

both_engines! {
    /// Several previews of the worst text that the form takes, at once: other pages do not wait for them, and what was typed comes back.
    async fn a_page_answers_while_others_preview_the_worst(app: TestApp) {
        let desk = app.desk().await;
        // A sign that takes the longest to read, and comments that never end.
        let worst = format!("{}\n\n{}", "a*".repeat(250_000), "<!--".repeat(30_000));
        let form = desk.open("/desk/articles/new").await.form("/desk/articles/new");
        let form = form.with("title", "The worst").with("body_markdown", &worst).and("act", "preview");
        let watch = Stopwatch::start();
        let done = AtomicUsize::new(0);
        let previews = join_all((0..PREVIEWS).map(|_| async {
            let page = desk.submit(&form).await;
            done.fetch_add(1, SeqCst);
            page
        }));
        let visitor = app.visitor();
        let pages = async {
            let mut longest = std::time::Duration::ZERO;
            while done.load(SeqCst) < PREVIEWS {
                let watch = Stopwatch::start();
                assert_eq!(visitor.open("/").await.status, 200);
                longest = longest.max(watch.elapsed());
            }
            longest
        };
        let (previews, longest) = tokio::join!(previews, pages);
        let all = watch.elapsed();
        for page in previews {
            assert_eq!(page.status, 200);
            assert!(page.body.contains("a*a*a*a*"), "what was typed is gone");
        }
        assert!(longest * 3 < all, "a page waited for {longest:?} of {all:?}");
    }
}

/// An author that made an earlier reader panic costs the author alone, and what is odd about a feed is said.
#[test]
fn an_odd_author_costs_nothing_else_and_what_is_odd_is_said() {
    let folder = scratch::folder();
    let feed = folder.join("feed.xml");
    let hostile = "<rss version='2.0'><channel><title>T</title><item><title>T</title><link>https://example.org/t</link>\
        <author>\u{2014}a@example.org</author><pubDate>soon</pubDate></item></channel></rss>";
    std::fs::write(&feed, hostile).expect("our own folder");
    let data = folder.to_str().expect("our own name");
    let settings = [("DATA_DIR", data), ("BASE_URL", "http://localhost/")];
    assert!(broadside(&["migrate"], &settings).status.success());
    let output = broadside(&["articles", "import", feed.to_str().expect("our own name")], &settings);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
    assert!(said.contains("1 new") && said.contains("1 article has a date that cannot be read"), "{said}");
}

//! What programs look for that come by themselves.

use axum::http::StatusCode;

use crate::support::{
    database::{TestDb, both_engines},
    pages::Web,
};

both_engines! {
    /// RFC 9309: search engines find what is for everybody, and are asked to leave the desk, hooks and everybody's own links alone.
    async fn search_engines_are_told_what_is_for_everybody(db: TestDb) {
        let web = Web::empty(&db);
        let robots = web.get("/robots.txt", "").await;
        assert_eq!(robots.status, StatusCode::OK);
        assert!(robots.header("content-type").starts_with("text/plain"));
        let closed: Vec<&str> = robots.body.lines().filter_map(|line| line.strip_prefix("Disallow: ")).collect();
        let is_closed = |path: &str| closed.iter().any(|start| path.starts_with(start));
        for path in ["/", "/archive", "/archive/x", "/articles/a-lamp", "/subscribe", "/donate", "/robots.txt"] {
            assert!(!is_closed(path), "{path} in {closed:?}");
        }
        for path in [
            "/desk",
            "/desk/readers",
            "/preferences/x",
            "/your-data/x",
            "/forget-me/x",
            "/address/x",
            "/unsubscribe/x",
            "/confirm/x",
            "/view/x",
            "/giving/x",
            "/hooks/stripe",
        ] {
            assert!(is_closed(path), "{path} in {closed:?}");
        }
        for path in ["/feed.xml", "/sitemap.xml", "/sitemaps/pages.xml", "/topics/a", "/authors/b/feed.xml"] {
            assert!(!is_closed(path), "{path} in {closed:?}");
        }
        let icon = web.get("/favicon.ico", "").await;
        assert_eq!((icon.status, icon.header("content-type")), (StatusCode::OK, "image/x-icon"));
    }
}

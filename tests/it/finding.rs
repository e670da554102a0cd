//! What somebody types into a search finds what holds it, and nothing else, whatever signs are in it.

use broadside::{
    articles::{self, Written},
    email_address::EmailAddress,
    publishing::{self, Wanted},
    subscribers,
};

use crate::support::{TestApp, both_engines};

/// Each with a sign that means something to a database, or that it makes no small letter of.
const NAMES: [&str; 6] = ["Ann_Lamp", "100% Bob", "Wow! Cid", r"Back\slash", "Émile", "Plain Dora"];

/// What each is found by, and nobody else.
const SEARCHES: [(&str, usize); 8] =
    [("_", 0), ("n_l", 0), ("%", 1), ("0% b", 1), ("!", 2), ("\\", 3), ("Émile", 4), ("  plain DORA ", 5)];

both_engines! {
    /// TRUST A14: no sign is one of the database's own.
    async fn a_search_finds_what_holds_it_and_nothing_else(app: TestApp) {
        let list = app.list().await;
        for (number, name) in NAMES.iter().enumerate() {
            let address = EmailAddress::parse(&format!("reader_{number}@example.org")).expect("an address");
            let added = subscribers::add_by_staff(&app.site, &address, name, list, "a test").await;
            added.expect("staff may add readers");
            let article = Written {
                title: (*name).to_owned(),
                body_markdown: Some("Words.".to_owned()),
                ..Written::default()
            };
            articles::create(&app.site, &article).await.expect("an article");
        }
        let edition = app.send_edition("The first").await;
        for (search, at) in SEARCHES {
            let readers = subscribers::page(&app.site.db, search, None, 50).await.expect("a read");
            let found: Vec<&str> = readers.iter().map(|reader| reader.name.as_str()).collect();
            // Every address has an underscore.
            let wanted = if search == "_" { NAMES.iter().rev().copied().collect() } else { vec![NAMES[at]] };
            assert_eq!(found, wanted, "readers by {search}");
            let titles = articles::desk_page(&app.site.db, search, None, 50).await.expect("a read");
            let titles: Vec<&str> = titles.iter().map(|article| article.title.as_str()).collect();
            assert_eq!(titles, [NAMES[at]], "articles by {search}");
        }
        let copies = async |search: &str| {
            let wanted = Wanted { search, state: "", class: "" };
            publishing::results(&app.site.db, edition, wanted, 0, 50).await.expect("a read").len()
        };
        assert_eq!(copies("READER_").await, NAMES.len());
        assert_eq!(copies("r_5@").await, 1);
        assert_eq!(copies("reader%").await + copies("readerX").await + copies("!").await, 0);
        assert_eq!(subscribers::page(&app.site.db, "reader_3@", None, 50).await.expect("a read").len(), 1);
    }
}

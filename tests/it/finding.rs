//! What somebody types into a search finds what holds it, and nothing else, whatever signs are in it, in any script and case.

use broadside::{
    articles::{self, WrittenArticle},
    delivery,
    email_address::EmailAddress,
    publishing,
    subscribers::{
        self, Basis, ByStaff, HowMany, Order, ReaderStanding, Subscriber, SubscriptionState, Wanted, Weeks,
    },
};

use crate::support::{
    TestApp, both_engines,
    database::{change, rows},
};

/// Each with a sign that means something to a database, or that it makes no small letter of.
const NAMES: [&str; 6] = ["Ann_Lamp", "100% Bob", "Wow! Cid", r"Back\slash", "Émile", "Plain Dora"];

/// What each is found by, and nobody else.
const SEARCHES: [(&str, usize); 8] =
    [("_", 0), ("n_l", 0), ("%", 1), ("0% b", 1), ("!", 2), ("\\", 3), ("Émile", 4), ("  plain DORA ", 5)];

/// Names and what people type to find them.
const SPELLINGS: [(&str, &[&str]); 6] = [
    ("Özdemir", &["özdemir", "ÖZDEMİR", "Ozdemir", "ZDEM", "O\u{308}zdemir"]),
    ("Straße", &["strasse", "STRASSE", "straße"]),
    ("Ὀδυσσεύς", &["ΟΔΥΣΣΕΥΣ", "οδυσσευς", "δυσσ"]),
    ("Ёлкин", &["елкин", "ЁЛКИН", "лкин"]),
    ("सम्पर्क", &["सम्पर्क", "म्प"]),
    ("王小明", &["王小明", "小", "小明"]),
];

async fn add(app: &TestApp, address: &str, name: &str) -> Subscriber {
    let address = EmailAddress::parse(address).expect("an address");
    let list = app.list().await;
    let added = subscribers::add_by_staff(&app.site, &address, name, list, "a test").await;
    added.expect("staff may add readers")
}

async fn readers(app: &TestApp, wanted: Wanted<'_>) -> Vec<String> {
    let found = subscribers::page(&app.site, wanted, None, 50).await.expect("a read");
    found.into_iter().map(|reader| reader.name).collect()
}

async fn search(app: &TestApp, search: &str) -> Vec<String> {
    readers(app, Wanted { search, ..Wanted::default() }).await
}

async fn titles(app: &TestApp, search: &str) -> Vec<String> {
    let found = articles::desk_page(&app.site, articles::DeskLook { search, ..Default::default() }, None, 50)
        .await
        .expect("a read");
    found.into_iter().map(|article| article.title).collect()
}

async fn write(app: &TestApp, title: &str) {
    let body_markdown = Some("Words.".to_owned());
    let article = WrittenArticle { title: title.to_owned(), body_markdown, ..WrittenArticle::default() };
    articles::create(&app.site, &article).await.expect("an article");
}

both_engines! {
    /// A copy is found by the address that it went to, in letters of any script, when its reader has another one by now.
    async fn a_copy_is_found_by_the_address_that_it_had(app: TestApp) {
        for (email, name) in [("ÖZ@example.org", ""), ("Émile@example.org", "")] {
            let email = EmailAddress::parse(email).expect("an address");
            subscribers::add_by_staff(&app.site, &email, name, app.list().await, "a test").await.expect("added");
        }
        let edition = app.send_edition("To whom it was").await;
        change(&app.site.db, "update subscriber set email = 'new' || id || '@example.net', email_key = 'new' || id || '@example.net', search = 'new' || id || '@example.net'").await;
        for (typed, address) in [("öz@", "ÖZ@example.org"), ("ÖZ@EXAMPLE", "ÖZ@example.org"), ("Émile", "Émile@example.org"), ("mile@", "Émile@example.org")] {
            let wanted = publishing::WantedCopies { search: typed, ..publishing::WantedCopies::default() };
            let found = publishing::results(&app.site.db, edition, wanted, 0, 10).await.expect("a read");
            assert_eq!(found.iter().map(|one| one.address.as_str()).collect::<Vec<_>>(), [address], "{typed}");
            let to = EmailAddress::parse(address).expect("an address");
            let at = delivery::subscriber_at(&app.site.db, edition, &to);
            assert_eq!(at.await.expect("a read"), Some(found[0].subscriber_id), "{address}");
        }
    }

    /// TRUST A14: no sign is one of the database's own.
    async fn a_search_finds_what_holds_it_and_nothing_else(app: TestApp) {
        for (number, name) in NAMES.iter().enumerate() {
            add(&app, &format!("reader_{number}@example.org"), name).await;
            write(&app, name).await;
        }
        let edition = app.send_edition("The first").await;
        for (text, at) in SEARCHES {
            // Every address has an underscore.
            let wanted = if text == "_" { NAMES.iter().rev().copied().collect() } else { vec![NAMES[at]] };
            assert_eq!(search(&app, text).await, wanted, "readers by {text}");
            assert_eq!(titles(&app, text).await, [NAMES[at]], "articles by {text}");
        }
        let copies = async |search: &str| {
            let wanted = publishing::WantedCopies { search, state: "", class: "" };
            publishing::results(&app.site.db, edition, wanted, 0, 50).await.expect("a read").len()
        };
        assert_eq!(copies("READER_").await, NAMES.len());
        assert_eq!(copies("r_5@").await, 1);
        assert_eq!(copies("emile").await, 1);
        assert_eq!(copies("reader%").await + copies("readerX").await + copies("zz!").await, 0);
        assert_eq!(search(&app, "reader_3@").await.len(), 1);
    }

    /// TRUST A14: the small letters that a database knows are those of English alone.
    async fn a_name_is_found_in_any_script_and_case_with_accents_or_without(app: TestApp) {
        for (number, (name, _)) in SPELLINGS.iter().enumerate() {
            add(&app, &format!("reader{number}@example.org"), name).await;
            write(&app, name).await;
        }
        let edition = app.send_edition("The first").await;
        for (name, spellings) in SPELLINGS {
            for text in spellings {
                assert_eq!(search(&app, text).await, [name], "a reader by {text}");
                assert_eq!(titles(&app, text).await, [name], "an article by {text}");
                let wanted = publishing::WantedCopies { search: text, state: "", class: "" };
                let copies = publishing::results(&app.site.db, edition, wanted, 0, 50).await.expect("a read");
                assert_eq!(copies.len(), 1, "a copy by {text}");
            }
        }
    }

    /// An address in another script is found as people read it and as it is kept; a public id by any part that is long enough to
    /// mean one.
    async fn an_address_and_a_public_id_are_found_by_any_part(app: TestApp) {
        let reader = add(&app, "ÜNAL@例え.jp", "One").await;
        add(&app, "other@example.org", "Two").await;
        for text in ["ünal@", "unal", "ÜNAL@例え.jp", "例え", "xn--r8jz45g", "l@xn--"] {
            assert_eq!(search(&app, text).await, ["One"], "by {text}");
        }
        let id = &reader.public_id;
        for part in [id.as_str(), &id[3..15], &id[..8]] {
            assert_eq!(search(&app, part).await, ["One"], "by {part}");
        }
        assert!(search(&app, &id[4..7]).await.is_empty(), "three letters mean no id");
    }

    /// Whoever changes a row, by whichever statement: what was there before finds nobody any more.
    async fn who_is_renamed_is_found_by_the_new_name_alone(app: TestApp) {
        let reader = add(&app, "ann@example.org", "Ann Çelik").await;
        write(&app, "Ünder the lamp").await;
        let link = subscribers::choices_path(&app.site, &reader.public_id);
        let link = link.rsplit('/').next().expect("a link");
        let trace = subscribers::Trace::default();
        let chosen = subscribers::Chosen { name: Some("Ann Şahin".to_owned()), ..subscribers::Chosen::default() };
        let saved = subscribers::save_choices(&app.site, link, &chosen, trace).await;
        saved.expect("it is saved");
        assert_eq!(search(&app, "SAHIN").await, ["Ann Şahin"]);
        assert!(search(&app, "celik").await.is_empty());
        // By a statement that knows nothing of it, as a newer or older program's may be.
        change(&app.site.db, "update subscriber set name = 'Åsa'").await;
        change(&app.site.db, "update article set title = 'Øverst'").await;
        assert!(search(&app, "sahin").await.is_empty(), "an old name finds nobody");
        assert!(titles(&app, "under").await.is_empty(), "an old title finds nothing");
        assert_eq!(search(&app, "ann@").await, ["Åsa"], "what is not folded yet is found all the same");
        assert_eq!(subscribers::fold_waiting(&app.site).await.expect("folded"), 1);
        articles::fold_waiting(&app.site).await.expect("folded");
        assert_eq!(search(&app, "asa").await, ["Åsa"]);
        assert_eq!(titles(&app, "overst").await, ["Øverst"]);
        assert_eq!(subscribers::fold_waiting(&app.site).await.expect("folded"), 0);
    }

    /// The list narrowed down by list and by how they stand, with a search and without: the same readers.
    async fn the_list_is_narrowed_down_by_list_and_by_how_they_stand(app: TestApp) {
        let list = app.list().await;
        for (address, name) in [("gets@example.org", "Gets"), ("left@example.org", "Left"), ("stop@example.org", "Stop")] {
            add(&app, address, name).await;
        }
        let left = EmailAddress::parse("left@example.org").expect("an address");
        let left = subscribers::by_email(&app.site.db, &left).await.expect("a read").expect("a reader");
        subscribers::leave_by_staff(&app.site, left.id, list, "a test").await.expect("left");
        let stop = EmailAddress::parse("stop@example.org").expect("an address");
        subscribers::block(&app.site, &stop, "a test", None).await.expect("blocked");
        subscribers::import(&app.site, &b"email\n"[..], list, &Basis { basis: "x".into(), source: "y".into() })
            .await
            .expect("an empty file");
        let is = |state| Some(ReaderStanding::Is(state));
        for (standing, names) in [
            (None, &["Stop", "Left", "Gets"][..]),
            (is(SubscriptionState::Confirmed), &["Gets"]),
            (is(SubscriptionState::Left), &["Left"]),
            (is(SubscriptionState::Pending), &[]),
            (Some(ReaderStanding::Stopped), &["Stop"]),
        ] {
            for list in [None, Some(list)] {
                for search in ["", "EXAMPLE"] {
                    let wanted = Wanted { search, list, standing, ..Wanted::default() };
                    assert_eq!(readers(&app, wanted).await, names, "{wanted:?}");
                }
            }
            assert!(readers(&app, Wanted { list: Some(999), standing, ..Wanted::default() }).await.is_empty());
        }
    }

    /// The list narrowed down by a topic: whoever chose it, of one list or of any, with a search and how they stand, in each order and
    /// page by page.
    async fn the_list_is_narrowed_down_by_what_they_chose(app: TestApp) {
        let db = &app.site.db;
        let list = app.list().await;
        for name in ["Ann", "Bea", "Cid", "Dora"] {
            add(&app, &format!("{name}@example.org"), name).await;
        }
        change(db, "insert into list (id, public_id, slug, name, description, visibility, created_at) values (901, 'aside', 'aside', 'Aside', '', 'public', 7)").await;
        change(db, "insert into reader_topic (id, public_id, name, name_key, description, position, created_at) values (21, 't21', 'Housing', 'housing', '', 1, 7), (22, 't22', 'Rivers', 'rivers', '', 2, 7)").await;
        change(db, "insert into subscription (subscriber_id, list_id, state, asked_at, confirmed_at) select id, 901, 'confirmed', 7, 7 from subscriber where name in ('Ann', 'Bea')").await;
        change(db, "insert into subscription_topic (list_id, subscriber_id, topic_id) select s.list_id, r.id, 21 from subscriber r join subscription s on s.subscriber_id = r.id where r.name in ('Ann', 'Bea', 'Cid')").await;
        change(db, "insert into subscription_topic (list_id, subscriber_id, topic_id) select s.list_id, r.id, 22 from subscriber r join subscription s on s.subscriber_id = r.id where r.name = 'Dora'").await;
        let cid = app.reader_row("Cid@example.org").await;
        subscribers::leave_by_staff(&app.site, cid, list, "a test").await.expect("left");
        let housing = Wanted { topic: Some(21), ..Wanted::default() };
        let left = Wanted { standing: Some(ReaderStanding::Is(SubscriptionState::Left)), ..housing };
        for (wanted, names) in [
            (housing, &["Cid", "Bea", "Ann"][..]),
            (Wanted { list: Some(901), ..housing }, &["Bea", "Ann"]),
            (left, &["Cid"]),
            (Wanted { standing: Some(ReaderStanding::Paused), ..housing }, &[]),
            (Wanted { search: "Bea", ..housing }, &["Bea"]),
            (Wanted { search: "dora", ..housing }, &[]),
            (Wanted { search: "ann", list: Some(list), ..left }, &[]),
            (Wanted { order: Order::Name, ..housing }, &["Ann", "Bea", "Cid"]),
            (Wanted { order: Order::Address, search: "example", ..housing }, &["Ann", "Bea", "Cid"]),
        ] {
            assert_eq!(readers(&app, wanted).await, names, "{wanted:?}");
            let (mut paged, mut after) = (Vec::new(), None);
            while let Some(next) = subscribers::page(&app.site, wanted, after, 1).await.expect("a read").pop() {
                after = Some(next.id);
                paged.push(next.name);
            }
            assert_eq!(paged, names, "{wanted:?}, page by page");
        }
        let desk = app.desk().await;
        let page = desk.open("/desk/readers?topic=t22").await;
        page.says("Dora");
        assert!(!page.body.contains("Ann@example.org") && page.body.contains("value=\"t22\" selected"));
        assert!(desk.open("/desk/readers?topic=nothing").await.body.contains("Ann@example.org"), "every reader");
    }

    /// Where more than two thousand chose a topic, and no fewer stand as it is asked: the same readers, in each order.
    async fn a_topic_that_very_many_chose_is_narrowed_down_the_same(app: TestApp) {
        let db = &app.site.db;
        add(&app, "zoe@example.org", "Zoe").await;
        change(db, "insert into subscriber (public_id, email, email_key, name, created_at) with recursive n(i) as (select 1 union all select i + 1 from n where i < 2600)
            select 'many' || i, 'many' || i || '@example.org', 'many' || i || '@example.org', 'Many', 7 from n").await;
        change(db, "insert into subscription (subscriber_id, list_id, state, asked_at, confirmed_at) select r.id, (select min(id) from list), 'confirmed', 7, 7 from subscriber r where r.name = 'Many'").await;
        change(db, "insert into reader_topic (id, public_id, name, name_key, description, position, created_at) values (21, 't21', 'Housing', 'housing', '', 1, 7)").await;
        change(db, "insert into subscription_topic (list_id, subscriber_id, topic_id) select s.list_id, s.subscriber_id, 21 from subscription s join subscriber r on r.id = s.subscriber_id
            where r.name = 'Many' and (r.id % 2 = 0 or r.id < 2400)").await;
        subscribers::fold_waiting(&app.site).await.expect("folded");
        let chose: Vec<(i64,)> = rows(db, "select subscriber_id from subscription_topic order by subscriber_id desc").await;
        assert!(chose.len() > 2_000);
        let newest: Vec<i64> = chose.iter().take(50).map(|(id,)| *id).collect();
        // All have one name.
        let by_address = "select c.subscriber_id from subscription_topic c join subscriber r on r.id = c.subscriber_id order by r.email_key limit 50";
        let by_address: Vec<i64> = rows::<(i64,)>(db, by_address).await.into_iter().map(|(id,)| id).collect();
        let gets = Some(ReaderStanding::Is(SubscriptionState::Confirmed));
        let housing = Wanted { topic: Some(21), ..Wanted::default() };
        for wanted in [housing, Wanted { search: "many", ..housing }, Wanted { standing: gets, ..housing }] {
            for (order, should) in [(Order::Newest, &newest), (Order::Name, &by_address)] {
                let found = subscribers::page(&app.site, Wanted { order, ..wanted }, None, 50).await.expect("a read");
                assert_eq!(&found.iter().map(|one| one.id).collect::<Vec<_>>(), should, "{wanted:?} {order:?}");
            }
        }
        assert!(readers(&app, Wanted { search: "zoe", ..housing }).await.is_empty(), "she chose nothing");
    }

    /// Whoever rests from a list is found as such, and is nobody who gets it, until the pause is over; stopped is stopped.
    async fn who_pauses_is_found_until_the_pause_is_over(app: TestApp) {
        let list = app.list().await;
        let staff_id = rows::<(i64,)>(&app.site.db, "select min(id) from staff").await[0].0;
        add(&app, "Ann@example.org", "Ann").await;
        for name in ["Bea", "Cid", "Dora"] {
            let reader = add(&app, &format!("{name}@example.org"), name).await;
            let by = ByStaff { staff_id, why: "a test" };
            subscribers::pause_reader(&app.site, &reader, Weeks::Two, by).await.expect("paused");
        }
        let dora = EmailAddress::parse("Dora@example.org").expect("an address");
        subscribers::block(&app.site, &dora, "a test", None).await.expect("blocked");
        let gets = Some(ReaderStanding::Is(SubscriptionState::Confirmed));
        let everywhere = async |standing, wanted: &[&str]| {
            for list in [None, Some(list)] {
                for search in ["", "EXAMPLE"] {
                    for order in [Order::Newest, Order::Name] {
                        let mut found = readers(&app, Wanted { search, list, standing, order, ..Wanted::default() }).await;
                        found.sort();
                        assert_eq!(found, wanted, "{standing:?} {list:?} {search:?} {order:?}");
                    }
                }
            }
        };
        everywhere(Some(ReaderStanding::Paused), &["Bea", "Cid"]).await;
        everywhere(gets, &["Ann"]).await;
        everywhere(Some(ReaderStanding::Stopped), &["Dora"]).await;
        let page = app.desk().await.open("/desk/readers?state=paused").await;
        page.says("Bea@example.org");
        assert!(page.body.contains("<option value=\"paused\" selected>") && !page.body.contains("Ann@example.org"));
        let rest = async || {
            let mut file = Vec::new();
            subscribers::export(&app.site, &mut file).await.expect("an export");
            let file = String::from_utf8(file).expect("text");
            let rests = |line: &&str| line.split(',').nth(6).is_some_and(|until| !until.is_empty());
            file.lines().skip(1).filter(rests).filter_map(|line| line.split(',').nth(1)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(rest().await, "Bea Cid Dora", "in a file, too");
        app.advance(std::time::Duration::from_secs(15 * 86_400));
        assert_eq!(rest().await, "");
        everywhere(Some(ReaderStanding::Paused), &[]).await;
        everywhere(gets, &["Ann", "Bea", "Cid"]).await;
        app.drain().await;
    }

    /// By name, in any case and with accents or without, who has none last and by address; by address; page by page, whatever else is asked for.
    async fn readers_are_listed_by_name_and_by_address(app: TestApp) {
        let people = [("c@example.org", "zoë"), ("e@example.org", ""), ("a@example.org", "Özdemir"), ("d@example.org", "Émile"), ("b@example.org", "")];
        for (address, name) in people {
            add(&app, address, name).await;
        }
        let list = app.list().await;
        let by_name = ["d@", "a@", "c@", "b@", "e@"];
        for (order, wanted) in [(Order::Name, by_name), (Order::Address, ["a@", "b@", "c@", "d@", "e@"])] {
            for list in [None, Some(list)] {
                for search in ["", "EXAMPLE"] {
                    let mut found = Vec::new();
                    let mut after = None;
                    loop {
                        let wanted = Wanted { search, list, order, ..Wanted::default() };
                        let page = subscribers::page(&app.site, wanted, after, 2).await.expect("a read");
                        assert!(page.len() <= 2);
                        let Some(last) = page.last() else { break };
                        after = Some(last.id);
                        found.extend(page.into_iter().map(|reader| reader.email.to_string()));
                    }
                    let wanted = wanted.map(|local| format!("{local}example.org"));
                    assert_eq!(found, wanted, "{order:?} {list:?} {search:?}");
                }
            }
        }
        let desk = app.desk().await;
        let page = desk.open("/desk/readers?order=name").await.body;
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
        assert!(at("Émile") < at("Özdemir") && at("Özdemir") < at("zoë") && at("zoë") < at("e@example.org"));
        assert!(page.contains("<option value=\"name\" selected>by name</option>"));
    }

    /// Two letters are found among very many readers where a word begins or ends, and anywhere in the newest; a Chinese name is two or three.
    async fn two_letters_are_found_among_very_many_where_a_word_begins_or_ends(app: TestApp) {
        for (number, name) in ["王小明", "Ann Özdemir", "Mary-Jo"].into_iter().enumerate() {
            add(&app, &format!("qx{number}@example.org"), name).await;
        }
        let far = "insert into subscriber (id, public_id, email, email_key, name, created_at)
            values (40000, 'zfar', 'far@example.com', 'far@example.com', 'Wanda', 1)";
        assert_eq!(change(&app.site.db, far).await, 1);
        subscribers::fold_waiting(&app.site).await.expect("folded");
        for (text, wanted) in [
            ("小明", &["王小明"][..]),
            ("王小", &["王小明"]),
            ("OZ", &["Ann Özdemir"]),
            ("ir", &["Ann Özdemir"]),
            ("jo", &["Mary-Jo"]),
            ("qx", &["Mary-Jo", "Ann Özdemir", "王小明"]),
            ("nd", &["Wanda"]),
            ("de", &[]),
            ("dem", &["Ann Özdemir"]),
            ("zz", &[]),
        ] {
            assert_eq!(search(&app, text).await, wanted, "by {text}");
        }
    }

    /// After an update that makes anew what readers are found by, everybody is found as before it and after it.
    async fn who_was_folded_by_an_earlier_version_is_folded_anew(app: TestApp) {
        add(&app, "ann@example.org", "Ann Özdemir").await;
        add(&app, "bob@example.org", "Bob").await;
        // As version 1 wrote it.
        change(&app.site.db, "update subscriber set search = email || '
' || 'ann ozdemir' where name = 'Ann Özdemir'").await;
        assert_eq!(search(&app, "ozdemir").await, ["Ann Özdemir"]);
        assert_eq!(subscribers::fold_waiting(&app.site).await.expect("folded"), 1);
        assert_eq!(search(&app, "ozdemir").await, ["Ann Özdemir"]);
        let wanted = Wanted { order: Order::Name, ..Wanted::default() };
        assert_eq!(readers(&app, wanted).await, ["Ann Özdemir", "Bob"]);
        change(&app.site.db, "update subscriber set search = 'x' where name = 'Bob'").await;
        assert_eq!(subscribers::fold_waiting(&app.site).await.expect("folded"), 0, "once for each version");
    }

    /// Where a list has very many readers, pages say about how many, and a job counts them.
    async fn a_list_with_very_many_readers_is_not_counted_for_a_page(app: TestApp) {
        const MANY: &str = "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 5200)
            insert into subscriber (public_id, email, email_key, name, created_at)
            select 'many' || n, 'many' || n || '@example.net', 'many' || n || '@example.net', '', 1 from numbers";
        let list = app.list().await;
        add(&app, "ann@example.org", "Ann").await;
        assert_eq!(subscribers::on_lists(&app.site.db).await.expect("a read")[&list], HowMany::Are(1));
        change(&app.site.db, MANY).await;
        change(&app.site.db, "insert into subscription (subscriber_id, list_id, state, asked_at, confirmed_at)
            select r.id, l.id, 'confirmed', 1, 1 from subscriber r, list l where r.email_key like 'many%'").await;
        assert_eq!(subscribers::on_lists(&app.site.db).await.expect("a read")[&list], HowMany::MoreThan(5_000));
        subscribers::count_large(&app.site).await.expect("counted");
        let desk = app.desk().await;
        desk.open("/desk/lists").await.says("about 5,201 readers");
        // A topic that all of them chose, and most of them alone.
        change(&app.site.db, "insert into reader_topic (id, public_id, name, name_key, description, position, created_at) values (21, 't21', 'Housing', 'housing', '', 1, 7), (22, 't22', 'Rivers', 'rivers', '', 2, 7)").await;
        change(&app.site.db, "insert into subscription_topic (list_id, subscriber_id, topic_id) select list_id, subscriber_id, 21 from subscription").await;
        change(&app.site.db, "insert into subscription_topic (list_id, subscriber_id, topic_id) select list_id, subscriber_id, 22 from subscription order by subscriber_id limit 200").await;
        desk.open("/desk/topics/t21/retire").await.says("Chosen by more than 5,000 readers");
        desk.open("/desk/topics/t22/retire").await.says("Chosen by 200 readers");
        subscribers::count_large(&app.site).await.expect("counted");
        desk.open("/desk/topics/t21/retire").await.says("Chosen by about 5,201 readers").says("Nothing else was chosen by about 5,001 readers");
        desk.open("/desk/topics/t21/merge?into=t22").await.says("Housing was chosen by about 5,201 readers");
        let list_id = rows::<(String,)>(&app.site.db, "select public_id from list").await.remove(0).0;
        desk.open(&format!("/desk/lists/{list_id}/retire")).await.says("goes to about 5,201 readers");
        change(&app.site.db, "delete from subscriber where id in (select id from subscriber where email_key like 'many%' order by id limit 100)").await;
        subscribers::count_large(&app.site).await.expect("counted lately");
        assert_eq!(subscribers::on_lists(&app.site.db).await.expect("a read")[&list], HowMany::About(5_201));
        app.advance(std::time::Duration::from_secs(600));
        subscribers::count_large(&app.site).await.expect("counted");
        assert_eq!(subscribers::on_lists(&app.site.db).await.expect("a read")[&list], HowMany::About(5_101));
    }
}

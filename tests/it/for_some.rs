//! Blocks that are for some readers of an edition: who sees them, who never does, and what one looks at before it goes.

use std::time::Duration;

use broadside::{
    publishing::{self, Block, Content, Edition, Placed, Readers, Whom},
    sandbox::{Rule, Stage},
    segments::{self, Condition, SegmentTree},
    subscribers::DonorState,
};
use reqwest::StatusCode;

use crate::support::{TestApp, both_engines, database, mail::Mail};

const DAY: Duration = Duration::from_secs(86_400);
const APPEAL: &str = "Give monthly";

fn nth(n: usize) -> String {
    format!("reader{n}@example.org")
}

fn words(words: &str, whom: Whom) -> Placed {
    Placed { block: Block::Words(words.to_owned()), whom }
}

const fn giving(state: DonorState) -> Readers {
    Readers::Giving(state)
}

async fn draft(app: &TestApp, subject: &str, blocks: Vec<Placed>) -> Edition {
    let draft = app.draft(subject).await;
    save(app, &draft, blocks).await
}

async fn save(app: &TestApp, draft: &Edition, blocks: Vec<Placed>) -> Edition {
    let content = Content { blocks, ..draft.content.clone() };
    publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("saved");
    publishing::load(&app.site.db, draft.id).await.expect("the draft")
}

async fn seal(app: &TestApp, draft: &Edition) {
    let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
    pressed.await.expect("nothing is in the way");
    app.advance(publishing::UNDO + Duration::from_secs(1));
    assert_eq!(publishing::seal_due(&app.site, &app.templates).await.expect("sealing"), 1);
}

/// The mail of that subject to a reader.
fn mail_of(app: &TestApp, n: usize, subject: &str) -> Mail {
    let mut mails = app.mails(&nth(n));
    mails.retain(|mail| mail.subject == subject);
    assert_eq!(mails.len(), 1, "reader {n}");
    mails.remove(0)
}

/// Which of these words both parts of a mail hold; one part alone may hold none.
fn held<'a>(mail: &Mail, words: &[&'a str]) -> Vec<&'a str> {
    let holds = |word: &&&str| {
        let (text, html) = (mail.text.contains(**word), mail.html.contains(**word));
        assert_eq!(text, html, "“{word}” stands in one part alone");
        text
    };
    words.iter().filter(holds).copied().collect()
}

/// One who never gave, one who gave long ago, one who gives regularly, one who gave last week, and one in a segment who asked not to be
/// asked.
async fn five(app: &TestApp) -> i64 {
    app.import_readers(5).await;
    app.give(&nth(2), "10", "once").await;
    app.give(&nth(3), "10", "month").await;
    app.advance(40 * DAY);
    app.give(&nth(4), "10", "once").await;
    app.give(&nth(5), "10", "once").await;
    app.advance(3 * DAY);
    let fifth = app.reader_row(&nth(5)).await;
    database::change(
        &app.site.db,
        "update donor set never_ask_since = 1 where email_key = 'reader5@example.org'",
    )
    .await;
    let note = format!(
        "insert into reader_note (subscriber_id, text, at) values ({fifth}, 'A friend of the house', 0)"
    );
    database::change(&app.site.db, Box::leak(note.into_boxed_str())).await;
    let tree = SegmentTree::Is(Condition::Note { text: "friend of the house".to_owned() });
    let id = segments::create(&app.site, None, "Friends", tree).await.expect("made");
    segments::find(&app.site.db, &id).await.expect("a read").expect("it is there").id
}

both_engines! {
    /// TRUST T1, L9: each reader gets the blocks that are for them, in both parts, and no other; whoever just gave, or is not to be asked, is
    /// not asked; the page that is handed on shows what a stranger sees.
    async fn each_reader_gets_what_is_for_them(app: TestApp) {
        let friends = five(&app).await;
        let blocks = vec![
            words("For newcomers.", Whom::Only(giving(DonorState::Never))),
            words("For all.", Whom::Everybody),
            words("For those who keep us alive.", Whom::Only(giving(DonorState::Monthly))),
            Placed { block: Block::Line, whom: Whom::But(Readers::Segment(friends)) },
            words("Not for friends.", Whom::But(Readers::Segment(friends))),
            Block::Appeal.into(),
            Placed { block: Block::Button { label: "Thank you".to_owned(), url: "https://example.org/thanks".to_owned() }, whom: Whom::Only(Readers::JustGave) },
            words("For friends.", Whom::Only(Readers::Segment(friends))),
        ];
        let draft = draft(&app, "For some", blocks).await;
        seal(&app, &draft).await;
        app.drain().await;
        let all = ["For newcomers.", "For all.", "For those who keep us alive.", "Not for friends.", APPEAL, "Thank you", "For friends."];
        for (n, sees) in [
            (1, vec!["For newcomers.", "For all.", "Not for friends.", APPEAL]),
            (2, vec!["For all.", "Not for friends.", APPEAL]),
            (4, vec!["For all.", "Not for friends.", "Thank you"]),
            (5, vec!["For all.", "Thank you", "For friends."]),
        ] {
            assert_eq!(held(&mail_of(&app, n, "For some"), &all), sees, "reader {n}");
        }
        // A renewal is a gift as any other: forty-three days after the first one came eleven days ago.
        let third = mail_of(&app, 3, "For some");
        assert_eq!(held(&third, &all[..4]), ["For all.", "For those who keep us alive.", "Not for friends."]);
        // Handed on, it tells nobody what its reader gives.
        let fifth = app.reader_row(&nth(5)).await;
        let page = app.visitor().open(&app.links(draft.id, fifth).await.view).await;
        for (word, stands) in [("For newcomers.", true), ("For friends.", false), ("Thank you", false)] {
            assert_eq!(page.body.contains(word), stands, "{word}");
        }
        let archived = app.visitor().open(&format!("/archive/{}", draft.public_id)).await;
        assert!(archived.body.contains("For newcomers.") && !archived.body.contains("For friends."), "{}", archived.status);
    }

    /// TRUST F27: the rest of a stopped edition gets the other version with the blocks that are for each of them, whatever stood in their
    /// places before; and a copy that is tried again has its own.
    async fn a_correction_chooses_anew(app: TestApp) {
        five(&app).await;
        let draft = draft(&app, "Chosen", vec![
            words("Wrong for newcomers.", Whom::Only(giving(DonorState::Never))),
            words("Wrong for friends.", Whom::But(giving(DonorState::Never))),
        ])
        .await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to(&nth(2)).times(1).reply(554, "5.3.0 not now"));
        seal(&app, &draft).await;
        publishing::pause(&app.site, &draft.public_id, None).await.expect("it goes out");
        let corrected = vec![
            words("For who gives.", Whom::Only(giving(DonorState::Monthly))),
            words("For who does not.", Whom::But(giving(DonorState::Monthly))),
            words("For newcomers.", Whom::Only(giving(DonorState::Never))),
        ];
        let content = Content { blocks: corrected, ..draft.content.clone() };
        publishing::save_correction(&app.site, draft.id, draft.revision, content, None).await.expect("saved");
        app.resume(&draft.public_id).await;
        app.drain().await;
        let (revision, _) = publishing::current_revision(&app.site.db, draft.id).await.expect("a read");
        let class = publishing::retryable(&app.site, draft.id).await.expect("a read").classes.pop_first().expect("one failed");
        publishing::retry_failed(&app.site, &draft.public_id, (class.as_str(), revision), None).await.expect("back in line");
        app.drain().await;
        let all = ["Wrong", "For who gives.", "For who does not.", "For newcomers."];
        for (n, sees) in [(1, vec!["For who does not.", "For newcomers."]), (2, vec!["For who does not."]), (3, vec!["For who gives."]), (4, vec!["For who does not."])] {
            assert_eq!(held(&mail_of(&app, n, "Chosen"), &all), sees, "reader {n}");
        }
    }

    /// Who sees a block is chosen on its row, looked at beside the draft, and counted before Send; what no page offers is refused.
    async fn who_sees_a_block_is_chosen_and_counted(app: TestApp) {
        let friends = five(&app).await;
        let draft = app.draft("Looked at").await;
        let path = format!("/desk/editions/{}", draft.public_id);
        let desk = app.desk().await;
        let form = desk.open(&path).await.form(&path).and("act", "put:words");
        let page = desk.submit_and_follow(&form).await;
        // Three articles, the words, the appeal.
        let form = page.form(&path).with("words", "For friends.").without("whom");
        let whoms = ["", "but:never", "", &format!("only:segment:{friends}"), "only:once"];
        let form = whoms.iter().fold(form, |form, whom| form.and("whom", whom));
        let page = desk.submit_and_follow(&form.and("act", "save")).await;
        page.says("Ready to send");
        for says in ["only those who are in “Friends”", "all but those who never gave", "everybody"] {
            assert!(page.body.contains(&format!("data-seen-by>{says}<")), "{says}");
        }
        let saved = publishing::load(&app.site.db, draft.id).await.expect("the draft").content.blocks;
        let kept: Vec<Whom> = saved.iter().map(|placed| placed.whom).collect();
        let never = giving(DonorState::Never);
        assert_eq!(kept, [Whom::Everybody, Whom::But(never), Whom::Everybody, Whom::Only(Readers::Segment(friends)), Whom::Only(giving(DonorState::Once))]);
        for chosen in whoms {
            assert!(page.body.contains(&format!(r#"value="{chosen}" selected"#)), "{chosen}");
        }

        for (seen_as, stands) in [("", true), ("stranger", false), ("just-gave", false), (&format!("segment:{friends}"), true)] {
            let preview = desk.open(&format!("{path}/preview?as={seen_as}")).await;
            assert_eq!(preview.body.contains("For friends."), stands, "{seen_as}");
        }
        assert_eq!(desk.open(&format!("{path}/preview?as=nobody")).await.status, StatusCode::NOT_FOUND);
        let send = desk.open(&format!("{path}/send")).await;
        send.says("What is for only those who are in “Friends” is seen by 1 reader");
        send.says("What is for all but those who never gave is seen by 4 readers");
        // Reader 2 gave long ago; 4 just did, and 5 is not to be asked.
        send.says("The appeal, for only those who gave, and not regularly is seen by 1 reader");

        // A segment that a block goes by stays; and nobody is mailed by what is no choice.
        let segment = segments::all(&app.site.db).await.expect("segments").remove(0);
        let refused = segments::delete(&app.site, None, &segment).await;
        assert!(refused.is_err(), "{refused:?}");
        for none in ["only", "only:nobody", "but:segment:", "only:segment:x", "everybody:never"] {
            let form = desk.open(&path).await.form(&path).without("whom").and("whom", none).and("act", "save");
            assert_eq!(desk.submit(&form).await.status, StatusCode::BAD_REQUEST, "{none}");
        }
    }

    /// What cannot be told apart is in the way, and nothing is sent: a segment that is gone, and more kinds of readers than fit.
    async fn what_cannot_be_told_apart_is_in_the_way(app: TestApp) {
        let friends = five(&app).await;
        let draft = draft(&app, "Gone", vec![words("For friends.", Whom::Only(Readers::Segment(friends)))]).await;
        database::change(&app.site.db, "update segment set deleted_at = 1").await;
        let refused = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None).await;
        let Err(publishing::Error::NotReady(problems)) = refused else { panic!("{refused:?}") };
        assert!(problems.contains(&publishing::Problem::ReadersGone), "{problems:?}");
        let mut many = Vec::new();
        for n in 0..16 {
            let tree = SegmentTree::Is(Condition::Domain { domain: format!("{n}.example.org") });
            let id = segments::create(&app.site, None, &format!("Segment {n}"), tree).await.expect("made");
            let id = segments::find(&app.site.db, &id).await.expect("a read").expect("it is there").id;
            many.push(words(&format!("Number {n}."), Whom::Only(Readers::Segment(id))));
        }
        let fifteen = save(&app, &draft, many[..15].to_vec()).await;
        let sixteen = save(&app, &fifteen, many).await;
        let refused = publishing::press_send(&app.site, &app.templates, sixteen.id, sixteen.revision, None, None).await;
        let Err(publishing::Error::NotReady(problems)) = refused else { panic!("{refused:?}") };
        assert!(problems.contains(&publishing::Problem::TooManyChoices), "{problems:?}");
        let fifteen = save(&app, &sixteen, fifteen.content.blocks).await;
        publishing::press_send(&app.site, &app.templates, fifteen.id, fifteen.revision, None, None).await.expect("fifteen fit");
    }
}

//! What a digest is told, the same for everyone who gets this version of an edition.

use serde::{Deserialize, Serialize};

use super::{
    contexts::{EmailTemplate, Sender},
    fields::{self, GREETING, MailField, Place},
    letter::{LetterBlock, Run, letter},
    personal::Personal,
};

/// One version of an edition: everything but the personal fields, which [`super::Personal`] carries.
///
/// All text is plain text; its lines are not kept, but for those of the letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestContext {
    /// Who writes.
    pub sender: Sender,
    /// The language of the text, as a BCP 47 tag such as "en".
    pub language: String,
    /// The subject line.
    pub subject: String,
    /// The edition's title, shown under the magazine's name.
    pub title: String,
    /// The edition's date, as people read it.
    pub date: String,
    /// The line that mail programs show beside the subject; may be empty.
    pub preheader: String,
    /// How the reader is greeted over the letter. Left out where it is the usual way, so that what was approved before greetings
    /// could be chosen is known by what it was.
    #[serde(default = "usual", skip_serializing_if = "is_usual")]
    pub greeting: String,
    /// The editor's letter; without a word of it, the reader is not greeted.
    #[serde(default)]
    pub letter: Vec<LetterBlock>,
    /// What the button says by which a reader says that it may go on coming, in the editions that ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// What it is made of, in order, as [`laid_out`] lays it out.
    pub blocks: Vec<DigestBlock>,
    /// The request for a gift, in the versions that have one.
    pub appeal: Option<Appeal>,
    /// What stands below that.
    pub after: Vec<DigestBlock>,
    /// Why the reader gets this, such as "You get this because you joined The weekly."
    pub why: String,
    /// The fields that stand in greeting, letter and appeal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<MailField>,
}

fn usual() -> String {
    GREETING.to_owned()
}

fn is_usual(greeting: &str) -> bool {
    greeting == GREETING
}

impl DigestContext {
    /// Puts blocks into their places; the request for a gift, if there is one, into that of the block that is none. Without such a
    /// block nothing is asked for.
    pub fn lay_out(&mut self, mut blocks: Vec<Option<DigestBlock>>, appeal: Option<Appeal>) {
        let place = blocks.iter().position(Option::is_none).filter(|_| appeal.is_some());
        let after = place.map_or_else(Vec::new, |at| blocks.split_off(at));
        self.blocks = laid_out(blocks.into_iter().flatten().collect());
        self.after = laid_out(after.into_iter().flatten().collect());
        self.appeal = place.and(appeal);
        // The text part has a rule there.
        if let Some(first) = self.after.first_mut() {
            first.is_parted = false;
        }
    }

    /// The same as one reader gets it: with their own in the place of each field, and without what is for others.
    #[must_use]
    pub fn filled(&self, personal: &Personal<'_>) -> Self {
        let mut filled = self.with_places(&mut |place, out| out.push_str(&fields::value(place, personal)));
        let is_for_others = |part: Option<u8>| part.is_some_and(|part| !personal.parts.has(part));
        filled.appeal.take_if(|appeal| is_for_others(appeal.part));
        for block in filled.blocks.iter_mut().chain(&mut filled.after) {
            if is_for_others(block.part) {
                *block = DigestBlock::default();
            }
        }
        filled
    }

    /// The same with something `put` in the place of each field.
    pub(super) fn with_places(&self, put: &mut dyn FnMut(Place<'_>, &mut String)) -> Self {
        let mut filled = |text: &str| fields::filled(text, &self.fields, &mut *put);
        Self {
            greeting: filled(&self.greeting),
            letter: words(&self.letter, &mut filled),
            blocks: blocks(&self.blocks, &mut filled),
            after: blocks(&self.after, &mut filled),
            appeal: self
                .appeal
                .as_ref()
                .map(|appeal| Appeal::new(filled(&appeal.heading), filled(&appeal.text), appeal.part)),
            ..self.clone()
        }
    }
}

/// With each text filled.
fn blocks(blocks: &[DigestBlock], filled: &mut dyn FnMut(&str) -> String) -> Vec<DigestBlock> {
    let one = |block: &DigestBlock| DigestBlock { words: words(&block.words, filled), ..block.clone() };
    blocks.iter().map(one).collect()
}

fn words(letter: &[LetterBlock], filled: &mut dyn FnMut(&str) -> String) -> Vec<LetterBlock> {
    letter.iter().map(|block| LetterBlock { runs: runs(&block.runs, filled), ..block.clone() }).collect()
}

fn runs(runs: &[Run], filled: &mut dyn FnMut(&str) -> String) -> Vec<Run> {
    runs.iter().map(|run| Run { text: filled(&run.text), ..run.clone() }).collect()
}

/// One block of a digest: an article, some words, a button or a line across.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestBlock {
    pub article: Option<ArticleBlock>,
    pub words: Vec<LetterBlock>,
    pub button: Option<Button>,
    pub is_line: bool,
    /// A cell of text begins with it, and one ends: text that follows text stands in the same, for each costs its bytes.
    pub opens: bool,
    pub ends: bool,
    /// It keeps away from text above it.
    pub is_apart: bool,
    /// In plain text a rule stands above it.
    pub is_parted: bool,
    /// For whom it is, by the number of that part; none for everybody.
    #[serde(default)]
    pub part: Option<u8>,
    /// The compiler's marks around that part.
    #[serde(default)]
    pub(super) begins: String,
    #[serde(default)]
    pub(super) over: String,
}

impl DigestBlock {
    /// An article.
    #[must_use]
    pub fn article(article: ArticleBlock) -> Self {
        Self { article: Some(article), ..Self::default() }
    }

    /// Words of the team.
    #[must_use]
    pub fn words(words: Vec<LetterBlock>) -> Self {
        Self { words, ..Self::default() }
    }

    /// A button that leads to that address of the web.
    #[must_use]
    pub fn button(label: String, url: String) -> Self {
        Self { button: Some(Button { label, url }), ..Self::default() }
    }

    /// A line across.
    #[must_use]
    pub fn line() -> Self {
        Self { is_line: true, ..Self::default() }
    }

    /// The same, for whom that part is.
    #[must_use]
    pub fn in_part(self, part: Option<u8>) -> Self {
        Self { part, ..self }
    }

    fn is_text(&self) -> bool {
        self.button.is_none()
    }

    /// Its picture is as wide as the page, so it stands in no cell of text.
    fn begins_with_picture(&self) -> bool {
        self.article.as_ref().is_some_and(|article| article.image.is_some())
    }

    fn is_short(&self) -> bool {
        self.article.as_ref().is_some_and(|article| article.is_short)
    }
}

/// Blocks with what each has to know of its neighbours: where cells of text begin and end, and where a line stands above an article. What is
/// not for the same readers as its neighbour stands in a cell of its own, so that one can be left out and nothing else changes.
#[must_use]
pub fn laid_out(mut blocks: Vec<DigestBlock>) -> Vec<DigestBlock> {
    for at in 0..blocks.len() {
        let (before, rest) = blocks.split_at_mut(at);
        let Some((block, behind)) = rest.split_first_mut() else { break };
        let same = |other: &&DigestBlock| other.part == block.part;
        let (above, below) = (before.last().filter(same), behind.first().filter(same));
        block.opens =
            block.is_text() && (block.begins_with_picture() || !above.is_some_and(DigestBlock::is_text));
        block.ends =
            block.is_text() && !below.is_some_and(|below| below.is_text() && !below.begins_with_picture());
        let is_below_line = above.is_some_and(|above| above.is_line);
        let is_below_article = above.is_some_and(|above| above.article.is_some());
        // Short ones in a row are a list.
        let goes_on = block.is_short() && above.is_some_and(DigestBlock::is_short);
        let is_ruled = block.article.is_some() && is_below_article && !block.opens && !goes_on;
        block.is_apart = block.is_text() && !block.opens && !is_ruled && !is_below_line;
        block.is_parted = block.article.is_some() && !goes_on && !is_below_line;
        if let Some(article) = &mut block.article {
            article.is_ruled = is_ruled;
        }
    }
    blocks
}

/// A button of the team's, that leads somewhere on the web.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    pub label: String,
    pub url: String,
}

/// An article as a digest shows it; every link to it is its canonical address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleBlock {
    /// As loud as the page allows.
    pub is_lead: bool,
    /// A title and a line.
    pub is_short: bool,
    /// Under a line, which [`laid_out`] decides.
    pub is_ruled: bool,
    pub title: String,
    /// One or two sentences that make one want to read on; may be empty.
    pub standfirst: String,
    /// The author's name without "By"; may be empty.
    pub byline: String,
    /// The names of its topics.
    pub topics: Vec<String>,
    /// The canonical address on the magazine's site.
    pub url: String,
    /// Whole minutes it takes to read, if known.
    pub reading_minutes: Option<u32>,
    /// Its picture, shown above it.
    pub image: Option<Image>,
}

/// A picture on the magazine's site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Where it lies.
    pub url: String,
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// Its caption, and who made it; may be empty.
    #[serde(default)]
    pub below: String,
}

/// The request for a gift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    /// A few words.
    pub heading: String,
    /// One or two sentences.
    pub text: String,
    /// For whom it is, by the number of that part; none for everybody.
    #[serde(default)]
    pub part: Option<u8>,
    /// The compiler's marks around that part.
    #[serde(default)]
    pub(super) begins: String,
    #[serde(default)]
    pub(super) over: String,
}

impl Appeal {
    /// For everybody, or for whom that part is.
    #[must_use]
    pub const fn new(heading: String, text: String, part: Option<u8>) -> Self {
        Self { heading, text, part, begins: String::new(), over: String::new() }
    }
}

/// One copy of a digest as an automatic email, for a member of the team who wants to see it in a real mail program.
#[derive(Clone, Debug, Serialize)]
pub struct TestCopy<'a> {
    /// What everyone gets.
    #[serde(flatten)]
    pub digest: DigestContext,
    /// What stands in the place of a reader's own fields.
    pub personal: Personal<'a>,
}

impl EmailTemplate for TestCopy<'_> {
    const NAME: &'static str = DigestContext::NAME;

    fn sample() -> Self {
        let personal = Personal::sample();
        Self { digest: DigestContext::sample().filled(&personal), personal }
    }
}

impl EmailTemplate for DigestContext {
    const NAME: &'static str = "digest";

    fn sample() -> Self {
        let article =
            |title: &str, standfirst: &str, byline: &str, topic: &str, slug: &str, minutes| ArticleBlock {
                is_lead: false,
                is_short: false,
                is_ruled: false,
                title: title.into(),
                standfirst: standfirst.into(),
                byline: byline.into(),
                topics: vec![topic.into()],
                url: format!("https://tidewater.example.org/{slug}"),
                reading_minutes: Some(minutes),
                image: None,
            };
        let short = |article: ArticleBlock| ArticleBlock { is_short: true, ..article };
        let mut lead = article(
            "The last ferry to Skarholm",
            "For ninety years one boat tied an island to the world. This spring the council will decide whether anyone still needs it.",
            "Marta Lind",
            "Reportage",
            "last-ferry",
            18,
        );
        lead.is_lead = true;
        lead.topics.push("The Sea".into());
        lead.image = Some(Image {
            url: "https://tidewater.example.org/images/ferry.jpg".into(),
            alt: "A small white ferry leaving a stone quay in fog".into(),
            below: String::new(),
        });
        Self {
            sender: Sender::sample(),
            language: "en".into(),
            subject: "The last ferry to Skarholm, and three more".into(),
            title: "The weekly".into(),
            date: "3 March 2026".into(),
            preheader: "An island waits for a vote. Also: bread, borders and a very long winter.".into(),
            greeting: usual(),
            letter: letter(
                "It rained on the day we closed this edition, and most of it was written by people looking out of windows. I think it shows, in the best way.\n\n\
                 Marta spent *two weeks* on the Skarholm boat. **Start there**, and write to us at [our desk](mailto:hello@tidewater.example.org).",
            ),
            again: Some("Yes, keep sending it to me".into()),
            blocks: laid_out(vec![
                DigestBlock::article(lead),
                DigestBlock::button("Walk the ferry’s route".into(), "https://tidewater.example.org/route".into()),
                DigestBlock::article(article(
                    "What a loaf costs",
                    "We followed one bag of flour from the field to the counter and wrote down who was paid, and how much.",
                    "Tomás Byrne & Ines Vidal",
                    "Economy",
                    "what-a-loaf-costs",
                    9,
                )),
                DigestBlock::words(letter("From the archive, because so many of you asked:")),
                DigestBlock::article(article(
                    "A border drawn in pencil",
                    "Two villages, one well, and a map that nobody has dared to correct since 1923.",
                    "Yusuf Aydın",
                    "History",
                    "border-in-pencil",
                    12,
                )),
                DigestBlock::line(),
                DigestBlock::article(short(article(
                    "Notes from the long winter",
                    "Seven readers on the dark months: a soup, a choir, a broken boiler, and the day the light came back.",
                    "Our readers",
                    "Letters",
                    "long-winter",
                    6,
                ))),
            ]),
            appeal: Some(Appeal::new(
                "No owner, no advertisers. You.".into(),
                "Nine in ten of our readers pay nothing, and that is how it should stay. If you can, give a little so that the rest can go on reading.".into(),
                None,
            )),
            after: laid_out(vec![DigestBlock::words(letter("Until next week,  \n*the Tidewater desk*"))]),
            why: "You get this because you joined The weekly at tidewater.example.org.".into(),
            fields: Vec::new(),
        }
    }
}

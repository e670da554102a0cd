//! Where what a file names belongs: lists, topics and fields, those that are here and those that are made on the way.

use std::collections::{BTreeMap, HashMap};

use super::{plan::Plan, report::WasMade};
use crate::{
    answers::FieldKind,
    audit_log,
    db::{Result, Tx},
    moving_in::{Mapping, own_field},
    settings::Settings,
    site::Site,
    subscribers::{
        fields::{self, Field, StandsIn},
        lists::{self, List},
        store::{self, fields::Said, importing},
    },
    token,
};

/// A file that names more lists and topics is read otherwise than it was meant.
const MOST_MADE: usize = 200;

/// What is known of them so far, and what is to be made.
#[derive(Debug)]
pub(super) struct Places {
    pub list: i64,
    pub makes_lists: bool,
    pub is_own: bool,
    /// Whether consent is implied where the file does not say otherwise.
    pub is_implied: bool,
    pub settings: Settings,
    lists: Vec<List>,
    /// By their names in the file, in small letters.
    made_lists: HashMap<String, i64>,
    /// What those are called.
    called: HashMap<i64, String>,
    topics: HashMap<String, i64>,
    /// How many lists and topics were made.
    many: usize,
    /// Names of fields, the headings over them, and their kinds where they are not here yet.
    pub wanted_fields: Vec<(String, String, FieldKind)>,
    fields: Option<HashMap<String, Field>>,
}

/// What one step made, or found, and its commit makes last.
#[derive(Debug, Default)]
pub(super) struct Made {
    lists: HashMap<String, i64>,
    /// What those are called that were not there.
    called: HashMap<i64, String>,
    topics: HashMap<String, i64>,
    fields: Option<HashMap<String, Field>>,
    notes: Vec<String>,
    /// Those of them that were not there.
    pub new: WasMade,
    /// The fields among these, by their questions.
    pub new_fields: BTreeMap<String, FieldKind>,
}

impl Made {
    /// What was made, or would have been, in sentences.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.notes.iter().cloned()
    }
}

impl Places {
    /// Of a file, before anything is made.
    pub fn new(mapping: &Mapping, plan: &Plan<'_>, lists: Vec<List>, settings: Settings) -> Self {
        let wanted =
            mapping.fields().map(|(name, heading, kind)| (name.to_owned(), heading.to_owned(), kind));
        Self {
            list: plan.list,
            makes_lists: plan.makes_lists,
            is_own: mapping.is_own(),
            is_implied: plan.basis.is_implied(),
            settings,
            lists,
            made_lists: HashMap::new(),
            called: HashMap::new(),
            topics: HashMap::new(),
            many: 0,
            wanted_fields: wanted.collect(),
            fields: None,
        }
    }

    /// A step is committed: what it made is there. Nothing is, where nothing is written.
    pub fn are_made(&mut self, made: Option<Made>) {
        let Some(made) = made else { return };
        self.many += made.new.lists.len() + made.new.topics.len();
        self.made_lists.extend(made.lists);
        self.called.extend(made.called);
        self.topics.extend(made.topics);
        if made.fields.is_some() {
            self.fields = made.fields;
        }
    }

    /// The list of a name, as the file says it, if nothing has to be made for it.
    fn known(&self, name: &str) -> Option<&List> {
        let is_called = |text: &str| text.to_lowercase() == name.to_lowercase();
        let by_slug = self.lists.iter().find(|list| is_called(&list.slug));
        by_slug.or_else(|| self.lists.iter().find(|list| is_called(&list.name)))
    }

    /// The public id of a list that was there before.
    pub fn public_id_of(&self, list: i64) -> Option<&str> {
        self.lists.iter().find(|one| one.id == list).map(|one| one.public_id.as_str())
    }

    /// What a list is called.
    pub fn name_of(&self, list: i64, made: &Made) -> String {
        let known = self.lists.iter().find(|one| one.id == list).map(|one| &one.name);
        known
            .or_else(|| self.called.get(&list))
            .or_else(|| made.called.get(&list))
            .cloned()
            .unwrap_or_default()
    }

    /// The list that a row belongs to; why none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(
        &self,
        tx: &mut Tx,
        site: &Site,
        made: &mut Made,
        name: Option<&str>,
    ) -> Result<std::result::Result<i64, String>> {
        let Some(name) = name else { return Ok(Ok(self.list)) };
        if let Some(list) = self.known(name) {
            return Ok(match list.is_mailed() {
                true => Ok(list.id),
                false => Err(format!("nothing goes to the list {} any more", list.slug)),
            });
        }
        let key = name.to_lowercase();
        if let Some(id) = self.made_lists.get(&key).or_else(|| made.lists.get(&key)) {
            return Ok(Ok(*id));
        }
        if name.split([',', ';']).count() > 1
            && name.split([',', ';']).any(|one| self.known(one.trim()).is_some())
        {
            return Ok(Err(format!("“{name}” are several lists: give each of them a line of its own")));
        }
        if !self.makes_lists {
            return Ok(Err(format!(
                "there is no list “{name}” here: make it, or let the import make the lists that the file names"
            )));
        }
        if self.many + made.new.lists.len() >= MOST_MADE {
            return Ok(Err(format!(
                "the file names more than {MOST_MADE} lists and topics that are not here: look whether that column is the list"
            )));
        }
        let Some(id) = make_list(tx, site, name).await? else {
            return Ok(Err(format!("a list “{name}” cannot be made")));
        };
        made.lists.insert(key, id);
        made.called.insert(id, name.to_owned());
        made.new.lists.push(id);
        made.notes.push(format!("The list “{name}” is new, and private."));
        Ok(Ok(id))
    }

    /// The topics of these names. What is not there, and is not made, is told once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn topics(
        &self,
        tx: &mut Tx,
        site: &Site,
        made: &mut Made,
        (names, list): (&[String], i64),
    ) -> Result<Vec<i64>> {
        let mut found = Vec::new();
        for name in names {
            let key = name.to_lowercase();
            if let Some(id) = self.topics.get(&key).or_else(|| made.topics.get(&key)) {
                found.push(*id);
                continue;
            }
            let id = match importing::topic(tx, &key).await? {
                Some(id) => Some(id),
                None if self.makes_lists
                    && name.chars().count() <= 100
                    && self.many + made.new.topics.len() < MOST_MADE =>
                {
                    let added =
                        store::topics::add(tx, &token::public_id(), (name, &key, ""), site.now()).await?;
                    if let Some(id) = added {
                        importing::offer_too(tx, list, id).await?;
                        made.new.topics.push(id);
                        made.notes.push(format!("The topic “{name}” is new."));
                    }
                    added
                }
                None => None,
            };
            match id {
                Some(id) => {
                    made.topics.insert(key, id);
                    found.push(id);
                }
                None => made.notes.push(format!("There is no topic “{name}” here: it was left out.")),
            }
        }
        Ok(found)
    }

    /// The fields that the file has answers to, by the names that it was given for them; they are made where there are none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fields(&self, tx: &mut Tx, site: &Site, made: &mut Made) -> Result<HashMap<String, Field>> {
        if let Some(fields) = &self.fields {
            return Ok(fields.clone());
        }
        let mut found = HashMap::new();
        for (wanted, heading, _) in &self.wanted_fields {
            let known = store::fields::all_in(tx).await?;
            if let Some(field) = self.known_field(&known, &found, wanted) {
                found.insert(wanted.clone(), field.clone());
                continue;
            }
            let name = fields::name_of(wanted);
            if known.len() >= fields::MOST_FIELDS || fields::TAKEN.contains(&name.as_str()) {
                made.notes.push(format!("There is no room for a field “{wanted}”: its column was left out."));
                continue;
            }
            let is_free = |name: &String| known.iter().all(|field| field.name != *name);
            let numbered = (2..).map(|number| format!("{name}_{number}"));
            let Some(name) = std::iter::once(name.clone()).chain(numbered).find(is_free) else { continue };
            let question = if self.is_own { own_field(heading).1 } else { heading };
            let label: String = question.chars().take(fields::LONGEST_LABEL).collect();
            let kind = self.kind_of(wanted);
            let said = Said { label: &label, kind, choices: "", stands_in: StandsIn::Desk };
            if let Some(id) = store::fields::add(tx, &name, 0, said).await? {
                made.new.fields.push(id);
                audit_log::record(tx, site, None, "made a field", &name, &label).await?;
                made.notes.push(format!("The field “{label}” is new: {}.", told(kind)));
                made.new_fields.insert(label.clone(), kind);
            }
            if let Some(field) = store::fields::named(tx, &name).await? {
                found.insert(wanted.clone(), field);
            }
        }
        made.fields = Some(found.clone());
        Ok(found)
    }

    /// The field that is here already of those that `wanted` may mean: none that another column of the file has found. Our own export calls
    /// each by its short name.
    fn known_field<'a>(
        &self,
        known: &'a [Field],
        found: &HashMap<String, Field>,
        wanted: &str,
    ) -> Option<&'a Field> {
        if self.is_own {
            return known.iter().find(|field| field.name == wanted).or_else(|| fields::called(known, wanted));
        }
        let of_another = |field: &Field| {
            let is_it = |(by, one): (&String, &Field)| one.id == field.id && !is_same(by, wanted);
            found.iter().any(is_it)
        };
        fields::called(known, wanted).filter(|field| !of_another(field))
    }

    /// What a field is that has to be made: text, where several columns are answers to it and differ.
    fn kind_of(&self, wanted: &str) -> FieldKind {
        let mut kinds = self.wanted_fields.iter().filter(|(one, ..)| is_same(one, wanted));
        let first = kinds.next().map_or(FieldKind::Text, |(.., kind)| *kind);
        if kinds.all(|(.., kind)| *kind == first) { first } else { FieldKind::Text }
    }
}

/// Whether two headings are one: in capitals or small letters.
fn is_same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// What an answer to a field is, in a sentence.
const fn told(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "a line of text",
        FieldKind::Number => "a number",
        FieldKind::Date => "a day",
        FieldKind::YesNo => "yes or no",
        FieldKind::Choice => "one of several choices",
    }
}

/// A list that the file names, for the team alone until they say more of it.
async fn make_list(tx: &mut Tx, site: &Site, name: &str) -> Result<Option<i64>> {
    let short = fields::short_name(name, '-', "list");
    let short =
        if short.starts_with(|c: char| c.is_ascii_lowercase()) { short } else { format!("list-{short}") };
    let wanted = lists::slug(name).unwrap_or(short);
    let name: String = name.chars().take(100).collect();
    for number in 1..=50 {
        let slug = if number == 1 { wanted.clone() } else { format!("{wanted}-{number}") };
        if let Some(id) = importing::add_private(tx, &token::public_id(), &slug, &name, site.now()).await? {
            audit_log::record(tx, site, None, "made a list", &slug, &name).await?;
            return Ok(Some(id));
        }
    }
    Ok(None)
}

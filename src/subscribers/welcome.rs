//! The letter to whoever has just joined: in the words of the list's staff, once for each reader and list.
//!
//! It is enqueued in the transaction that makes the subscription hold. Whoever staff add or import gets none.

use super::{
    Result,
    lists::List,
    read::Subscriber,
    store::{
        self,
        joining::{self, Whose},
    },
};
use crate::{
    db::Tx,
    delivery::{self, Suppressions},
    links::{self, Choices, Name, Unsubscribe},
    mail::{EmailTemplate as _, Welcome, Welcomed},
    settings::Settings,
    site::Site,
};

/// Greets a reader on the lists that they joined in this transaction, if one of them has a letter of its own. One letter, which names
/// all that they joined by that press, to the address that they have in it; none to one that is not mailed. The caller holds the reader.
pub(super) async fn greet(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    reader: &Subscriber,
    joined: &[i64],
) -> Result<()> {
    let lists = joined_lists(tx, joined).await?;
    let Some(reader) = &store::by_id_in(tx, reader.id).await? else { return Ok(()) };
    if !lists.iter().any(|list| list.welcomes)
        || Suppressions::new(site).reason_in(tx, &reader.email).await?.is_some()
    {
        return Ok(());
    }
    write(tx, site, settings, (reader, &lists), false).await?;
    Ok(())
}

/// Tells somebody that the form alone put them on lists: the one mail that they get for it, with or without words of the lists'
/// own. It counts as a mail that asks to confirm does.
pub(super) async fn tell_joined(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    (reader, whose): (&Subscriber, &Whose),
    joined: &[i64],
) -> Result<()> {
    let lists = joined_lists(tx, joined).await?;
    if let Some(key) = write(tx, site, settings, (reader, &lists), true).await? {
        // What a stranger typed as a name is nobody's: they confirmed nothing.
        let letter = joining::Letter { subscriber: reader.id, whose, key: &key, waited: false };
        joining::add_letter(tx, letter, site.now()).await?;
    }
    Ok(())
}

async fn joined_lists(tx: &mut Tx, joined: &[i64]) -> Result<Vec<List>> {
    let all = store::lists_in(tx).await?;
    Ok(all.into_iter().filter(|list| joined.contains(&list.id) && list.is_mailed()).collect())
}

/// The letter's key; none if they were greeted on all of these before.
async fn write(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    (reader, lists): (&Subscriber, &[List]),
    by_form: bool,
) -> Result<Option<String>> {
    let mut new = Vec::new();
    for list in lists.iter().filter(|list| by_form || list.welcomes) {
        if store::welcome(tx, reader.id, list.id, site.now()).await? {
            new.push(list);
        }
    }
    let names: Vec<&str> = new.iter().map(|list| list.public_id.as_str()).collect();
    let key = format!("{}:{}:{}", Welcome::NAME, reader.public_id, names.join("."));
    if !new.is_empty() {
        new.extend(lists.iter().filter(|list| !by_form && !list.welcomes));
    }
    let preferences_url = site.url(&Choices(Name::id(&reader.public_id)).path(&site.keys));
    let (subject, leave_url) = match new.as_slice() {
        [] => return Ok(None),
        [only] => (only.welcome_subject.clone(), leave_url(site, reader, only)),
        _ => (String::new(), preferences_url.clone()),
    };
    let letterhead = settings.letterhead(site);
    let context = Welcome {
        sender: letterhead.sender.clone(),
        subject,
        lists: new.iter().map(|list| welcomed(list)).collect(),
        by_form,
        preferences_url,
        unsubscribe_url: leave_url,
    };
    delivery::tell(tx, site, &letterhead, ("", &reader.email), &key, &context).await?;
    Ok(Some(key))
}

fn leave_url(site: &Site, reader: &Subscriber, list: &List) -> String {
    let link = Unsubscribe {
        subscriber: Name::id(&reader.public_id),
        list: Name::id(&list.public_id),
        edition: Name::id(links::WELCOME),
    };
    site.url(&format!("/unsubscribe/{}", link.sign(&site.keys)))
}

fn welcomed(list: &List) -> Welcomed {
    let words = if list.welcomes { list.welcome_text.as_str() } else { "" };
    Welcomed { name: list.name.clone(), words: paragraphs(words) }
}

/// An empty line begins a paragraph; within one, lines run on.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        match paragraphs.last_mut().filter(|_| open) {
            Some(last) if !line.is_empty() => {
                last.push(' ');
                last.push_str(line);
            }
            _ if !line.is_empty() => paragraphs.push(line.to_owned()),
            _ => {}
        }
        open = !line.is_empty();
    }
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_begins_a_paragraph() {
        assert_eq!(paragraphs("\nDear *you*,\n read  on.\n\n \nBye.\n"), ["Dear *you*, read  on.", "Bye."]);
        assert!(paragraphs(" \n").is_empty());
    }
}

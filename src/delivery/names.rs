//! Which rows the names in links, return addresses and Message-IDs mean.

pub use super::copy_names::CopyId;
pub(crate) use super::store::suppressions::reader;
use super::{
    copy_names::CopyNames,
    store::names as store,
    suppression::Suppressions,
    variant::VariantHeaders,
    verp::{ToReader, Which},
};
use crate::{
    clock::Moment,
    db::{Db, Result},
    email_address::EmailAddress,
    links::Name,
    site::Site,
};

/// The copy that a return address or Message-ID speaks of; `None` once edition or reader are not known any more.
pub async fn copy(db: &Db, which: &Which) -> Result<Option<CopyId>> {
    let found = match which {
        Which::Named { subscriber, edition } => store::copy(db, edition, subscriber).await?,
        Which::Numbered { edition, subscriber } => store::numbered_copy(db, *edition, *subscriber).await?,
    };
    Ok(found.map(|(edition, subscriber)| CopyId { edition, subscriber }))
}

/// The same for the names of a link.
pub async fn linked_copy(db: &Db, edition: &Name<'_>, subscriber: &Name<'_>) -> Result<Option<CopyId>> {
    let found = match (edition, subscriber) {
        (Name::Id(edition), Name::Id(subscriber)) => store::copy(db, edition, subscriber).await?,
        (Name::Number(edition), Name::Number(subscriber)) => {
            store::numbered_copy(db, *edition, *subscriber).await?
        }
        _ => None,
    };
    Ok(found.map(|(edition, subscriber)| CopyId { edition, subscriber }))
}

/// The address of the reader that a return address or Message-ID speaks of, whatever became of the edition: a restored backup may not
/// know it.
pub async fn address_of(db: &Db, which: &Which) -> Result<Option<String>> {
    match which {
        Which::Named { subscriber, .. } => store::reader(db, subscriber).await,
        Which::Numbered { subscriber, .. } => store::numbered_reader(db, *subscriber).await,
    }
}

/// The address of the reader that a letter went to, while it is theirs that it was mailed to.
pub async fn address_of_letter(site: &Site, letter: &ToReader) -> Result<Option<EmailAddress>> {
    let address = store::reader(&site.db, &letter.subscriber).await?;
    let address = address.and_then(|address| EmailAddress::parse(&address).ok());
    Ok(address.filter(|address| letter.went_to(&Suppressions::new(site).hash(address))))
}

/// When a letter went to an address, by its Message-ID; none where it is not known any more.
pub async fn letter_sent(db: &Db, to: &EmailAddress, message_id: &str) -> Result<Option<Moment>> {
    store::letter_sent(db, &to.key(), message_id).await
}

/// The same for the name of a link.
pub async fn address_linked(db: &Db, subscriber: &Name<'_>) -> Result<Option<String>> {
    match subscriber {
        Name::Id(subscriber) => store::reader(db, subscriber).await,
        Name::Number(subscriber) => store::numbered_reader(db, *subscriber).await,
    }
}

/// The edition that a link names.
pub async fn edition(db: &Db, name: &Name<'_>) -> Result<Option<i64>> {
    store::edition(db, name).await
}

/// How the links, the return address and the Message-ID of a copy name it; `None` for one that cannot be.
///
/// # Errors
/// When the database fails, or its frozen headers cannot be read.
pub async fn of_copy(site: &Site, copy: CopyId) -> Result<Option<CopyNames<'static>>> {
    let Some(names) = store::names(&site.db, copy.edition, copy.subscriber).await? else { return Ok(None) };
    let headers: Option<VariantHeaders> = names
        .headers
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    if headers.is_some_and(|headers| headers.is_numbered()) {
        return Ok(Some(CopyNames::numbered(copy, names.list_id)));
    }
    Ok(Some(CopyNames {
        edition: Name::Id(names.edition.into()),
        subscriber: Name::Id(names.subscriber.into()),
        list: Name::Id(names.list.into()),
    }))
}

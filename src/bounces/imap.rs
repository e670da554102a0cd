//! A mailbox that bounces come to, read over IMAP (RFC 9051) with TLS.
//!
//! What is not marked as seen is taken in, and marked only after its report is committed: a crash in between reads it
//! again, which changes nothing. Nothing is deleted. Of each message only its beginning is asked for.

use std::{fmt, io, time::Duration};

use futures_util::TryStreamExt as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use url::Url;

use super::{leaving::Leave, maildir::Taken, mime, receive::receive_mail};
use crate::{
    authorities::{self, Trust},
    clock::Moment,
    heavy::Each,
    site::Site,
    smtp_url::percent_decode,
};

const PORT: u16 = 993;
/// One visit takes so long at most; the next goes on.
const LONGEST_VISIT: Duration = Duration::from_secs(300);
const MOST_AT_ONCE: usize = 2_000;

/// Where the mailbox is, and who may read it.
#[derive(Clone)]
pub struct ImapMailbox {
    host: String,
    port: u16,
    user: String,
    password: String,
    folder: String,
    trust: Trust,
}

/// Shows no password.
impl fmt::Debug for ImapMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({} at {}:{}, {})", self.user, self.host, self.port, self.folder)
    }
}

/// Why the mailbox was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    /// The server cannot be reached, or ended the conversation.
    #[error("the mailbox cannot be reached: {0}")]
    Io(#[from] io::Error),
    /// The server said no, or something that no RFC knows.
    #[error("the mailbox: {0}")]
    Protocol(#[from] async_imap::error::Error),
    /// It took more than five minutes.
    #[error("the mailbox took too long to answer")]
    TooSlow,
    /// The database failed; what was not taken in is still unseen.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl ImapMailbox {
    /// From `imaps://user:password@host/folder`; user, password and folder may be percent-encoded.
    #[must_use]
    pub fn from_url(url: &Url, trust: Trust) -> Option<Self> {
        let folder = percent_decode(url.path().trim_start_matches('/'))?;
        Some(Self {
            host: url.host_str().filter(|_| url.scheme() == "imaps")?.to_owned(),
            port: url.port().unwrap_or(PORT),
            user: percent_decode(url.username()).filter(|user| !user.is_empty())?,
            password: percent_decode(url.password()?)?,
            folder: if folder.is_empty() { "INBOX".to_owned() } else { folder },
            trust,
        })
    }

    /// Where it is, for people.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Signs in, looks whether the folder is there, and changes nothing. Returns until when the server's certificate is good.
    ///
    /// # Errors
    /// [`ImapError`].
    pub async fn look(&self) -> Result<Option<Moment>, ImapError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let stream = self.trust.agree(stream, &self.host).await?;
        let until = authorities::shown_until(&stream);
        let mut session = self.sign_in(stream).await?;
        session.examine(&self.folder).await?;
        session.logout().await?;
        Ok(until)
    }

    async fn sign_in<S>(&self, stream: S) -> Result<async_imap::Session<S>, ImapError>
    where
        S: AsyncRead + AsyncWrite + Unpin + fmt::Debug + Send,
    {
        let mut client = async_imap::Client::new(stream);
        client.read_response().await?.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        Ok(client.login(&self.user, &self.password).await.map_err(|(error, _)| error)?)
    }

    /// Takes in what is not seen yet.
    ///
    /// # Errors
    /// [`ImapError`].
    pub async fn receive(&self, site: &Site, leave: Leave) -> Result<Taken, ImapError> {
        let visit = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            let stream = self.trust.agree(stream, &self.host).await?;
            self.receive_over(site, stream, leave).await
        };
        timeout(LONGEST_VISIT, visit).await.map_err(|_| ImapError::TooSlow)?
    }

    async fn receive_over<S>(&self, site: &Site, stream: S, leave: Leave) -> Result<Taken, ImapError>
    where
        S: AsyncRead + AsyncWrite + Unpin + fmt::Debug + Send,
    {
        let mut session = self.sign_in(stream).await?;
        session.select(&self.folder).await?;
        let mut unseen: Vec<u32> = session.uid_search("UNSEEN").await?.into_iter().collect();
        unseen.sort_unstable();
        let (mut taken, mut each) = (Taken::default(), Each::default());
        for number in unseen.into_iter().take(MOST_AT_ONCE) {
            let number = number.to_string();
            let question = format!("BODY.PEEK[]<0.{}>", mime::READ);
            let found: Vec<_> = session.uid_fetch(&number, question).await?.try_collect().await?;
            // Somebody else may have deleted it meanwhile.
            let Some(body) = found.iter().find_map(|one| one.body()) else { continue };
            let Some(effect) = each.one(receive_mail(site, body, leave)).await else { continue };
            taken.count(effect?);
            let _: Vec<_> = session.uid_store(&number, "+FLAGS.SILENT (\\Seen)").await?.try_collect().await?;
        }
        session.logout().await?;
        each.end();
        Ok(taken)
    }
}

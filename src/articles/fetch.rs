//! Fetches feeds from addresses that people typed, without letting them reach our own network (TRUST A8).
//!
//! The rule: the check is made on the address that is connected to. A host name is resolved by `PublicOnly`, whose answers
//! are the ones the connection uses, so a name that changes its answer between check and use gains nothing; an address
//! written as a number is checked before each request, and every redirect is a request of its own.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use reqwest::{
    Client, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{
        ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
        LOCATION, RETRY_AFTER,
    },
    redirect,
};
use tokio::io::AsyncReadExt;
use tokio_rustls::rustls;
use url::{Host, Url};

use super::{cleaning::charset::ContentType, cleaning::guard::MOST_BYTES};
use crate::clock::Moment;

const MOST_REDIRECTS: usize = 3;
const MOST_TIME: Duration = Duration::from_secs(10);
const PORTS: [u16; 4] = [80, 443, 8080, 8443];

/// What a server said about its document, to ask it later whether that changed (RFC 9110 section 13.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    pub etag: Option<String>,
    /// Its Last-Modified, as written.
    pub last_modified: Option<String>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, for as long as it is read")]
pub enum Fetched {
    /// Nothing changed since the validators were given.
    NotModified {
        /// Where it is from now on, if it has moved for good (RFC 9110 section 15.4.2).
        moved: Option<Url>,
    },
    /// A document.
    Content {
        /// The document, unpacked, at most 10 MB.
        bytes: Vec<u8>,
        /// What the server says it is.
        content_type: Option<ContentType>,
        /// What to ask with next time.
        validators: Validators,
        /// Where it came from in the end, after redirects.
        address: Url,
        /// Where it is from now on, if it has moved for good.
        moved: Option<Url>,
    },
}

/// When a server says that it may be asked again (RFC 9110 section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So long from now.
    In(Duration),
    /// From that moment on.
    At(Moment),
}

/// Why a document could not be fetched. The words are for an editor.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address may not be asked.
    #[error("this address is not allowed: {0}")]
    NotAllowed(String),
    /// The server said no.
    #[error("{}", refusal(*.status))]
    Status {
        status: u16,
        /// When it wants to be asked again, if it says so.
        after: Option<RetryAfter>,
    },
    /// It is gone for good, as its server says (410).
    #[error("it is gone for good: the site says that there is no feed here any more (410)")]
    Gone,
    /// More than 10 MB.
    #[error("it is larger than 10 MB")]
    TooLarge,
    /// More than three redirects, or one that leads nowhere.
    #[error("the site sends us from one address to the next, and never to the feed")]
    Redirects,
    /// More than ten seconds in all.
    #[error("the site took longer than 10 seconds to answer")]
    TimedOut,
    /// No such host.
    #[error("there is no site of that name: is it spelt right?")]
    NoSuchSite,
    /// Nothing listens there.
    #[error("the site does not answer: it may be down just now")]
    Refused,
    /// Its certificate is not in order.
    #[error("the site cannot prove that it is itself (its certificate: {0})")]
    Certificate(String),
    /// No connection, or a broken answer.
    #[error("the site cannot be reached: {0}")]
    Unreachable(String),
    /// A local file that cannot be read.
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
}

/// What a server's refusal means for who wants to read.
fn refusal(status: u16) -> String {
    match status {
        401 | 403 => format!(
            "the site does not let us read it ({status}): some keep programs out, so ask whoever looks after it"
        ),
        404 => "there is nothing at that address (404): is it spelt right?".to_owned(),
        429 => "the site asks us to come less often (429)".to_owned(),
        500.. => format!("the site has trouble of its own ({status})"),
        _ => format!("the site answered in a way that we cannot use ({status})"),
    }
}

/// What is asked for, and how many redirects are followed.
const FOR_FEEDS: (&str, usize) = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.8",
    MOST_REDIRECTS,
);
/// As many as browsers follow, nearly.
const FOR_READERS: (&str, usize) = ("text/html,application/xhtml+xml,*/*;q=0.8", 10);

/// Fetches documents over http and https.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    allow_private: bool,
}

impl Fetcher {
    /// A fetcher that reaches public addresses alone; with `allow_private`, for the sandbox and tests, any address and port.
    ///
    /// # Errors
    /// When the system's TLS settings cannot be used.
    pub fn new(allow_private: bool) -> Result<Self, FetchError> {
        let client = Client::builder()
            .user_agent(concat!("Broadside/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(PublicOnly { allow_private })
            // A proxy would resolve names for us, unchecked.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()
            .map_err(unreachable)?;
        Ok(Self { client, allow_private })
    }

    /// Reads an address that a person typed, and checks whether it may be asked.
    ///
    /// # Errors
    /// [`FetchError::NotAllowed`].
    pub fn allowed(&self, address: &str) -> Result<Url, FetchError> {
        let address = Url::parse(address.trim())
            .map_err(|_| FetchError::NotAllowed("it must begin with http:// or https://".to_owned()))?;
        check(&address, self.allow_private)?;
        Ok(address)
    }

    /// Fetches `address`, unless it is as `known` says: at most 10 MB after unpacking, 3 redirects and 10 seconds in all.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, address: &Url, known: &Validators) -> Result<Fetched, FetchError> {
        let fetching = async {
            match self.follow(address.clone(), known, FOR_FEEDS).await? {
                (None, _, moved) => Ok(Fetched::NotModified { moved }),
                (Some(response), address, moved) => read(response, address, moved).await,
            }
        };
        tokio::time::timeout(MOST_TIME, fetching).await.unwrap_or(Err(FetchError::TimedOut))
    }

    /// Whether somebody who follows a link finds something there; nothing of it is read.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn leads(&self, address: &Url) -> Result<(), FetchError> {
        let nothing_known = Validators::default();
        let following = self.follow(address.clone(), &nothing_known, FOR_READERS);
        tokio::time::timeout(MOST_TIME, following).await.unwrap_or(Err(FetchError::TimedOut)).map(|_| ())
    }

    /// The answer at the end of redirects, none where nothing changed; where that is, and where it is for good.
    async fn follow(
        &self,
        mut address: Url,
        known: &Validators,
        (accept, most): (&str, usize),
    ) -> Result<(Option<Response>, Url, Option<Url>), FetchError> {
        // Where it is for good is the last address that only permanent redirects lead to.
        let (mut moved, mut for_good) = (None, true);
        for _ in 0..=most {
            check(&address, self.allow_private)?;
            let response = self.ask(&address, known, accept).await?;
            match response.status() {
                StatusCode::NOT_MODIFIED => return Ok((None, address, moved)),
                status if status.is_success() => return Ok((Some(response), address, moved)),
                status if status.is_redirection() => {
                    let location = header(response.headers(), &LOCATION).ok_or(FetchError::Redirects)?;
                    address = address.join(&location).map_err(|_| FetchError::Redirects)?;
                    for_good &=
                        matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
                    if for_good {
                        moved = Some(address.clone());
                    }
                }
                StatusCode::GONE => return Err(FetchError::Gone),
                status => {
                    let after = header(response.headers(), &RETRY_AFTER).and_then(|text| retry_after(&text));
                    return Err(FetchError::Status { status: status.as_u16(), after });
                }
            }
        }
        Err(FetchError::Redirects)
    }

    async fn ask(&self, address: &Url, known: &Validators, accept: &str) -> Result<Response, FetchError> {
        let mut request = self.client.get(address.clone()).header(ACCEPT, accept);
        if let Some(etag) = &known.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(last_modified) = &known.last_modified {
            request = request.header(IF_MODIFIED_SINCE, last_modified);
        }
        request.send().await.map_err(unreachable)
    }
}

/// Reads a feed from a file; for the command line alone, never for an address that came over the web.
///
/// # Errors
/// [`FetchError::File`] and [`FetchError::TooLarge`].
pub async fn read_file(path: &Path) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    tokio::fs::File::open(path).await?.take(most.saturating_add(1)).read_to_end(&mut bytes).await?;
    if bytes.len() > MOST_BYTES { Err(FetchError::TooLarge) } else { Ok(bytes) }
}

async fn read(mut response: Response, address: Url, moved: Option<Url>) -> Result<Fetched, FetchError> {
    let validators = Validators {
        etag: header(response.headers(), &ETAG),
        last_modified: header(response.headers(), &LAST_MODIFIED),
    };
    let content_type = header(response.headers(), &CONTENT_TYPE).map(|kind| ContentType::parse(&kind));
    let mut bytes = Vec::new();
    // Chunks come unpacked, so that a small answer that unpacks to a large one stops here too.
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Fetched::Content { bytes, content_type, validators, address, moved })
}

/// Seconds, or a date.
fn retry_after(text: &str) -> Option<RetryAfter> {
    match text.trim().parse() {
        Ok(seconds) => Some(RetryAfter::In(Duration::from_secs(seconds))),
        Err(_) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
            Some(RetryAfter::At(Moment::from_unix_seconds(date.as_second())))
        }
    }
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|value| value.len() <= 1024)
        .map(str::to_owned)
}

/// Whether an address that a person typed may be asked at all. A name passes here and is judged when it is resolved.
///
/// # Errors
/// [`FetchError::NotAllowed`].
pub fn check(address: &Url, allow_private: bool) -> Result<(), FetchError> {
    let refuse = |why: &str| Err(FetchError::NotAllowed(why.to_owned()));
    if !matches!(address.scheme(), "http" | "https") {
        return refuse("it must begin with http:// or https://");
    }
    if !address.username().is_empty() || address.password().is_some() {
        return refuse("it must not hold a user name or password");
    }
    if allow_private {
        return Ok(());
    }
    if !address.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
        return refuse("the port must be 80, 443, 8080 or 8443");
    }
    let number = match address.host() {
        Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
        Some(Host::Domain(_)) => None,
        None => return refuse("it has no host"),
    };
    if number.is_some_and(|ip| !is_public(ip)) { refuse("it is in a private network") } else { Ok(()) }
}

/// Resolves names to public addresses alone; a name with any private answer is refused as a whole.
#[derive(Clone, Copy, Debug)]
struct PublicOnly {
    allow_private: bool,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            // Nobody has such a name, whoever is asked (RFC 6761 section 6.4).
            if name.as_str().ends_with(".invalid") {
                return Err(NoSuchName.into());
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let answers: Vec<SocketAddr> = match found {
                Ok(answers) => answers.collect(),
                // Whoever looks names up for us is away; that says nothing of the name.
                Err(error) if error.to_string().contains("Temporary failure") => {
                    return Err(NobodyLooksNamesUp.into());
                }
                Err(_) => return Err(NoSuchName.into()),
            };
            if !allow_private && answers.iter().any(|answer| !is_public(answer.ip())) {
                return Err(PrivateAnswer.into());
            }
            let answers: Addrs = Box::new(answers.into_iter());
            Ok(answers)
        })
    }
}

/// A name leads into a private network.
#[derive(Debug)]
struct PrivateAnswer;

impl fmt::Display for PrivateAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its host is in a private network")
    }
}

impl Error for PrivateAnswer {}

/// A name that nobody has.
#[derive(Debug)]
struct NoSuchName;

impl fmt::Display for NoSuchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no such host")
    }
}

impl Error for NoSuchName {}

/// Names cannot be looked up.
#[derive(Debug)]
struct NobodyLooksNamesUp;

impl fmt::Display for NobodyLooksNamesUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("our own server cannot look up the names of sites just now")
    }
}

impl Error for NobodyLooksNamesUp {}

/// The innermost cause says most; the outer layers repeat the address.
fn unreachable(error: reqwest::Error) -> FetchError {
    let mut cause: &(dyn Error + 'static) = &error;
    loop {
        if cause.is::<PrivateAnswer>() {
            return FetchError::NotAllowed(cause.to_string());
        }
        if cause.is::<NoSuchName>() {
            return FetchError::NoSuchSite;
        }
        if let Some(rustls::Error::InvalidCertificate(why)) = cause.downcast_ref::<rustls::Error>() {
            return FetchError::Certificate(why.to_string());
        }
        let within = cause.downcast_ref::<io::Error>();
        if within.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return FetchError::Refused;
        }
        // What an I/O error wraps is not its source, but that one's source is.
        let wrapped = within.and_then(io::Error::get_ref).map(|inner| inner as &(dyn Error + 'static));
        match wrapped.or_else(|| cause.source()) {
            Some(deeper) => cause = deeper,
            None => return FetchError::Unreachable(cause.to_string()),
        }
    }
}

/// Whether an address belongs to the public internet (the special-purpose registries of RFC 6890 and its updates).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmarks = a == 198 && (18..20).contains(&b);
    let protocols = (a, b, c) == (192, 0, 0);
    let relay_6to4 = (a, b, c) == (192, 88, 99);
    !(ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_documentation()
        || a == 0
        || a >= 224
        || shared
        || benchmarks
        || protocols
        || relay_6to4)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, ..] = ip.segments();
    // An IPv4 address in the last 32 bits: mapped, compatible, and NAT64 (RFC 6052).
    if matches!((a, b, c, d, e, f), (0, 0, 0, 0, 0, 0 | 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0)) {
        let [.., high, low] = ip.segments();
        return is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    }
    // Global unicast is 2000::/3; of it, not Teredo and other protocols (2001::/23), documentation, nor 6to4.
    (a & 0xe000) == 0x2000
        && !(a == 0x2001 && b < 0x200)
        && !(a == 0x2001 && b == 0xdb8)
        && !(a == 0x3fff && b < 0x1000)
        && a != 0x2002
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::AsyncWriteExt,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    /// TRUST A8: no spelling of a private address, no other scheme, no service's port.
    #[test]
    fn addresses_of_our_own_network_are_refused_however_they_are_spelt() {
        for hostile in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://017700000001/",
            "http://0.0.0.0/",
            "http://10.0.0.8/",
            "http://172.16.0.1/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://[ff02::1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[::127.0.0.1]/",
            "http://[2001:db8::1]/",
            "http://example.org:25/",
            "http://example.org:6379/",
            "http://user@example.org/",
            "http://example.org@127.0.0.1/",
            "file:///etc/passwd",
            "gopher://example.org/",
            "ftp://example.org/",
            "data:text/plain,x",
        ] {
            assert!(matches!(check(&url(hostile), false), Err(FetchError::NotAllowed(_))), "{hostile}");
        }
        for fair in [
            "https://example.org/feed",
            "http://example.org:8080/",
            "https://93.184.216.34/",
            "https://[2606:4700::1111]/",
        ] {
            assert!(check(&url(fair), false).is_ok(), "{fair}");
        }
    }

    /// TRUST A8: a name is judged by what it resolves to, at the moment of connecting.
    #[tokio::test]
    async fn a_name_that_leads_home_is_refused_when_it_is_resolved() {
        let fetcher = Fetcher::new(false).expect("a client");
        let outcome = fetcher.fetch(&url("http://localhost/"), &Validators::default()).await;
        assert!(matches!(outcome, Err(FetchError::NotAllowed(_))), "{outcome:?}");
    }

    /// A server on loopback that gives each answer once, in turn, and tells what it was asked.
    async fn server(answers: Vec<Vec<u8>>) -> (Url, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = url(&format!("http://{}/feed", listener.local_addr().expect("an address")));
        let served = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut connection, _) = listener.accept().await.expect("a connection");
                asked.push(request(&mut connection).await);
                // The client may hang up on an answer that is too large.
                let _ = connection.write_all(&answer).await;
                let _ = connection.shutdown().await;
            }
            asked
        });
        (address, served)
    }

    async fn request(connection: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(connection.read_u8().await.expect("a request"));
        }
        String::from_utf8(bytes).expect("text").to_lowercase()
    }

    #[tokio::test]
    async fn a_second_fetch_asks_whether_anything_changed() {
        let (address, served) = server(vec![
            b"HTTP/1.1 200 OK\r\netag: \"v1\"\r\nlast-modified: Tue, 03 Mar 2026 14:05:05 GMT\r\ncontent-type: Text/XML; charset=\"koi8-r\"\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<rss/>".to_vec(),
            b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_vec(),
        ])
        .await;
        let fetcher = Fetcher::new(true).expect("a client");
        let first = fetcher.fetch(&address, &Validators::default()).await.expect("content");
        let Fetched::Content { bytes, content_type, validators, .. } = first else { panic!("{first:?}") };
        assert_eq!(content_type, Some(ContentType::parse("text/xml;charset=koi8-r")));
        assert_eq!((bytes.as_slice(), validators.etag.as_deref()), (b"<rss/>".as_slice(), Some("\"v1\"")));
        assert_eq!(
            fetcher.fetch(&address, &validators).await.expect("an answer"),
            Fetched::NotModified { moved: None }
        );
        let asked = served.await.expect("the server");
        assert!(!asked[0].contains("if-none-match"));
        assert!(
            asked[1].contains("if-none-match: \"v1\"")
                && asked[1].contains("if-modified-since: tue, 03 mar 2026")
        );
    }

    /// TRUST A8: a public page that redirects to a private one, and redirects without end.
    #[tokio::test]
    async fn redirects_are_checked_and_counted() {
        let to = |place: &str| {
            format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\nconnection: close\r\n\r\n").into_bytes()
        };
        let fetcher = Fetcher::new(true).expect("a client");
        let (address, served) = server(vec![to("file:///etc/passwd")]).await;
        let outcome = fetcher.fetch(&address, &Validators::default()).await;
        assert!(matches!(outcome, Err(FetchError::NotAllowed(_))), "{outcome:?}");
        served.await.expect("the server");
        let (address, served) = server(vec![to("/a"), to("/b"), to("/c"), to("/d")]).await;
        let outcome = fetcher.fetch(&address, &Validators::default()).await;
        assert!(matches!(outcome, Err(FetchError::Redirects)), "{outcome:?}");
        assert_eq!(served.await.expect("the server").len(), 4);
    }

    /// TRUST A8: what is small on the wire and large unpacked stops at 10 MB.
    #[tokio::test]
    async fn a_packed_bomb_is_capped_after_unpacking() {
        let bomb = include_bytes!("../../tests/it/fixtures/zeros-20-mib.gz");
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            bomb.len()
        );
        let (address, served) = server(vec![[head.as_bytes(), bomb].concat()]).await;
        let outcome = Fetcher::new(true).expect("a client").fetch(&address, &Validators::default()).await;
        assert!(matches!(outcome, Err(FetchError::TooLarge)), "{outcome:?}");
        served.await.expect("the server");
    }
}

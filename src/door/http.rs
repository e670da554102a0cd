//! HTTP/1.1 behind the door: hyper reads and writes, we look at the time.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header},
};
use hyper::{
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::TcpListener,
    sync::watch,
    time::{Sleep, sleep_until},
};

use super::{Guest, Headcount, Limits, accept, headcount::Want, progress::Progress};
use crate::network::Network;

/// In the extensions of each request: how long its answer may take, one way or another, once its body is here.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub Duration);

/// A body that did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body did not come in time")]
pub struct TooSlow;

/// Serves the router until `stop` is done: then requests that have begun are answered, and nobody else is. A request finds
/// where it came from as [`ConnectInfo`], and its [`Deadline`]. Connections of `trusted` proxies are not counted as a
/// network of their own; what they bring is, by whom it really comes from.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    headcount: Headcount,
    trusted: Arc<[IpAddr]>,
    stop: impl Future<Output = ()>,
) {
    let (tell, told) = watch::channel(false);
    let stop = async {
        stop.await;
        tell.send_replace(true);
    };
    let shared = Arc::new(Shared {
        router,
        trusted: trusted.clone(),
        requests: Requests::default(),
        full: Mutex::default(),
    });
    let network =
        |peer: SocketAddr| (!trusted.contains(&peer.ip().to_canonical())).then(|| Network::around(peer.ip()));
    let talk = |guest, peer| talk(shared.clone(), guest, peer, told.clone());
    accept(listener, limits, headcount, network, stop, talk).await;
}

/// What all connections share.
struct Shared {
    router: Router,
    trusted: Arc<[IpAddr]>,
    requests: Requests,
    /// One network behind a proxy has as many requests with us as it may have.
    full: Mutex<Want>,
}

impl Shared {
    fn says_that_it_is_full(&self, most: usize) {
        if self.full.lock().unwrap_or_else(PoisonError::into_inner).is_news() {
            tracing::warn!(
                most,
                "one network asks for as many pages at once as one may ask for: it is told to come again. The log of the proxy says who that is"
            );
        }
    }
}

async fn talk(shared: Arc<Shared>, guest: Guest, peer: SocketAddr, mut told: watch::Receiver<bool>) {
    let progress = guest.progress();
    let head_size = progress.limits().head_size;
    let service = service_fn(|request| answer(&shared, &progress, peer, request));
    let mut http = http1::Builder::new();
    // The door looks at the time itself: it knows an idle connection from half a head.
    http.header_read_timeout(None).max_buf_size(2 * head_size).max_header_size(head_size);
    let mut talk = pin!(http.serve_connection(TokioIo::new(guest), service));
    tokio::select! {
        biased;
        // An error is theirs: a hang-up, or a request that is none, which was answered so.
        _ = talk.as_mut() => return,
        // When nobody is left who could say so, it is time to stop, too.
        _ = told.wait_for(|told| *told) => {}
    }
    if progress.is_idle() {
        return;
    }
    talk.as_mut().graceful_shutdown();
    let _ = talk.await;
}

async fn answer(
    shared: &Shared,
    progress: &Arc<Progress>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Answer>, std::convert::Infallible> {
    progress.asked();
    let client = real_client(peer.ip().to_canonical(), request.headers(), &shared.trusted);
    let is_brought = shared.trusted.contains(&peer.ip().to_canonical()) && !shared.trusted.contains(&client);
    let mut at_once = None;
    if is_brought {
        at_once = shared.requests.begin(Network::around(client), progress.limits().per_network);
        if at_once.is_none() {
            shared.says_that_it_is_full(progress.limits().per_network);
            return Ok(Answer::new(too_many(), progress, None));
        }
    }
    let mut request = request.map(|body| Asked { body, progress: progress.clone(), timer: None });
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(Deadline(progress.limits().request));
    let response = TowerToHyperService::new(shared.router.clone()).call(request).await?;
    Ok(Answer::new(response, progress, at_once))
}

/// Who comes from there was named by a proxy, and not so that it could be read: all of them count as one network.
const UNREADABLE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Where a request really comes from: the other end of the connection, or what a trusted proxy there says. Each proxy appends
/// the address that it saw, so the last one that is not a proxy of ours is the client; what stands before it can be forged, and is not
/// looked at. Some write the port behind it.
#[must_use]
pub fn real_client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    if !trusted.contains(&peer) {
        return peer;
    }
    let lines: Vec<&[u8]> = headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes).collect();
    let said = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    let mut named = said.map(<[u8]>::trim_ascii).filter(|one| !one.is_empty()).map(address);
    named
        .find(|one| one.is_none_or(|ip| !trusted.contains(&ip)))
        .map_or(peer, |one| one.unwrap_or(UNREADABLE))
}

/// An address as proxies write it, perhaps with a port.
fn address(written: &[u8]) -> Option<IpAddr> {
    let written = str::from_utf8(written).ok()?;
    let bare = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(written);
    let with_port = |text: &str| text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(|| with_port(written)).map(|ip: IpAddr| ip.to_canonical())
}

fn too_many() -> Response<Body> {
    let mut response = Response::new(Body::from("Too many requests at once. Try again in a moment.\n"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// How many requests each network has with us at once.
#[derive(Clone, Debug, Default)]
struct Requests(Arc<Mutex<HashMap<Network, usize>>>);

impl Requests {
    fn begin(&self, network: Network, most: usize) -> Option<AtOnce> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(AtOnce { requests: self.clone(), network })
    }
}

/// One of them, until it is dropped.
#[derive(Debug)]
struct AtOnce {
    requests: Requests,
    network: Network,
}

impl Drop for AtOnce {
    fn drop(&mut self) {
        let mut counts = self.requests.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

/// The body of a request; it fails when it does not come in time.
struct Asked {
    body: Incoming,
    progress: Arc<Progress>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Asked {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            let size = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref().map(Bytes::len));
            this.progress.body_came(size.unwrap_or_default() as u64);
            if frame.is_none() || this.body.is_end_stream() {
                this.progress.body_ended();
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let due = this.progress.awaits_body().into();
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        ready!(timer.as_mut().poll(cx));
        this.progress.body_ended();
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.progress.body_ended();
    }
}

/// The body of a response; its end is seen.
struct Answer {
    body: Body,
    progress: Arc<Progress>,
    _at_once: Option<AtOnce>,
}

impl Answer {
    fn new(response: Response<Body>, progress: &Arc<Progress>, at_once: Option<AtOnce>) -> Response<Self> {
        progress.answers(response.body().size_hint().upper());
        response.map(|body| Self { body, progress: progress.clone(), _at_once: at_once })
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.progress.answered();
    }
}

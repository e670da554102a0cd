//! For whoever watches the program: `/health` and `/metrics`, on an address of their own that readers do not reach.
//!
//! The rule: nothing is done before somebody asks, nobody waits for a database that is away, and asking costs as much with a
//! hundred readers as with a million.

mod figures;
mod process;
mod sheet;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tokio::net::TcpListener;

use self::figures::{Asked, Figures};
use crate::{
    clock::{Clock, Moment},
    db::Engine,
    delivery::Vitals,
    door::{self, Headcount, Limits},
    meters::Meters,
    relays::RelayOptions,
    site::Site,
};

/// Watchers are few, and ask briefly.
pub const LIMITS: Limits =
    Limits { connections: 16, per_network: 16, request: Duration::from_secs(10), ..Limits::USUAL };

/// What there is to watch.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The instance.
    pub site: Site,
    /// What was counted.
    pub meters: Meters,
    /// The sending engine.
    pub vitals: Vitals,
    /// How long it may be silent.
    pub silence: Duration,
    /// Its mail services, with their limits.
    pub relays: Arc<[RelayOptions]>,
    /// The public site's connections; none come to a worker.
    pub headcount: Headcount,
    /// When the process began.
    pub began: Moment,
}

/// What answers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Monitor {
    watched: Arc<Watched>,
    figures: Asked<Option<Figures>>,
}

impl Monitor {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new(watched: Watched) -> Self {
        Self { watched: Arc::new(watched), figures: Asked::default() }
    }
}

/// Answers until `stop` is done.
pub async fn serve(listener: TcpListener, monitor: Monitor, stop: impl Future<Output = ()> + Send + 'static) {
    let router = Router::new().route("/health", get(health)).route("/metrics", get(metrics));
    let router = router.with_state(monitor);
    door::serve(listener, router, LIMITS, Headcount::default(), Arc::new([]), stop).await;
}

/// Answers while a process that starts waits for its database, until it `is_there`: `/health` says so, and there are no metrics yet.
pub async fn serve_while_waiting(
    listener: TcpListener,
    why: String,
    began: Moment,
    is_there: impl Future<Output = ()> + Send + 'static,
) {
    let router = Router::new().route("/health", get(waiting)).route("/metrics", get(waiting));
    let router = router.with_state((Arc::from(why), began));
    door::serve(listener, router, LIMITS, Headcount::default(), Arc::new([]), is_there).await;
}

async fn waiting(State((why, began)): State<(Arc<str>, Moment)>) -> Response {
    let health = Health {
        status: "waiting for the database",
        process: Process::since(began, Clock::System.now()),
        // A file is there or not: only a server is waited for.
        database: Database { engine: "postgresql", away: true, why: Some(why.to_string()) },
        engine: Sending {
            lives: 0,
            alive: false,
            last_sign_of_life_seconds: 0.0,
            messages_in_hand: 0,
            waits_for: "the database".to_owned(),
        },
    };
    health.answer()
}

#[derive(Serialize)]
struct Health {
    /// `ok`, or what is wrong.
    status: &'static str,
    process: Process,
    database: Database,
    engine: Sending,
}

#[derive(Serialize)]
struct Process {
    version: &'static str,
    started: String,
    up_for_seconds: u64,
}

#[derive(Serialize)]
struct Database {
    engine: &'static str,
    away: bool,
    why: Option<String>,
}

#[derive(Serialize)]
struct Sending {
    lives: u64,
    alive: bool,
    last_sign_of_life_seconds: f64,
    messages_in_hand: usize,
    waits_for: String,
}

/// `GET /health`: 200 while it serves, 503 while it does not. From memory alone: the engine looks at the database every second,
/// and everybody who meets one that is away says so.
async fn health(State(Monitor { watched, .. }): State<Monitor>) -> Response {
    let away = watched.site.db.away();
    let look = watched.vitals.look();
    let status = if away.is_some() {
        "the database is away"
    } else if !look.is_alive {
        "the sending engine begins anew"
    } else if look.silent_for > watched.silence {
        "the sending engine is silent"
    } else {
        "ok"
    };
    let waits_for = if away.is_some() { "the database".to_owned() } else { look.waits_for() };
    let health = Health {
        status,
        process: Process::since(watched.began, watched.site.now()),
        database: Database {
            engine: match watched.site.db.engine() {
                Engine::Sqlite => "sqlite",
                Engine::Postgres => "postgresql",
            },
            away: away.is_some(),
            why: away.map(|away| away.to_string()),
        },
        engine: Sending {
            lives: look.lives,
            alive: look.is_alive,
            last_sign_of_life_seconds: look.silent_for.as_secs_f64(),
            messages_in_hand: look.in_hand,
            waits_for,
        },
    };
    health.answer()
}

impl Health {
    fn answer(self) -> Response {
        let code = if self.status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (code, [(header::CACHE_CONTROL, "no-store")], Json(self)).into_response()
    }
}

impl Process {
    fn since(began: Moment, now: Moment) -> Self {
        let (version, started) = (env!("CARGO_PKG_VERSION"), began.to_string());
        Self { version, started, up_for_seconds: now.since(began).as_secs() }
    }
}

/// `GET /metrics`. Without the database there are the numbers of the process.
async fn metrics(State(monitor): State<Monitor>) -> Response {
    let watched = monitor.watched.clone();
    let figures = monitor.figures.ask(|| figures::read(watched)).await;
    match sheet::write(&monitor.watched, figures.as_ref()) {
        Ok(text) => {
            let headers = [
                (header::CONTENT_TYPE, crate::meters::Sheet::MEDIA_TYPE),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

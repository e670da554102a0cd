//! Workers inside the test process that can die: each has a runtime and database connections of its own, which vanish in the
//! middle of whatever they do.

use std::{path::PathBuf, time::Duration};

use broadside::{
    db::Engine as DbEngine,
    delivery::{
        engine::{Engine, EngineOptions},
        pace::PaceRules,
        relays::RelayOptions,
        smtp::Relay,
    },
    mail::Templates,
    site::Site,
};
use tokio::{runtime::Runtime, task::block_in_place};

use crate::support::{TestApp, database};

/// How workers work in the fault suite: retries and paces are quick, the rest is as it is.
pub fn options(app: &TestApp, relay: Relay, connections: usize) -> EngineOptions {
    EngineOptions {
        pace: PaceRules {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(40),
            free: Duration::from_millis(5),
            streak: 2,
        },
        lock: lock(app),
        ..EngineOptions::new(vec![RelayOptions::unlimited(relay, connections)])
    }
}

fn lock(app: &TestApp) -> Option<PathBuf> {
    (app.site.db.engine() == DbEngine::Sqlite)
        .then(|| PathBuf::from(format!("{}.lock", app.database_url.trim_start_matches("sqlite:"))))
}

/// A worker that sends until it is stopped, or dies.
pub struct Mortal {
    runtime: Runtime,
    engine: Engine,
}

impl Mortal {
    /// Starts it.
    pub fn start(app: &TestApp, options: EngineOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        let (site, templates, url) = (app.site.clone(), app.templates.clone(), app.database_url.clone());
        let engine = block_in_place(|| runtime.block_on(begin(site, templates, url, options)));
        Self { runtime, engine }
    }

    /// Ends it in good order.
    pub fn stop(self) {
        block_in_place(|| self.runtime.block_on(self.engine.stop()));
        block_in_place(|| drop(self.runtime));
    }

    /// It is gone from one step to the next, its connections with it.
    pub fn die(self) {
        // The engine would end in good order if it went first.
        block_in_place(|| drop(self.runtime));
    }
}

async fn begin(site: Site, templates: Templates, url: String, options: EngineOptions) -> Engine {
    let site = Site { db: database::open(&url).await, ..site };
    Engine::start(site, templates, options).await.expect("the engine starts")
}

//! Workers inside the test process that can die: each has a runtime and database connections of its own, which vanish in the
//! middle of whatever they do.

use std::time::Duration;

use broadside::{
    delivery::{Engine, EngineOptions, Lock, PaceRules},
    mail::Templates,
    relays::RelayOptions,
    site::Site,
    smtp::Relay,
};
use tokio::{runtime::Runtime, task::block_in_place};

use crate::support::{TestApp, database};

/// How workers work in the fault suite: retries and paces are quick, the rest is as it is.
pub fn options(relay: Relay, connections: usize) -> EngineOptions {
    EngineOptions {
        pace: PaceRules {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(40),
            free: Duration::from_millis(5),
        },
        ..EngineOptions::new(vec![RelayOptions::unlimited(relay, connections)])
    }
}

/// What a process of its own would hold.
fn lock(app: &TestApp) -> Option<Lock> {
    let file = app.database_url.strip_prefix("sqlite:")?;
    Some(Lock::take(format!("{file}.lock").as_ref()).expect("the one before is gone"))
}

/// A worker that sends until it is stopped, or dies.
pub struct Mortal {
    runtime: Runtime,
    engine: Engine,
}

impl Mortal {
    /// Starts it.
    pub fn start(app: &TestApp, options: EngineOptions) -> Self {
        let options = EngineOptions { lock: lock(app), ..options };
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

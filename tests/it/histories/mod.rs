//! Random histories of money (TRUST T4): whatever happens, in whatever order it is told, and wherever our work is broken off, our book
//! ends as the provider's, to the cent.
//!
//! A history is drawn from one seed. `life.rs` lets it happen: gifts once and regular, by card and by a debit that comes or does not;
//! what supporters change, rest and end here, and what is changed in the dashboard; cards that fail and recover; refunds, disputes,
//! warnings and reviews; payouts; what another program left; faults of the API. In between the provider's news come in another order,
//! twice, days late or never, our endpoint is switched off, our program is away, and in every second history our work is broken off
//! anywhere and begun anew. Then time goes on until nothing is left to do, and `judge.rs` holds our rows, book, receipts and letters
//! against the sandbox's own objects and book.
//!
//! The same few on each engine by default; as many as one likes, of a new seed, with a report at the end, by
//! `HISTORIES=500 cargo test --test it every_history -- --nocapture --test-threads=1`, which prints the seed of the first; the others
//! follow it by ones, as many at once as there are cores.
//! A history that failed is told again alone with `HISTORIES=1 HISTORIES_SEED=…`; `--nocapture` shows its steps.

mod judge;
mod life;

use std::{panic::AssertUnwindSafe, sync::Mutex};

use broadside::{
    clock::Stopwatch,
    db::Engine,
    donations::{self, DeskLetter},
    token,
};
use futures_util::FutureExt as _;
use tokio::runtime::Builder;

use self::{
    judge::{Finds, Marks, Theirs, charges, judge},
    life::Life,
};
use crate::support::{
    Fixture, Seed, TestApp, TestDb,
    app::BEGINNING,
    both_engines,
    database::{self, change},
    environment,
};

/// So many on each engine where nobody asks for more.
const USUAL: u64 = 8;
/// The seed of the first of them: what every run of the suite tells is the same.
const FIRST: u64 = 1;

/// An instance, and its database for whoever is broken off.
#[derive(Clone)]
struct Stage {
    app: TestApp,
    db: TestDb,
}

impl Fixture for Stage {
    async fn start(db: TestDb) -> Self {
        Self { app: TestApp::start(db.clone()).await, db }
    }

    async fn finish(self) {
        // The judge says what is left.
        self.app.leaves_work();
        self.app.finish().await;
    }
}

// TRUST T4, D1, D2, D3, D6, D7: some histories on each engine, or as many as are asked for.
#[test]
fn every_history_ends_in_the_providers_book_sqlite() {
    histories(Engine::Sqlite);
}

#[test]
fn every_history_ends_in_the_providers_book_postgres() {
    histories(Engine::Postgres);
}

fn number(name: &str) -> Option<u64> {
    environment::variable(name).map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// What was told so far, by all who tell.
#[derive(Default)]
struct Told {
    begun: u64,
    steps: usize,
    kills: usize,
    failed: Vec<u64>,
}

/// Tells the histories, as many at once as there are cores, and reports; fails in the end if one of them did.
fn histories(engine: Engine) {
    let asked = number("HISTORIES");
    let (runs, any) = (asked.unwrap_or(USUAL), asked.map(|_| u64::from_le_bytes(token::random())));
    let first = number("HISTORIES_SEED").or(any).unwrap_or(FIRST);
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    println!("histories on {engine:?}: HISTORIES={runs} HISTORIES_SEED={first}");
    let (watch, told) = (Stopwatch::start(), Mutex::new(Told::default()));
    let next = || {
        let mut told = told.lock().expect("nobody panics here");
        told.begun += 1;
        (told.begun <= runs).then(|| first.wrapping_add(told.begun - 1))
    };
    let tell = || {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        while let Some(seed) = next() {
            let (began, mut length) = (Stopwatch::start(), (0, 0));
            let run =
                database::run(engine, async |stage: Stage| length = history(stage, seed, runs == 1).await);
            let ended = runtime.block_on(AssertUnwindSafe(run).catch_unwind());
            let (steps, kills) = length;
            let seconds = began.elapsed().as_secs_f64();
            println!("history {seed}: {steps} steps, broken off {kills} times, {seconds:.0} s");
            let mut told = told.lock().expect("nobody panics here");
            told.steps += steps;
            told.kills += kills;
            told.failed.extend(ended.is_err().then_some(seed));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..cores.min(runs) {
            scope.spawn(tell);
        }
    });
    let Told { steps, kills, failed, .. } = told.into_inner().expect("nobody panics here");
    println!(
        "{engine:?}: {runs} histories from {first} on, {steps} steps, broken off {kills} times, {:.0} s; failed: {failed:?}",
        watch.elapsed().as_secs_f64()
    );
    assert!(failed.is_empty(), "tell one again with HISTORIES=1 and HISTORIES_SEED= one of {failed:?}");
}

/// One history; how many steps it had, and how often our work was broken off.
async fn history(stage: Stage, number: u64, is_alone: bool) -> (usize, usize) {
    let mut seed = Seed::new(number);
    let steps = 8 + seed.within(0..18);
    let mut life = Life::begin(stage.app, stage.db, seed).await;
    let told = AssertUnwindSafe(async {
        for _ in 0..steps {
            life.step().await;
        }
        life.calm().await;
        judge(&life.app, &life.marks).await
    })
    .catch_unwind()
    .await;
    let tell = |steps: &[String]| println!("history {number}:\n    {}", steps.join("\n    "));
    match told {
        Ok(found) if found.is_empty() => {
            if is_alone {
                tell(&life.steps);
            }
            (steps, life.kills)
        }
        Ok(found) => {
            tell(&life.steps);
            let found: Vec<String> = found.iter().map(|(finds, what)| format!("{finds:?}: {what}")).collect();
            panic!("history {number} does not end as it should:\n    {}", found.join("\n    "));
        }
        Err(broke) => {
            tell(&life.steps);
            std::panic::resume_unwind(broke)
        }
    }
}

/// A change behind everybody's back: what it is, how it is done and undone, and who finds it.
struct Bug {
    what: &'static str,
    done: &'static str,
    undone: &'static str,
    finds: &'static [Finds],
}

const BUGS: [Bug; 12] = [
    Bug {
        what: "a cent more was kept by the provider",
        done: "update ledger_entry set amount_minor = amount_minor + 1 where id = (select min(id) from ledger_entry where account = 'fees')",
        undone: "update ledger_entry set amount_minor = amount_minor - 1 where id = (select min(id) from ledger_entry where account = 'fees')",
        finds: &[Finds::Book, Finds::Audit],
    },
    Bug {
        what: "what was sent back stands in another account",
        done: "update ledger_entry set account = 'cash' where account = 'refunds'",
        undone: "update ledger_entry set account = 'refunds' where account = 'cash'",
        finds: &[Finds::Book],
    },
    Bug {
        what: "what was paid out stands in another account",
        done: "update ledger_entry set account = 'cash' where account = 'bank'",
        undone: "update ledger_entry set account = 'bank' where account = 'cash'",
        finds: &[Finds::Book],
    },
    Bug {
        what: "a gift is a cent larger",
        done: "update donation set amount_minor = amount_minor + 1 where id = (select min(id) from donation where state = 'paid')",
        undone: "update donation set amount_minor = amount_minor - 1 where id = (select min(id) from donation where state = 'paid')",
        finds: &[Finds::Gifts, Finds::Audit],
    },
    Bug {
        what: "a refund is said to have failed",
        done: "update refund set state = 'failed'",
        undone: "update refund set state = 'succeeded'",
        finds: &[Finds::Gifts, Finds::Comparison],
    },
    Bug {
        what: "a page that ran out is said to be open",
        done: "update donation set state = 'checkout_open' where state = 'expired'",
        undone: "update donation set state = 'expired' where state = 'checkout_open'",
        finds: &[Finds::Gifts],
    },
    Bug {
        what: "a regular gift brings more",
        done: "update recurring_donation set amount_minor = amount_minor + 1 where state = 'active'",
        undone: "update recurring_donation set amount_minor = amount_minor - 1 where state = 'active'",
        finds: &[Finds::Regular, Finds::Comparison],
    },
    Bug {
        what: "a regular gift is given less often",
        done: "update recurring_donation set every_unit = 'year' where state = 'active'",
        undone: "update recurring_donation set every_unit = 'month' where state = 'active'",
        finds: &[Finds::Regular],
    },
    Bug {
        what: "a regular gift is said to rest",
        done: "update recurring_donation set state = 'paused' where state = 'active'",
        undone: "update recurring_donation set state = 'active' where state = 'paused'",
        finds: &[Finds::Regular, Finds::Comparison],
    },
    Bug {
        what: "what another program took has a receipt, and a gift of ours has none",
        done: "update receipt set donation_id = (select min(id) from donation where adopted_at is not null) where id = (select min(id) from receipt)",
        undone: "update receipt set donation_id = (select min(id) from donation where adopted_at is null and state = 'paid' and id not in (select donation_id from receipt)) where id = (select min(id) from receipt)",
        finds: &[Finds::Receipts],
    },
    Bug {
        what: "news were given up",
        done: "update provider_event set state = 'dead' where event_id = (select min(event_id) from provider_event where state = 'done')",
        undone: "update provider_event set state = 'done' where state = 'dead'",
        finds: &[Finds::Work],
    },
    Bug {
        what: "a movement is not known",
        done: "update movement set provider_movement_id = 'txn_lost' where id = (select min(id) from movement)",
        undone: "",
        finds: &[Finds::Comparison],
    },
];

both_engines! {
    /// The judge can fail: for each thing that is judged one bug on demand, which it finds.
    async fn whatever_is_not_as_it_should_be_is_found(stage: Stage) {
        let mut life = Life::with_everything(stage.app, stage.db).await;
        let (app, marks) = (life.app.clone(), life.marks.clone());
        // Nothing was told, and nobody asked.
        assert_found(&judge(&app, &marks).await, &[Finds::Book, Finds::Gifts, Finds::Regular], "nothing was told");
        life.calm().await;
        let marks = life.marks.clone();
        assert_eq!(judge(&app, &marks).await, []);

        let mut found = Vec::new();
        charges(&Theirs::of(&app, &marks).with_one_twice(), &marks, &mut found);
        assert_found(&found, &[Finds::Charges], "somebody was charged twice");
        let before = BEGINNING.minus(std::time::Duration::from_secs(1));
        let ended = Theirs::of(&app, &marks).subscriptions().into_iter().map(|one| (one, before)).collect();
        let over = Marks { ended, ..marks.clone() };
        assert_found(&judge(&app, &over).await, &[Finds::Charges], "somebody was charged after the end");

        let open = match app.site.db.engine() {
            Engine::Sqlite => "drop trigger ledger_entry_stays",
            Engine::Postgres => "drop trigger ledger_entry_stays on ledger_entry",
        };
        change(&app.site.db, open).await;
        for bug in BUGS {
            assert!(change(&app.site.db, bug.done).await > 0, "{}", bug.what);
            assert_found(&judge(&app, &marks).await, bug.finds, bug.what);
            if bug.undone.is_empty() {
                continue;
            }
            change(&app.site.db, bug.undone).await;
        }
        let gifts = "select d.public_id from donation d join receipt r on r.donation_id = d.id";
        for (gift,) in database::rows::<(String,)>(&app.site.db, gifts).await {
            donations::write_from_desk(&app.site, 1, &gift, DeskLetter::Receipt).await.expect("a letter");
        }
        app.send().await;
        assert_found(&judge(&app, &marks).await, &[Finds::Letters], "a receipt came twice");
        app.sandbox.stripe().lose_movement();
        assert_found(&judge(&app, &marks).await, &[Finds::Book], "the provider's own book is another");
    }
}

fn assert_found(found: &[(Finds, String)], by: &[Finds], what: &str) {
    for finds in by {
        assert!(
            found.iter().any(|(who, _)| who == finds),
            "{what}, and {finds:?} does not find it: {found:?}"
        );
    }
}

//! What every test stands on: throwaway databases, and later a whole instance with verbs.

pub mod app;
pub mod browser;
pub mod database;
pub mod dns;
pub mod environment;
pub mod imports;
pub mod mail;
pub mod postfix;
pub mod postgres;
pub mod program;
pub mod provider;
pub mod proxy;
pub mod scratch;
pub mod seed;
pub mod tls;
pub mod trap;
pub mod verbs;
pub mod verify;
pub mod visitor;
pub mod wait;
pub mod wire;

pub use app::TestApp;
pub use browser::Browser;
pub use database::{Fixture, TestDb};
pub use program::Program;
pub use seed::Seed;

/// Writes a test for both engines: `async fn a_sentence(db: TestDb) { … }` becomes `a_sentence::sqlite` and
/// `a_sentence::postgres`. The parameter is anything that is a [`Fixture`].
macro_rules! both_engines {
    ($($(#[$doc:meta])* async fn $name:ident($param:ident: $fixture:ty) $body:block)*) => {
        $(
            $(#[$doc])*
            mod $name {
                use super::*;

                async fn behaviour($param: $fixture) $body

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    crate::support::database::run(broadside::db::Engine::Sqlite, behaviour).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    crate::support::database::run(broadside::db::Engine::Postgres, behaviour).await;
                }
            }
        )*
    };
}
pub(crate) use both_engines;

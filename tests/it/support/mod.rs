//! What every test stands on: throwaway databases, and later a whole instance with verbs.

pub mod app;
pub mod between;
pub mod browser;
pub mod database;
pub mod dns;
pub mod environment;
pub mod imports;
pub mod mail;
pub mod pages;
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
pub(crate) use database::both_engines;
pub use database::{Fixture, TestDb};
pub use program::Program;
pub use seed::Seed;

//! The behaviour suite: one test binary, one file a behaviour. Every test is a sentence and runs on SQLite always, on
//! PostgreSQL wherever its server programs are found.

mod support;

mod bouncing;
mod command_line;
mod composing;
mod desk;
mod donating;
mod door;
mod harness;
mod house_rules;
mod main_job;
mod migrations;
mod preferences;
mod reading;
mod statements;
mod subscribing;
mod unsubscribing;

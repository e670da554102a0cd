//! The behaviour suite: one test binary, one file a behaviour. Every test is a sentence and runs on SQLite always, on
//! PostgreSQL wherever its server programs are found.

mod support;

mod amounts;
mod approving;
mod asking;
mod blocking;
mod bouncing;
mod command_line;
mod composing;
mod deliverability;
mod desk;
mod donating;
mod door;
mod ending;
mod exactness;
mod faults;
mod forms;
mod harness;
mod hostile;
mod house_rules;
mod killing;
mod letters;
mod mail_standards;
mod main_job;
mod migrations;
mod money_dates;
mod moving;
mod naming;
mod no_doors;
mod one_time_links;
mod oracles;
mod paths;
mod pictures;
mod preferences;
mod races;
mod reading;
mod relaying;
mod restoring;
mod sharing;
mod signing;
mod smtp_sink;
mod statements;
mod subscribing;
mod unsubscribing;
mod watching;

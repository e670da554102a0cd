mod support;

mod bringing_in;
mod command_line;
mod house_rules;
mod importing;
mod importing_again;
mod migrations;
mod statements;

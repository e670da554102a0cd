//! `broadside team add`: invites somebody to the desk, for when nobody can sign in to do it there.

use std::process::ExitCode;

use anyhow::Context as _;

use super::instance;
use crate::{
    config::Config,
    email_address::EmailAddress,
    staff::{self, NewMember, Role},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add somebody to the team and print the link by which they choose a password.
    Add {
        /// Their email address.
        email: String,
        /// What the desk calls them.
        #[arg(long)]
        name: String,
        /// What they may do: owner, editor, sender, treasurer or viewer.
        #[arg(long, value_parser = role)]
        role: Role,
    },
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| format!("choose one of {}", Role::ALL.map(Role::as_str).join(", ")))
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Add { email, name, role } = command;
    let email = EmailAddress::parse(&email).with_context(|| format!("{email} is no email address"))?;
    let site = instance::open_site(config).await?;
    let invitation = staff::add_member(&site, None, NewMember { name: &name, email: &email, role }).await?;
    site.db.close().await;
    println!("{name} may join the team as {}, once, at", role.with_article());
    println!("{}", site.url(&invitation.path));
    if invitation.mailed {
        println!("The link also goes out to {email} by mail.");
    }
    Ok(ExitCode::SUCCESS)
}

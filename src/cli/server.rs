//! A server of PostgreSQL through its own programs.

use std::{
    io::{self, Read, Write},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use url::Url;

use super::sealing::{bring, keep};

/// A server of PostgreSQL, for its own programs: the password goes by the environment, which nobody else can look into.
pub(super) struct Server {
    url: String,
    password: Option<String>,
}

impl Server {
    pub(super) fn of(url: &str) -> anyhow::Result<Self> {
        let mut url = Url::parse(url).context("DATABASE_URL is no URL")?;
        let mut password = url.password().and_then(crate::smtp_url::percent_decode);
        if password.is_some() && url.set_password(None).is_err() {
            bail!("DATABASE_URL has a password where none can be");
        }
        let (of_the_password, others): (Vec<_>, Vec<_>) =
            url.query_pairs().into_owned().partition(|(name, _)| name == "password");
        password = password.or(of_the_password.into_iter().next().map(|(_, value)| value));
        // What only we know, PostgreSQL's programs refuse; and they read a + as a +.
        let others = others.into_iter().filter(|(name, _)| !name.starts_with("statement-cache"));
        let encode = |text: &str| {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
        };
        let others: Vec<String> =
            others.map(|(name, value)| format!("{}={}", encode(&name), encode(&value))).collect();
        url.set_query((!others.is_empty()).then(|| others.join("&")).as_deref());
        Ok(Self { url: url.into(), password })
    }

    /// Writes everything into a file that is there, and reads it once more to its end.
    pub(super) fn dump(&self, key: Option<&[u8]>, to: &Path) -> anyhow::Result<()> {
        let arguments = ["--format=custom", "--dbname", &self.url];
        self.run("pg_dump", &arguments, |_| Ok(()), |dump| keep(dump, key, to))?;
        let as_text = ["--file=/dev/null"];
        self.run("pg_restore", &as_text, |backup| bring(to, key, backup), |_| Ok(()))
            .context("what was written cannot be read again")
    }

    /// Fills an empty database from a plain dump, all or nothing.
    pub(super) fn fill(&self, dump: &Path) -> anyhow::Result<()> {
        let how = [
            "--exit-on-error",
            "--single-transaction",
            "--no-owner",
            "--no-privileges",
            "--dbname",
            &self.url,
        ];
        self.run("pg_restore", &how, |backup| bring(dump, None, backup), |_| Ok(()))
    }

    /// Runs one of PostgreSQL's programs to its end. All goes through us, so that it ends when we are killed.
    fn run(
        &self,
        program: &str,
        arguments: &[&str],
        feed: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send,
        take: impl FnOnce(&mut dyn Read) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
                "the program {program} is not here: install PostgreSQL's client programs of the server's version (on Debian: postgresql-client)"
            ),
            Err(error) => return Err(error).context(format!("{program} cannot be run")),
        };
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut input), Some(mut output), Some(mut errors)) = pipes else {
            bail!("{program} has no pipes")
        };
        let (fed, taken, said) = std::thread::scope(|scope| {
            let fed = scope.spawn(move || feed(&mut input));
            let said = scope.spawn(move || io::read_to_string(&mut errors).unwrap_or_default());
            let taken = take(&mut output).and_then(|()| io::copy(&mut output, &mut io::sink()));
            drop(output);
            (fed.join(), taken, said.join().unwrap_or_default())
        });
        let status = child.wait()?;
        // Its own words first: a pipe that broke is only what followed from them.
        ensure!(status.success() || said.trim().is_empty(), "{}", said.trim());
        taken?;
        ensure!(status.success(), "{program} ended with {status}");
        fed.map_err(|_| anyhow::anyhow!("{program} could not be fed"))??;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST A31: no password stands in a list of processes.
    #[test]
    fn the_programs_of_a_server_are_told_the_password_apart() {
        for (url, plain, password) in [
            (
                "postgres://ann:a%2Fb@h:5433/news?sslmode=require",
                "postgres://ann@h:5433/news?sslmode=require",
                Some("a/b"),
            ),
            ("postgres://ann@h/news?password=x&host=/run", "postgres://ann@h/news?host=%2Frun", Some("x")),
            (
                "postgres://ann@h/news?options=-c%20a%3Db&statement-cache-capacity=5",
                "postgres://ann@h/news?options=-c%20a%3Db",
                None,
            ),
            ("postgres:///news?host=/run&user=ann", "postgres:///news?host=%2Frun&user=ann", None),
        ] {
            let server = Server::of(url).expect("a URL");
            assert_eq!((server.url.as_str(), server.password.as_deref()), (plain, password));
        }
    }
}

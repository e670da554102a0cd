//! A Postfix of one test's own: its configuration, queue and mail in a folder that vanishes, on a port of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::{
    environment,
    scratch::{self, Guard},
};

const PROGRAM: &str = "/usr/sbin/postfix";

/// The running server.
#[derive(Debug)]
pub struct Postfix {
    /// Where it takes mail.
    pub address: SocketAddr,
    /// The maildir of `bounce@example.org`, tags and all.
    pub bounces: PathBuf,
    _guard: Guard,
}

impl Postfix {
    /// Takes mail for the `known` addresses of example.net and hands it to `next`, and what comes back for
    /// bounce@example.org lies in a maildir. None, with the reason on the screen, where it cannot run; a failure in CI.
    pub fn start(known: &[&str], next: SocketAddr) -> Option<Self> {
        let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let missing = match (Path::new(PROGRAM).exists(), root, user_id("postfix")) {
            (false, ..) => Some("the package postfix is not installed"),
            (_, false, _) => Some("Postfix starts as root alone"),
            (.., None) => Some("there is no user postfix"),
            _ => None,
        };
        if let Some(why) = missing {
            environment::skip("the test with Postfix", why);
            return None;
        }
        let folder = scratch::new_folder("postfix", None);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)).expect("our own folder");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a port is free")
            .port();
        configure(&folder, port, known, next);
        let script = "postfix -c \"$1/etc\" start >\"$1/log\" 2>&1 && echo ready || cat \"$1/log\"
            cat >/dev/null; postfix -c \"$1/etc\" stop; rm -rf \"$1\"";
        let mut guard = scratch::guard(script, &folder, &[], None);
        let mut said = String::new();
        BufReader::new(&mut guard.output).read_line(&mut said).expect("a pipe");
        assert_eq!(said.trim(), "ready", "Postfix does not start");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Some(Self { address, bounces: folder.join("mail/bounces"), _guard: guard })
    }

    /// How many messages lie in the maildir, not yet taken.
    pub fn new_bounces(&self) -> usize {
        fs::read_dir(self.bounces.join("new")).map_or(0, Iterator::count)
    }
}

fn user_id(name: &str) -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn configure(folder: &Path, port: u16, known: &[&str], next: SocketAddr) {
    let (uid, gid) = user_id("postfix").expect("looked up before");
    for name in ["etc", "queue", "data", "mail"] {
        fs::create_dir(folder.join(name)).expect("our own folder");
    }
    for name in ["data", "mail"] {
        std::os::unix::fs::chown(folder.join(name), Some(uid), Some(gid))
            .expect("root may give a folder away");
    }
    let known: Vec<String> = known.iter().map(|address| format!("{address}=known")).collect();
    let (known, root) = (known.join(", "), folder.display());
    let main = format!(
        "compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.com
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
relay_domains = example.net
relay_recipient_maps = inline:{{ {known} }}
transport_maps = inline:{{ {{ example.net = smtp:[{host}]:{next_port} }} }}
virtual_mailbox_domains = example.org
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = inline:{{ bounce@example.org=bounces/ }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
recipient_delimiter = +
smtp_tls_security_level = none
maillog_file = {root}/data/maillog
maillog_file_prefixes = {root}
",
        host = next.ip(),
        next_port = next.port(),
    );
    let master = format!(
        "127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"
    );
    fs::write(folder.join("etc/main.cf"), main).expect("our own folder");
    fs::write(folder.join("etc/master.cf"), master).expect("our own folder");
}

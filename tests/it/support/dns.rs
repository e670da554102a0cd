//! A DNS server of the test's own: what was put into it is all there is, and it can fall silent.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{net::UdpSocket, task::AbortHandle};

/// Names, kinds of record, and the records' bytes.
type Zone = BTreeMap<(String, u16), Vec<Vec<u8>>>;

const A: u16 = 1;
const PTR: u16 = 12;
const MX: u16 = 15;
const TXT: u16 = 16;

/// The server. It ends when it is dropped.
pub struct DnsServer {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: AbortHandle,
}

#[derive(Default)]
struct State {
    zone: Zone,
    fails: bool,
    asked: usize,
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DnsServer {
    /// A server that knows nothing yet.
    pub async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port is free");
        let address = socket.local_addr().expect("a bound port");
        let state = Arc::<Mutex<State>>::default();
        let known = state.clone();
        let task = tokio::spawn(async move {
            let mut query = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut query).await {
                let answer = {
                    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                    known.asked += 1;
                    answer(&query[..length], &known)
                };
                if let Some(answer) = answer {
                    // Whoever does not wait any more needs no answer.
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self { address, state, task: task.abort_handle() }
    }

    /// Adds a text, in strings of at most 255 bytes.
    pub fn txt(&self, name: &str, text: &str) -> &Self {
        let strings = text.as_bytes().chunks(255);
        self.add(name, TXT, strings.flat_map(|piece| [&[piece.len() as u8], piece].concat()).collect())
    }

    /// Adds an address.
    pub fn a(&self, name: &str, address: [u8; 4]) -> &Self {
        self.add(name, A, address.to_vec())
    }

    /// Adds a mail server.
    pub fn mx(&self, name: &str, preference: u16, host: &str) -> &Self {
        self.add(name, MX, [preference.to_be_bytes().to_vec(), labels(host)].concat())
    }

    /// Gives an address a name.
    pub fn ptr(&self, address: [u8; 4], name: &str) -> &Self {
        let [a, b, c, d] = address;
        self.add(&format!("{d}.{c}.{b}.{a}.in-addr.arpa"), PTR, labels(name))
    }

    /// How many questions came.
    pub fn asked(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).asked
    }

    /// Takes every record of a name away.
    pub fn remove(&self, name: &str) -> &Self {
        self.state().zone.retain(|(known, _), _| known != name);
        self
    }

    /// From now on every answer is that the server has failed; or not any more.
    pub fn fails(&self, fails: bool) {
        self.state().fails = fails;
    }

    /// The resolver that asks this server.
    pub fn resolver(&self) -> broadside::dns::Dns {
        broadside::dns::Dns::new(Some(self.address)).expect("a resolver")
    }

    fn add(&self, name: &str, kind: u16, data: Vec<u8>) -> &Self {
        self.state().zone.entry((name.to_owned(), kind)).or_default().push(data);
        self
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn labels(name: &str) -> Vec<u8> {
    let address: Result<IpAddr, _> = name.parse();
    assert!(address.is_err(), "{name} is an address, not a name");
    let mut bytes: Vec<u8> = name
        .split('.')
        .filter(|label| !label.is_empty())
        .flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat())
        .collect();
    bytes.push(0);
    bytes
}

/// RFC 1035 section 4: the question is given back, and the answers point to its name.
fn answer(query: &[u8], state: &State) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut name = Vec::new();
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        name.push(String::from_utf8_lossy(query.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
    let name = name.join(".");
    let kind = u16::from_be_bytes(query.get(at..at + 2)?.try_into().ok()?);
    let question = query.get(12..at + 4)?;
    let none = Vec::new();
    let found = state.zone.get(&(name.clone(), kind)).unwrap_or(&none);
    let exists = state.zone.keys().any(|(known, _)| *known == name || known.ends_with(&format!(".{name}")));
    let code: u8 = if state.fails {
        2
    } else if exists {
        0
    } else {
        3
    };
    let found = if state.fails { &none } else { found };
    let mut out = query.get(..2)?.to_vec();
    out.extend([0x85, 0x80 | code, 0, 1]);
    out.extend((found.len() as u16).to_be_bytes());
    out.extend([0; 4]);
    out.extend(question);
    for data in found {
        out.extend([0xc0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 60]);
        out.extend((data.len() as u16).to_be_bytes());
        out.extend(data);
    }
    Some(out)
}

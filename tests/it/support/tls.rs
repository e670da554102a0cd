//! Servers that speak TLS, with certificates that nobody believes unless told to.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use broadside::clock::Moment;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
    server::TlsStream,
};

use super::scratch;

/// A server's certificate, signed by itself.
#[derive(Clone)]
pub struct Certificate {
    /// The file to believe it by.
    pub pem: PathBuf,
    acceptor: TlsAcceptor,
}

impl Certificate {
    /// For a server of this name, or at this address.
    pub fn of(name: &str) -> Self {
        Self::made(name, |_| {})
    }

    /// The same, good until the end of the day before that moment's.
    pub fn until(name: &str, at: Moment) -> Self {
        let day = at.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
        let [month, day_of_month] = [day.month(), day.day()].map(|number| number.unsigned_abs());
        Self::made(name, |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(day.year().into(), month, day_of_month);
        })
    }

    fn made(name: &str, change: impl FnOnce(&mut rcgen::CertificateParams)) -> Self {
        let mut params = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
        change(&mut params);
        let signing_key = rcgen::KeyPair::generate().expect("a key");
        let cert = params.self_signed(&signing_key).expect("a certificate");
        let pem = scratch::folder().join("authority.pem");
        std::fs::write(&pem, cert.pem()).expect("a file");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider's versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("a key that fits");
        Self { pem, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    /// The server's side of agreeing.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }
}

/// When an SMTP server speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Implicit,
    StartTls,
}

/// A door before an SMTP server that lets nobody through without TLS. It closes when it is dropped.
pub struct Door {
    pub address: SocketAddr,
    task: AbortHandle,
}

impl Door {
    pub async fn open(manner: Manner, certificate: Certificate, inside: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let certificate = certificate.clone();
                // Whoever does not agree is gone; that is what the tests look for.
                tokio::spawn(async move {
                    let _ = show_in(stream, manner, &certificate, inside).await;
                });
            }
        });
        Self { address, task: task.abort_handle() }
    }

    /// Where a relay finds it.
    pub fn url(&self, manner: Manner) -> String {
        let scheme = if manner == Manner::Implicit { "smtps" } else { "smtp" };
        format!("{scheme}://{}", self.address)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn show_in(
    stream: TcpStream,
    manner: Manner,
    certificate: &Certificate,
    inside: SocketAddr,
) -> std::io::Result<()> {
    let mut inner = BufReader::new(TcpStream::connect(inside).await?);
    if manner == Manner::Implicit {
        let mut outer = certificate.accept(stream).await?;
        copy_bidirectional(&mut outer, &mut inner).await?;
        return Ok(());
    }
    let mut outer = BufReader::new(stream);
    let mut line = String::new();
    inner.read_line(&mut line).await?;
    outer.write_all(line.as_bytes()).await?;
    line.clear();
    outer.read_line(&mut line).await?;
    assert!(line.starts_with("EHLO"), "before STARTTLS only EHLO: {line:?}");
    outer.write_all(b"250-a door\r\n250 STARTTLS\r\n").await?;
    line.clear();
    outer.read_line(&mut line).await?;
    assert_eq!(line, "STARTTLS\r\n", "nothing is said in the clear");
    outer.write_all(b"220 go ahead\r\n").await?;
    let mut outer = certificate.accept(outer.into_inner()).await?;
    copy_bidirectional(&mut outer, &mut inner).await?;
    Ok(())
}

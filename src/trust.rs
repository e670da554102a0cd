//! Whom we believe when a server says over TLS who it is: mail services, and the mailbox that bounces come to.

use std::{fmt, io, path::Path, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        CertificateError, ClientConfig, Error, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

/// The authorities whose certificates are believed. It remembers what was agreed with each server, so that the next
/// conversation with it begins sooner. Cheap to clone.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

/// Shows nothing of what was agreed.
impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}

impl Trust {
    /// The authorities that browsers believe; servers' names are checked, and nothing older than TLS 1.2 is spoken.
    #[must_use]
    pub fn public() -> Self {
        Self::of(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// Beside them those of a file, for servers of one's own: one or several certificates in PEM.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn and_those_of(path: &Path) -> Result<Self, String> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let known = roots.len();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        if roots.len() == known {
            return Err("holds no certificate; it must be in PEM, between BEGIN and END lines".to_owned());
        }
        Ok(Self::of(roots))
    }

    fn of(roots: RootCertStore) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    /// Agrees on TLS with a server that must show a certificate for this host.
    ///
    /// # Errors
    /// The server is not believed, or the connection broke.
    pub async fn agree(&self, stream: TcpStream, host: &str) -> io::Result<TlsStream<TcpStream>> {
        // An IPv6 address stands in brackets in a URL.
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        TlsConnector::from(self.0.clone()).connect(name, stream).await.map_err(explained)
    }
}

/// The commonest failure, with what to do about it.
fn explained(error: io::Error) -> io::Error {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    if let Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) = cause {
        return io::Error::other(
            "nobody we know vouches for its certificate; if the server is yours, name the file with its authority in MAIL_CA_FILE",
        );
    }
    error
}

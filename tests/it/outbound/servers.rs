//! Small servers that stand between the exporter and the API, and take notes.

use std::sync::{Arc, Mutex};

use d360_exporter::install_crypto_provider;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::harness::Pair;

/// A server on a free port that notes the head of each first request.
#[derive(Debug, Clone)]
pub struct Noted {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Noted {
    /// The address, host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The heads so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    async fn listen() -> (TcpListener, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (listener, Self { address, heads: Arc::default() })
    }

    async fn note(&self, stream: &mut TcpStream) {
        let mut head = Vec::new();
        // Byte by byte: what follows belongs to the tunnel.
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        self.heads.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
    }

    /// Responses everything with the same text.
    pub async fn responding(response: String) -> Self {
        let (listener, noted) = Self::listen().await;
        let server = noted.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (server, response) = (server.clone(), response.clone());
                tokio::spawn(async move {
                    server.note(&mut stream).await;
                    let _ = stream.write_all(response.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        noted
    }

    /// A proxy that tunnels whatever it is asked for to one address.
    pub async fn tunnel(to: &str) -> Self {
        let (listener, noted) = Self::listen().await;
        let (server, to) = (noted.clone(), to.to_owned());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (server, to) = (server.clone(), to.clone());
                tokio::spawn(async move {
                    server.note(&mut stream).await;
                    let mut upstream = TcpStream::connect(to).await.unwrap();
                    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut upstream).await;
                });
            }
        });
        noted
    }
}

/// Puts TLS in front of a plain server, and returns the address.
pub async fn tls_in_front_of(plain: &str, pair: &Pair) -> String {
    install_crypto_provider();
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let plain = plain.to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, plain) = (acceptor.clone(), plain.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut upstream = TcpStream::connect(plain).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut upstream).await;
            });
        }
    });
    address
}

//! The transport that speaks HTTP, on `reqwest`.
//!
//! Three promises are kept here and nowhere else: the key goes to the
//! configured host only (redirects are not followed, and proxies see TLS), no
//! error text holds a URL, and no response takes more memory than the limit.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::body::{self, Body};
use super::roots;
use super::{ApiError, Reason, Request, Response, Transport};

/// What a connection to the API is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// The base URL with its path prefix, `https://hub.360dialog.io/api/v2`.
    pub base_url: Url,
    /// One request, from its start to the last byte of the response.
    pub timeout: Duration,
    /// Largest response after decompression, in bytes.
    pub max_response_size: usize,
}

/// A pool of connections to one API.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    settings: HttpSettings,
}

/// How the exporter names itself to the API.
pub const USER_AGENT: &str = concat!("d360_exporter/", env!("CARGO_PKG_VERSION"));

/// Header lines of a response that are read; proxies on the way add theirs.
const MAX_HEADERS: usize = 512;

/// Time to reach the API, within the time-out of the request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl HttpTransport {
    /// Prepares a pool; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// Fails if the TLS back end can't be set up, for lack of CA certificates
    /// for example.
    pub fn new(settings: HttpSettings) -> Result<Self, ApiError> {
        let mut client = reqwest::Client::builder();
        if settings.base_url.scheme() == "http" {
            // For loopback alone: through a proxy, the key would leave the machine in the clear.
            client = client.no_proxy();
        }
        if let Some(roots) = roots::of_the_system().map_err(|e| ApiError::new(Reason::Other, e))? {
            client = client.tls_certs_only(roots);
        }
        let client = client
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            // `Body` decompresses.
            .no_gzip()
            .http1_max_headers(MAX_HEADERS)
            .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout))
            .timeout(settings.timeout)
            .build()
            .map_err(|e| ApiError::new(Reason::Other, format!("cannot set up an HTTP client: {}", causes(e))))?;
        Ok(Self { client, settings })
    }

    fn url(&self, request: &Request) -> Result<Url, ApiError> {
        let mut url = self.settings.base_url.clone();
        url.path_segments_mut()
            .map_err(|()| ApiError::new(Reason::Other, "the base URL cannot hold a path"))?
            .pop_if_empty()
            .extend(&request.path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        Ok(url)
    }
}

impl Transport for HttpTransport {
    async fn send(&self, request: &Request, key: &SecretString) -> Result<Response, ApiError> {
        let mut header = HeaderValue::from_str(key.expose_secret()).map_err(|_| {
            ApiError::new(Reason::Other, "the API key holds characters that an HTTP header cannot carry")
        })?;
        header.set_sensitive(true);

        let url = self.url(request)?;
        let call = match &request.patch {
            Some(body) => self.client.patch(url).header(CONTENT_TYPE, "application/json").body(body.clone()),
            None => self.client.get(url),
        };
        let mut response = call
            .header("X-API-Key", header)
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, "gzip")
            .send()
            .await
            .map_err(transport_error)?;

        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let body = match read(&mut response, self.settings.max_response_size).await {
            Ok(body) => body,
            // What an error response says beside its status is for people; a 429
            // or a 401 has to be heeded without it.
            Err(_) if !response.status().is_success() => Bytes::new(),
            Err(failure) => return Err(failure),
        };
        Ok(Response { status, retry_after, body })
    }
}

/// Reads a body of at most `limit` bytes, compressed and not.
async fn read(response: &mut reqwest::Response, limit: usize) -> Result<Bytes, ApiError> {
    if response.content_length().is_some_and(|n| n > limit as u64) {
        return Err(body::too_large(limit));
    }
    let encoding = response.headers().get(CONTENT_ENCODING);
    let mut body = Body::new(encoding.map(HeaderValue::as_bytes), limit);
    while let Some(piece) = response.chunk().await.map_err(transport_error)? {
        body.push(&piece)?;
    }
    body.finish()
}

/// Names a transport failure without its URL, which may hold ids.
fn transport_error(error: reqwest::Error) -> ApiError {
    let (reason, what) = if error.is_timeout() {
        (Reason::Timeout, "no complete response within --api.timeout")
    } else if error.is_builder() {
        (Reason::Other, "the request could not be made")
    } else {
        (Reason::Connect, "the connection failed or broke")
    };
    ApiError::new(reason, format!("{what}: {}", causes(error)))
}

/// The chain of causes on one line, without URLs.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(c) = cause {
        text.push_str(": ");
        text.push_str(&c.to_string());
        cause = c.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner_api::Endpoint;

    #[test]
    fn path_segments_and_query_are_percent_encoded_below_the_prefix() {
        crate::install_crypto_provider();
        let transport = HttpTransport::new(HttpSettings {
            base_url: Url::parse("http://127.0.0.1:1/api/v2/").unwrap(),
            timeout: Duration::from_secs(1),
            max_response_size: 1,
        })
        .unwrap();
        let url = transport
            .url(&Request {
                endpoint: Endpoint::ClientChannels,
                path: ["partners", "a/b", "clients", "ü?", "channels"].map(str::to_owned).to_vec(),
                query: vec![("sort", "-created_at".to_owned()), ("filters", "{\"id\":\"x&y\"}".to_owned())],
                patch: None,
            })
            .unwrap();
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:1/api/v2/partners/a%2Fb/clients/%C3%BC%3F/channels?sort=-created_at&filters=%7B%22id%22%3A%22x%26y%22%7D"
        );
    }
}

//! A GET over plain HTTP: all that is asked of a service.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::problem::user;

/// So long a connection, and each piece of an answer, may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const MAX_BYTES: u64 = 16 << 20;

/// Where a service is, and what is shown at its door.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Server {
    /// As it was given, without a slash at the end.
    pub(super) url: String,
    host: String,
    port: u16,
    authority: String,
    prefix: String,
    token: Option<String>,
}

impl Server {
    pub(super) fn parse(url: &str, token: Option<String>) -> Result<Self> {
        if url.starts_with("https://") {
            return Err(user(format!(
                "--url is {url}, and only plain http is spoken here (from another machine go through a tunnel: ssh -L \
                 8000:127.0.0.1:8000 HOST)"
            )));
        }
        let bad = || {
            user(format!(
                "--url is `{}`, expected http://HOST:PORT",
                url.escape_default()
            ))
        };
        let is_plain =
            url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains(['?', '#', '@', '\\']);
        let rest = url
            .strip_prefix("http://")
            .filter(|_| is_plain)
            .ok_or_else(bad)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !authority.ends_with(']') => {
                (host, port.parse().map_err(|_| bad())?)
            }
            _ => (authority, 80),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(bad());
        }
        let path = path.trim_end_matches('/');
        let is_sendable =
            |token: &String| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !token.as_ref().is_none_or(is_sendable) {
            return Err(user(
                "--token holds spaces or nothing at all, expected what `willet token create` printed",
            ));
        }
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            host: host.to_owned(),
            port,
            authority: authority.to_owned(),
            prefix: if path.is_empty() {
                String::new()
            } else {
                format!("/{path}")
            },
            token,
        })
    }

    /// Asks for a path and reads what comes as JSON.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.exchange(path).with_context(|| {
            format!(
                "no service answers at {} (is `willet run` running? --url names another address)",
                self.url
            )
        })?;
        let (status, body) =
            split(&answer).ok_or_else(|| anyhow!("what answers at {} speaks no HTTP", self.url))?;
        if status == 200 {
            return serde_json::from_slice(body)
                .with_context(|| format!("the answer to {}{path} is not Willet's", self.url));
        }
        let detail = detail(body).unwrap_or_else(|| "no reason was given".to_owned());
        if matches!(status, 401 | 403) {
            return Err(user(format!(
                "{} lets nobody in like this: {detail} (--token TOKEN)",
                self.url
            )));
        }
        bail!("{}{path} answered {status}: {detail}", self.url)
    }

    /// Sends the request and reads up to the end of the connection: HTTP/1.0 knows nothing else.
    fn exchange(&self, path: &str) -> std::io::Result<Vec<u8>> {
        let mut stream = self.connect()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut request = format!(
            "GET {}{path} HTTP/1.0\r\nhost: {}\r\naccept: application/json\r\nuser-agent: willet-top\r\n",
            self.prefix, self.authority
        );
        if let Some(token) = &self.token {
            request.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(MAX_BYTES).read_to_end(&mut answer)?;
        Ok(answer)
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        let mut last = None;
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| std::io::Error::other("the name has no address")))
    }
}

/// Status and body of an answer.
fn split(answer: &[u8]) -> Option<(u16, &[u8])> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let status = head
        .strip_prefix("HTTP/")?
        .split(' ')
        .nth(1)?
        .parse()
        .ok()?;
    Some((status, answer.get(end + 4..)?))
}

/// What a problem says.
fn detail(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    serde_json::from_slice(body)
        .ok()
        .map(|problem: Problem| problem.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_and_what_is_none_is_refused() {
        let parsed = |url: &str| {
            let server = Server::parse(url, None).expect("an address");
            (server.host, server.port, server.prefix)
        };
        let expect = |host: &str, port, prefix: &str| (host.to_owned(), port, prefix.to_owned());
        assert_eq!(
            parsed("http://127.0.0.1:8000"),
            expect("127.0.0.1", 8000, "")
        );
        assert_eq!(
            parsed("http://127.0.0.1:8000/"),
            expect("127.0.0.1", 8000, "")
        );
        assert_eq!(parsed("http://[::1]:9000/"), expect("::1", 9000, ""));
        assert_eq!(parsed("http://[::1]"), expect("::1", 80, ""));
        assert_eq!(
            parsed("http://plant.example/willet/"),
            expect("plant.example", 80, "/willet")
        );
        for (url, words) in [
            ("https://plant.example", "only plain http"),
            ("127.0.0.1:8000", "expected http://HOST:PORT"),
            ("http://", "expected http://HOST:PORT"),
            ("http://:8000", "expected http://HOST:PORT"),
            ("http://host:99999", "expected http://HOST:PORT"),
            ("http://me@host", "expected http://HOST:PORT"),
            ("http://host/?a=b", "expected http://HOST:PORT"),
            ("http://host\r\nx: y", "expected http://HOST:PORT"),
        ] {
            let error = Server::parse(url, None).expect_err(url).to_string();
            assert!(error.contains(words), "{error}");
        }
        for token in ["", "a b", "a\r\nx: y"] {
            let error = Server::parse("http://host", Some(token.to_owned())).expect_err("refused");
            assert!(error.to_string().contains("willet token create"));
        }
    }

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        assert_eq!(
            split(b"HTTP/1.0 200 OK\r\na: b\r\n\r\n{}"),
            Some((200, &b"{}"[..]))
        );
        assert_eq!(split(b"SSH-2.0-OpenSSH_9.6\r\n"), None);
        assert_eq!(split(b""), None);
        assert_eq!(
            detail(br#"{"detail": "no token", "code": "x"}"#).as_deref(),
            Some("no token")
        );
        assert_eq!(detail(b"<html>"), None);
    }
}

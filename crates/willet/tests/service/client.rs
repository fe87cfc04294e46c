//! A running service and a client as plain as can be: it must be able to send what no sound client would.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::kills::eventually;
use crate::tool::command;

/// A service over a folder; killed when dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) port: u16,
    said: std::sync::Arc<std::sync::Mutex<String>>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts the status and gives the body.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        if self.body.is_empty() {
            return Value::Null;
        }
        self.json()
    }

    /// Asserts a problem of this status and code whose detail has these words.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str, words: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.head.contains("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert!(
            problem["request_id"]
                .as_str()
                .is_some_and(|id| !id.is_empty())
        );
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(words), "{detail:?}, expected {words:?}");
    }
}

impl Service {
    /// Starts it with its data in `folder`/data on a free port and waits until it is ready.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let service = Self::launch(folder, arguments);
        eventually(|| {
            service
                .try_get("/readyz")
                .is_some_and(|reply| reply.status == 200)
        });
        service
    }

    /// Starts it and waits until it says where it is.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test that listens while the process runs"
    )]
    pub(crate) fn launch(folder: &Path, arguments: &[&str]) -> Self {
        let mut all = vec!["run", "--port", "0", "--data-dir", "data"];
        all.extend_from_slice(arguments);
        // What these tests send is judged by what is easily foretold, where they do not choose.
        if !arguments.contains(&"--config") {
            let zscore = "streams:\n  - name: default\n    detector: {algorithm: zscore}\n";
            crate::tool::write(folder, "zscore.yaml", zscore);
            all.extend(["--config", "zscore.yaml"]);
        }
        let mut child = command(folder, &all)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stderr = child.stderr.take().expect("piped");
        let said = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let reader = std::sync::Arc::clone(&said);
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 12];
            while let Ok(read @ 1..) = stderr.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                reader.lock().expect("not poisoned").push_str(&text);
            }
        });
        let mut service = Self {
            child,
            port: 0,
            said,
        };
        let mut port = None;
        eventually(|| {
            let said = service.said();
            let at = said.split_once("the page is at http://");
            port = at.and_then(|(_, rest)| {
                let address = rest.split('/').next()?;
                address.rsplit_once(':')?.1.parse().ok()
            });
            port.is_some() || !service.is_running()
        });
        service.port = port.unwrap_or_else(|| panic!("it ended: {}", service.said()));
        service
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().expect("not poisoned").clone()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("asked").is_none()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ends");
    }

    /// SIGTERM; waits for the end and gives its code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let killed = std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status();
        assert!(killed.expect("kill runs").success());
        self.child.wait().expect("ends").code()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("set");
        stream
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }

    fn try_get(&self, path: &str) -> Option<Reply> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        exchange(stream, &request("GET", path, &[], b""))
    }

    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Reply {
        self.send(
            "POST",
            path,
            &[("content-type", "application/json")],
            body.as_bytes(),
        )
    }

    pub(crate) fn lines(&self, path: &str, body: &str) -> Reply {
        self.send(
            "POST",
            path,
            &[("content-type", "application/x-ndjson")],
            body.as_bytes(),
        )
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        exchange(self.connect(), &request(method, path, headers, body)).expect("an answer")
    }

    /// Sends bytes as they are and gives what comes back, up to the end of the connection.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Option<Reply> {
        exchange(self.connect(), bytes)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n");
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn exchange(mut stream: TcpStream, bytes: &[u8]) -> Option<Reply> {
    // An early refusal closes the connection while the body is still being sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some(Reply {
        status: head.split(' ').nth(1)?.parse().ok()?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

/// Lines of a steady series with a spike at each of `spikes`, a second apart.
pub(crate) fn series(source: &str, from: usize, to: usize, spikes: &[usize]) -> String {
    let line = |row: usize| {
        let value = if spikes.contains(&row) {
            90.0
        } else {
            20.0 + (row * 37 % 11) as f64 / 10.0
        };
        let (minute, second) = (row / 60, row % 60);
        let (hour, minute) = (minute / 60, minute % 60);
        let (day, hour) = (5 + hour / 24, hour % 24);
        format!(
            "{{\"source\":\"{source}\",\"timestamp\":\"2026-01-{day:02}T{hour:02}:{minute:02}:{second:02}Z\",\"values\":{{\"temperature\":{value},\"load\":{}}}}}\n",
            5.0 + (row * 17 % 7) as f64 / 10.0
        )
    };
    (from..to).map(line).collect()
}

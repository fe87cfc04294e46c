//! Against a real server on the loopback.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const NOW: i64 = 1_674_087_231_000_000;

/// What the server does with the next request.
enum Answer {
    /// Status line and headers, body.
    Say(&'static str, String),
    /// Takes it and never answers.
    Stall,
    /// Closes the connection.
    Close,
}

#[derive(Clone, Debug, Default)]
struct Request {
    head: String,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        let mut pairs = lines.filter_map(|line| line.split_once(": "));
        pairs
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

struct Server {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?key=secret", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        #[expect(clippy::disallowed_methods, reason = "a receiver ends with its test")]
        tokio::spawn(async move {
            let mut answers = VecDeque::from(answers);
            let mut stalled = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                seen.lock().unwrap().push(request);
                match answers.pop_front() {
                    Some(Answer::Say(status, body)) => {
                        let text = format!(
                            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                            body.len()
                        );
                        let _ = stream.write_all(text.as_bytes()).await;
                    }
                    Some(Answer::Stall) => stalled.push(stream),
                    Some(Answer::Close) | None => {}
                }
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let request = Request {
                head: head.to_owned(),
                body: body.to_owned(),
            };
            let len = request.header("content-length");
            let len: usize = len.map_or(0, |len| len.parse().unwrap());
            if request.body.len() >= len {
                return request;
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return Request::default(),
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}

fn config(url: &str) -> WebhookConfig {
    WebhookConfig {
        name: "pager".to_owned(),
        url: url.to_owned(),
        secret: Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
        timeout_seconds: 5.0,
        headers: BTreeMap::from([("Authorization".to_owned(), "Bearer abc".to_owned())]),
    }
}

fn sender() -> WebhookSender {
    // A second test of this process finds it installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    WebhookSender::new().unwrap()
}

async fn send(config: &WebhookConfig) -> Outcome {
    let webhook = Webhook::try_from(config).unwrap();
    sender().send(&webhook, "s~0~17.1", r#"{"a":1}"#, NOW).await
}

/// What a server that says this comes to.
async fn answered(status: &'static str, body: &str) -> Outcome {
    let server = Server::start(vec![Answer::Say(status, body.to_owned())]).await;
    send(&config(&server.url)).await
}

#[tokio::test]
async fn a_notification_is_posted_signed_and_the_same_on_every_attempt() {
    let ok = || Answer::Say("204 No Content", String::new());
    let server = Server::start(vec![ok(), ok()]).await;
    let config = config(&server.url);
    assert_eq!(send(&config).await, Outcome::Delivered);
    assert_eq!(send(&config).await, Outcome::Delivered);
    let requests = server.requests();
    let [first, second] = &requests[..] else {
        panic!("{requests:?}");
    };
    assert!(
        first.head.starts_with("POST /hook?key=secret HTTP/1.1"),
        "{first:?}"
    );
    assert_eq!(first.body, r#"{"a":1}"#);
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("authorization"), Some("Bearer abc"));
    assert_eq!(first.header("webhook-timestamp"), Some("1674087231"));
    let agent = first.header("user-agent").unwrap();
    assert!(agent.starts_with("willet/"), "{agent}");
    let id = first.header("webhook-id").unwrap();
    assert!(id.starts_with("msg_") && !id.contains('.'), "{id}");
    assert_eq!(second.header("webhook-id"), Some(id));

    // As a receiver checks it.
    let secret = base64::engine::general_purpose::STANDARD
        .decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .unwrap();
    let expected = sign(&secret, id, 1_674_087_231, &first.body);
    assert_eq!(first.header("webhook-signature"), Some(&*expected));
}

/// The example of the reference libraries of Standard Webhooks.
#[test]
fn the_signature_is_that_of_the_standard() {
    let secret = base64::engine::general_purpose::STANDARD
        .decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .unwrap();
    let signature = sign(
        &secret,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        r#"{"test": 2432232314}"#,
    );
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[tokio::test]
async fn answers_decide_what_comes_next() {
    assert_eq!(answered("200 OK", "thanks").await, Outcome::Delivered);
    for status in [
        "500 Internal Server Error",
        "503 Service Unavailable",
        "408 Request Timeout",
        "425 Too Early",
        "429 Too Many Requests",
    ] {
        let outcome = answered(status, "").await;
        assert!(
            matches!(outcome, Outcome::Retry { .. }),
            "{status}: {outcome:?}"
        );
    }
    for status in ["410 Gone", "404 Not Found", "401 Unauthorized", "301 Moved"] {
        let outcome = answered(status, "").await;
        assert!(
            matches!(outcome, Outcome::Refused { .. }),
            "{status}: {outcome:?}"
        );
    }
    assert_eq!(
        answered("503 Busy\r\nretry-after: 120", "come\nback  later").await,
        Outcome::Retry {
            after_seconds: Some(120),
            detail: "503 Service Unavailable: come back later".to_owned(),
        }
    );
    let date = "429 Slow\r\nretry-after: Thu, 19 Jan 2023 00:14:51 GMT";
    assert!(matches!(
        answered(date, "").await,
        Outcome::Retry {
            after_seconds: Some(60),
            ..
        }
    ));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(Vec::new()).await;
    let answer = "307 Temporary Redirect\r\nlocation: http://";
    let answer = format!("{answer}{}", elsewhere.url.trim_start_matches("http://"));
    let outcome = answered(answer.leak(), "").await;
    assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn no_more_of_an_answer_is_kept_than_a_receipt_shows() {
    let Outcome::Retry { detail, .. } = answered("500 No", &"words and ".repeat(100_000)).await
    else {
        panic!("delivered");
    };
    assert!(detail.len() < 300, "{}", detail.len());
}

#[tokio::test]
async fn one_that_does_not_answer_is_given_its_time_and_no_more() {
    let server = Server::start(vec![Answer::Stall, Answer::Close]).await;
    let mut config = config(&server.url);
    config.timeout_seconds = 0.1;
    assert_eq!(
        send(&config).await,
        Outcome::Retry {
            after_seconds: None,
            detail: "no answer within the time-out".to_owned(),
        }
    );
    config.timeout_seconds = 5.0;
    assert!(matches!(send(&config).await, Outcome::Retry { .. }));
}

#[tokio::test]
async fn one_that_is_not_there_may_come_back() {
    // Bound and let go: nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = send(&config(&format!("http://{address}/?key=secret"))).await;
    let Outcome::Retry { detail, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(detail.to_lowercase().contains("refused"), "{detail}");
    assert!(
        !detail.contains("secret"),
        "the address is not told: {detail}"
    );
}

#[test]
fn a_webhook_that_cannot_work_is_refused() {
    let check = |change: &dyn Fn(&mut WebhookConfig), expected: &str| {
        let mut config = config("https://example.com/hook");
        change(&mut config);
        let error = Webhook::try_from(&config).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    };
    assert!(Webhook::try_from(&config("https://example.com/hook")).is_ok());
    check(&|config| config.name = "a b".to_owned(), "name is `a b`");
    check(
        &|config| config.url = "example.com".to_owned(),
        "url is `example.com`",
    );
    check(
        &|config| config.url = "file:///etc/passwd".to_owned(),
        "https://",
    );
    check(&|config| config.timeout_seconds = 0.0, "0.1 to 60");
    check(&|config| config.timeout_seconds = f64::NAN, "0.1 to 60");
    check(
        &|config| config.secret = Some("hunter2".to_owned()),
        "at least 16 bytes",
    );
    check(
        &|config| config.secret = Some("whsec_hunter2".to_owned()),
        "24 to 64 bytes",
    );
    for header in ["Webhook-Id", "content-type", "sp ace"] {
        let change = |config: &mut WebhookConfig| {
            config.headers.insert(header.to_owned(), "x".to_owned());
        };
        check(&change, "a header that is not set by willet");
    }
    let change = |config: &mut WebhookConfig| {
        config
            .headers
            .insert("x".to_owned(), "hunter2\n".to_owned());
    };
    check(&change, "visible ASCII");
    let shown = format!("{:?}", config("https://example.com"));
    assert!(
        !shown.contains("whsec_") && !shown.contains("Bearer"),
        "{shown}"
    );
}

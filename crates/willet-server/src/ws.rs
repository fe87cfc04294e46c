//! The live socket: a thin translator between topics and a client. It keeps only places, no messages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use willet_engine::topic;
use willet_node::service::{Interest, Topic, Topics};
use willet_proto::{Ask, Code, Position, Say};

use crate::app::App;
use crate::auth::TOKEN_PROTOCOL;
use crate::problem::{Answer, Fault};
use crate::rest::params::{Params, words};

/// The name of this protocol, for clients that name one.
const PROTOCOL: &str = "willet.v1";
/// Messages read from a topic at once: between two reads other topics get their turn.
const AT_ONCE: usize = 64;
/// Largest message of a client.
const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// A client that takes nothing for so long is gone.
const SEND_PATIENCE: Duration = Duration::from_secs(30);
/// How often a silent client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// What everybody hears who names no topic.
const USUAL: [Topic; 4] = [
    Topic::Anomalies,
    Topic::Alerts,
    Topic::Statistics,
    Topic::Drift,
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SocketQuery {
    topics: Option<String>,
    source: Option<String>,
    resume: Option<String>,
}

pub(crate) async fn open(
    State(app): State<App>,
    Params(query): Params<SocketQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Answer<Response> {
    let upgrade = upgrade.map_err(|rejection| {
        Fault::new(
            Code::BadRequest,
            format!("this path is a WebSocket: {}", rejection.body_text()),
        )
    })?;
    if !app.options().sockets {
        return Err(Fault::new(
            Code::NotFound,
            "live sockets are off (dashboard.websocket_enabled, dashboard.real_time_updates)",
        ));
    }
    let topics = Arc::clone(app.service()?.topics());
    let names: Vec<&str> = words(query.topics.as_deref()).collect();
    let mut places = Places::new(&topics, &names, query.source).map_err(bad_query)?;
    let lost = places
        .resume(&topics, query.resume.as_deref())
        .map_err(bad_query)?;
    // A token in the sub-protocol is not repeated; the protocol's own name is, if it was named.
    let names_protocol = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|names| names.contains(PROTOCOL) || names.contains(TOKEN_PROTOCOL));
    let upgrade = small_buffers(upgrade);
    let upgrade = if names_protocol {
        upgrade.protocols([PROTOCOL])
    } else {
        upgrade
    };
    Ok(upgrade.on_upgrade(move |socket| async move {
        app.numbers().sockets.fetch_add(1, Relaxed);
        serve(&app, &topics, socket, places, lost).await;
        app.numbers().sockets.fetch_sub(1, Relaxed);
    }))
}

fn bad_query(detail: String) -> Fault {
    Fault::new(Code::BadRequest, detail)
}

/// The one place where a socket gets its buffers: the usual ones are 128 KiB for a client that says nothing.
fn small_buffers(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(1_024)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_MESSAGE_BYTES)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
}

/// Where a client stands in each of its topics.
#[derive(Debug)]
struct Places {
    next: BTreeMap<Topic, u64>,
    source: Option<String>,
    _interest: Option<Interest>,
}

/// Messages that a client will not get, and why.
type Lost = Vec<(Topic, Option<u64>, &'static str)>;

impl Places {
    fn new(topics: &Arc<Topics>, names: &[&str], source: Option<String>) -> Result<Self, String> {
        let find = |name: &&str| {
            Topic::find(name).ok_or_else(|| {
                let known: Vec<&str> = Topic::ALL.into_iter().map(Topic::name).collect();
                format!("there is no topic `{name}`, expected {}", known.join(", "))
            })
        };
        let asked: Vec<Topic> = if names.is_empty() {
            USUAL.to_vec()
        } else {
            names.iter().map(find).collect::<Result<_, _>>()?
        };
        let wants_predictions = asked.contains(&Topic::Predictions);
        if wants_predictions && source.is_none() {
            return Err(
                "topic `predictions` is every verdict of one source, expected `source` with it"
                    .to_owned(),
            );
        }
        let interest = source
            .as_deref()
            .filter(|_| wants_predictions)
            .map(|source| topics.want(source));
        Ok(Self {
            next: asked
                .into_iter()
                .map(|topic| (topic, topics.end(topic).1))
                .collect(),
            source,
            _interest: interest,
        })
    }

    /// Goes back to where the client was, where that is this life of the topic.
    fn resume(&mut self, topics: &Topics, resume: Option<&str>) -> Result<Lost, String> {
        let mut lost = Vec::new();
        for place in words(resume) {
            let parts: Vec<&str> = place.split(':').collect();
            let parsed = match parts[..] {
                [topic, epoch, offset] => Topic::find(topic)
                    .zip(u64::from_str_radix(epoch, 16).ok())
                    .zip(offset.parse::<u64>().ok()),
                _ => None,
            };
            let ((topic, epoch), offset) = parsed.ok_or_else(|| {
                format!("resume is `{place}`, expected TOPIC:EPOCH:OFFSET of the last message")
            })?;
            let Some(next) = self.next.get_mut(&topic) else {
                continue;
            };
            if topics.end(topic).0 == epoch {
                *next = (*next).min(offset.saturating_add(1));
            } else {
                lost.push((topic, None, "epoch"));
            }
        }
        Ok(lost)
    }

    fn welcome(&self, topics: &Topics) -> String {
        let place = |topic: &Topic| {
            let (epoch, offset) = topics.end(*topic);
            let epoch = format!("{epoch:x}");
            (topic.name().to_owned(), Position { epoch, offset })
        };
        text(&Say::Welcome {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            topics: self.next.keys().map(place).collect(),
        })
    }

    /// Whether the message is of the source that the client wants, if it wants one.
    fn wants(&self, message: &topic::Message) -> bool {
        let source = self.source.as_deref();
        source.is_none_or(|source| message.is_for(source))
    }
}

/// What goes to a client.
enum Out {
    /// A message of a topic.
    Of(Arc<topic::Message>),
    /// One for this client alone.
    Own(String),
}

impl Out {
    fn text(&self) -> &str {
        match self {
            Self::Of(message) => &message.text,
            Self::Own(text) => text,
        }
    }
}

async fn serve(app: &App, topics: &Arc<Topics>, socket: WebSocket, mut places: Places, lost: Lost) {
    let (mut sink, mut stream) = socket.split();
    let mut out = vec![Out::Own(places.welcome(topics))];
    out.extend(
        lost.into_iter()
            .map(|(topic, count, why)| Out::Own(lost_text(topic, count, why))),
    );
    let mut grown = topics_watched(topics);
    let mut ping = tokio::time::interval(PING_EVERY);
    let mut is_answered = true;
    ping.tick().await;
    loop {
        for message in out.drain(..) {
            let sent = sink.send(Message::Text(message.text().into()));
            app.numbers().socket_messages.fetch_add(1, Relaxed);
            match tokio::time::timeout(SEND_PATIENCE, sent).await {
                Ok(Ok(())) => {}
                _ => return,
            }
        }
        // What is there goes first; only then is anything waited for.
        if gather(app, topics, &mut places, &mut out) {
            continue;
        }
        tokio::select! {
            () = app.stopping().cancelled() => {}
            () = any_grown(&mut grown, &places) => {}
            _ = ping.tick() => {
                if !is_answered {
                    return;
                }
                is_answered = false;
                if sink.send(Message::Ping(bytes::Bytes::new())).await.is_err() {
                    return;
                }
            }
            from = stream.next() => match from {
                None | Some(Err(_) | Ok(Message::Close(_))) => return,
                Some(Ok(Message::Text(text))) => {
                    is_answered = true;
                    match take(topics, &mut places, &text) {
                        Ok(reply) => out.push(Out::Own(reply)),
                        Err(detail) => out.push(Out::Own(error_text(&detail))),
                    }
                }
                Some(Ok(Message::Binary(_))) => out.push(Out::Own(error_text("binary messages are not understood, expected JSON as text"))),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => is_answered = true,
            }
        }
        if app.stopping().is_cancelled() {
            let away = CloseFrame {
                code: close_code::AWAY,
                reason: "the service is stopping".into(),
            };
            let _ = sink.send(Message::Close(Some(away))).await;
            return;
        }
    }
}

/// Reads the next messages of every topic; returns whether there were any.
fn gather(app: &App, topics: &Topics, places: &mut Places, out: &mut Vec<Out>) -> bool {
    let mut found = false;
    for topic in Topic::ALL {
        let Some(place) = places.next.get(&topic).copied() else {
            continue;
        };
        let passage = topics.read(topic, place, AT_ONCE);
        if passage.lost > 0 {
            app.numbers().socket_lost.fetch_add(passage.lost, Relaxed);
            out.push(Out::Own(lost_text(topic, Some(passage.lost), "slow")));
        }
        found |= passage.lost > 0 || !passage.messages.is_empty();
        let wanted = passage
            .messages
            .into_iter()
            .filter(|message| places.wants(message));
        out.extend(wanted.map(Out::Of).collect::<Vec<_>>());
        places.next.insert(topic, passage.next);
    }
    found
}

type Watched = Vec<(Topic, tokio::sync::watch::Receiver<u64>)>;

fn topics_watched(topics: &Topics) -> Watched {
    Topic::ALL
        .into_iter()
        .map(|topic| (topic, topics.watch(topic)))
        .collect()
}

/// Waits until a topic of the client has grown beyond its place.
async fn any_grown(grown: &mut Watched, places: &Places) {
    let waits = grown
        .iter_mut()
        .filter_map(|(topic, watch)| places.next.get(topic).map(|next| (*next, watch)))
        .map(|(next, watch)| {
            Box::pin(async move {
                // The sender lives as long as the service.
                let _ = watch.wait_for(|end| *end > next).await;
            })
        });
    let waits: Vec<_> = waits.collect();
    if waits.is_empty() {
        return std::future::pending().await;
    }
    futures_util::future::select_all(waits).await;
}

fn take(topics: &Arc<Topics>, places: &mut Places, said: &str) -> Result<String, String> {
    let ask: Ask = serde_json::from_str(said).map_err(|error| {
        format!("the message is not understood: {error} (expected ping or subscribe)")
    })?;
    match ask {
        Ask::Ping => Ok(text(&Say::Pong)),
        Ask::Subscribe {
            topics: names,
            source,
        } => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut fresh = Places::new(topics, &names, source)?;
            for (topic, next) in &mut fresh.next {
                if let Some(known) = places.next.get(topic) {
                    *next = *known;
                }
            }
            *places = fresh;
            Ok(places.welcome(topics))
        }
    }
}

fn lost_text(topic: Topic, count: Option<u64>, reason: &str) -> String {
    text(&Say::Lost {
        topic: topic.name().to_owned(),
        count,
        reason: reason.to_owned(),
    })
}

fn error_text(detail: &str) -> String {
    text(&Say::Error {
        code: Code::BadRequest,
        detail: detail.to_owned(),
    })
}

fn text(say: &Say) -> String {
    serde_json::to_string(say).expect("plain data always serialises into memory")
}

//! Who may come in: tokens beyond loopback, and on loopback only pages of our own.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use willet_node::service::now;
use willet_proto::Code;

use crate::app::{App, AuthMode};
use crate::problem::{Answer, Fault};

/// What a sub-protocol begins with that carries a token: browsers let a page set no header of a socket.
pub(crate) const TOKEN_PROTOCOL: &str = "willet.token.";

/// Paths that need no token: probes, and the page's own files, which hold nothing.
fn is_open(path: &str) -> bool {
    !path.starts_with("/api/") && path != "/ws" && path != "/metrics"
        || path == "/api/health"
        || path == "/api/v1/openapi.json"
}

pub(crate) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let allowed = match check_host(&app, request.headers(), request.uri(), request.method()) {
        Ok(()) if app.options().auth == AuthMode::Token && !is_open(request.uri().path()) => {
            check_token(&app, request.headers()).await
        }
        other => other,
    };
    match allowed {
        Ok(()) => next.run(request).await,
        Err(fault) => fault.into_response(),
    }
}

/// A page of another site may send its reader's browser here: by a name of its own that points to this address, or across
/// origins. Neither gets through.
fn check_host(app: &App, headers: &HeaderMap, uri: &Uri, method: &Method) -> Answer<()> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(axum::http::uri::Authority::as_str))
        .unwrap_or_default();
    let options = app.options();
    if options.auth == AuthMode::None
        && options.address.is_loopback()
        && !is_ours(host, &options.allowed_hosts)
    {
        return Err(Fault::new(
            Code::Forbidden,
            format!(
                "the request is for host `{host}`, expected localhost or an address (name it under dashboard.allowed_hosts)"
            ),
        ));
    }
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        || headers.contains_key(header::UPGRADE);
    let origin = headers
        .get(header::ORIGIN)
        .map(|origin| origin.to_str().unwrap_or("?"));
    if let Some(origin) = origin.filter(|_| changes) {
        let origin_host = origin.split_once("://").map_or(origin, |(_, rest)| rest);
        if origin_host != host {
            return Err(Fault::new(
                Code::Forbidden,
                format!("a page of `{origin}` asked, expected one of `{host}`"),
            ));
        }
    }
    Ok(())
}

fn is_ours(host: &str, allowed: &[String]) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.is_empty()
        || name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok()
        || allowed
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(name))
}

async fn check_token(app: &App, headers: &HeaderMap) -> Answer<()> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let protocols = headers.get(header::SEC_WEBSOCKET_PROTOCOL);
    let protocol = protocols.and_then(|value| {
        let mut names = value.to_str().ok()?.split(',').map(str::trim);
        names.find_map(|name| name.strip_prefix(TOKEN_PROTOCOL))
    });
    let unauthorized = |detail| Fault::new(Code::Unauthorized, detail);
    let Some(token) = bearer.or(protocol) else {
        return Err(unauthorized(
            "there is no token, expected `Authorization: Bearer TOKEN` (`willet token create` makes one)",
        ));
    };
    match app.queries()?.verify_token(token.trim(), now()).await? {
        Some(_) => Ok(()),
        None => Err(unauthorized(
            "the token is wrong, was revoked, or has expired (`willet token list` shows what there is)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_not_ours() {
        let allowed = ["willet.example".to_owned()];
        for ours in [
            "localhost:8000",
            "127.0.0.1",
            "[::1]:8000",
            "10.0.0.7:80",
            "Willet.Example:8000",
            "",
        ] {
            assert!(is_ours(ours, &allowed), "{ours}");
        }
        for other in [
            "evil.example",
            "localhost.evil.example:8000",
            "127.0.0.1.evil.example",
        ] {
            assert!(!is_ours(other, &allowed), "{other}");
        }
    }

    #[test]
    fn only_what_holds_nothing_is_open() {
        for open in [
            "/",
            "/sources/x",
            "/assets/a.js",
            "/health",
            "/livez",
            "/api/health",
            "/docs",
        ] {
            assert!(is_open(open), "{open}");
        }
        for closed in [
            "/api/statistics",
            "/ws",
            "/metrics",
            "/api/v1/events",
            "/api/anomalies",
        ] {
            assert!(!is_open(closed), "{closed}");
        }
    }
}

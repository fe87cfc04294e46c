//! The page and the interface's document, as built and checked in.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use willet_proto::Code;

use crate::problem::Fault;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// No page of ours loads anything from elsewhere, is framed, or runs a script that stands in it.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Paths that the page answers itself.
const VIEWS: [&str; 5] = ["", "sources", "alerts", "streams", "help"];

/// A file of the page, or the page itself for one of its views.
pub(crate) fn serve(uri: &Uri, headers: &HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    let name = if path == "docs" {
        "docs.html"
    } else if VIEWS.contains(&first) {
        "index.html"
    } else {
        path
    };
    if let Some(found) = file(name, headers) {
        return found;
    }
    // A person who followed a wrong link gets the page, which says so; a program gets a problem.
    let accept = headers.get(header::ACCEPT);
    let is_person = accept
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if let Some(mut page) = file("index.html", headers).filter(|_| is_person) {
        if page.status() == StatusCode::OK {
            *page.status_mut() = StatusCode::NOT_FOUND;
        }
        return page;
    }
    let detail = format!(
        "there is nothing at `{}` (the paths are at /docs)",
        uri.path()
    );
    Fault::new(Code::NotFound, detail).into_response()
}

fn file(name: &str, headers: &HeaderMap) -> Option<Response> {
    let ending = name.rsplit('.').next();
    if matches!(ending, Some("br" | "gz")) {
        return None;
    }
    let plain = Assets::get(name)?;
    let accepts = |coding: &str| {
        let accept = headers.get(header::ACCEPT_ENCODING);
        let accept = accept
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        accept.split(',').any(|part| {
            let mut parts = part.split(';').map(str::trim);
            parts.next() == Some(coding) && !parts.any(|weight| weight == "q=0")
        })
    };
    let coded = [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(coding, _)| accepts(coding))
        .find_map(|(coding, ending)| Some((coding, Assets::get(&format!("{name}{ending}"))?)));
    let (coding, found) = match coded {
        Some((coding, found)) => (Some(coding), found),
        None => (None, plain),
    };
    Some(respond(name, coding, found, headers))
}

fn respond(
    name: &str,
    coding: Option<&'static str>,
    found: EmbeddedFile,
    headers: &HeaderMap,
) -> Response {
    let hash: String = found.metadata.sha256_hash()[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let etag = format!("\"{hash}\"");
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|known| known.split(',').any(|known| known.trim() == etag));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        found.data.into_response()
    };
    let out = response.headers_mut();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            out.insert(name, value);
        }
    };
    let mime = mime_of(name);
    put(header::CONTENT_TYPE, mime);
    put(header::ETAG, &etag);
    put(header::VARY, "accept-encoding");
    // Names under assets/ hold a hash of the content, but for what the document is made of.
    let is_hashed = name.starts_with("assets/") && !name.starts_with("assets/docs/");
    put(
        header::CACHE_CONTROL,
        if is_hashed {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        },
    );
    if let Some(coding) = coding {
        put(header::CONTENT_ENCODING, coding);
    }
    if mime.starts_with("text/html") {
        put(header::CONTENT_SECURITY_POLICY, POLICY);
    }
    response
}

fn mime_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

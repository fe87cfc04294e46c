//! The interface as a document for machines: OpenAPI 3.1, made of the handlers.

use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use willet_proto::{Code, Severity};

use crate::rest::{
    alerts, anomalies, drift, events, feedback, health, keys, silences, statistics, streams,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Willet",
        description = "Detects anomalies in streams of events, in real time.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        health::health, health::api_health, health::ready, health::readyz, health::livez, statistics::statistics,
        events::events, events::detect, events::alert,
        anomalies::all, anomalies::of_source, anomalies::list, anomalies::one,
        drift::list,
        alerts::list, alerts::one, alerts::acknowledge, alerts::resolve,
        silences::list, silences::create, silences::remove,
        keys::list, keys::one, feedback::label, keys::forget, keys::history, keys::retrain, keys::back, keys::activity,
        streams::list, streams::create, streams::one, streams::change, streams::pause, streams::resume, streams::remove,
    ),
    components(schemas(
        willet_proto::Problem<'static>, willet_proto::Event, willet_proto::Notification, willet_proto::Ask, willet_proto::Say,
    )),
    tags(
        (name = "events", description = "Events in, verdicts out"),
        (name = "streams", description = "What runs"),
        (name = "keys", description = "What is taken for normal, and what was"),
        (name = "anomalies", description = "Verdicts that said yes"),
        (name = "drift", description = "Changes of what is normal"),
        (name = "alerts", description = "What people are told"),
        (name = "health", description = "How the service is"),
    ),
)]
struct Document;

/// The document as JSON, the same bytes on every run.
pub fn document() -> String {
    let mut document = Document::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(
        "token",
        SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
    );
    // Every call may answer with a problem that its own part does not name.
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            operation
                .responses
                .responses
                .insert("default".to_owned(), RefOr::T(problem()));
        }
    }
    let mut document =
        serde_json::to_value(&document).expect("plain data always serialises into memory");
    refine(&mut document["components"]["schemas"]);
    format!("{document:#}\n")
}

/// Says what the macros cannot.
fn refine(schemas: &mut Value) {
    // Pages and lists of a shape name it.
    let pages: Vec<String> = schemas
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .filter(|name| name.contains('_'))
        .collect();
    for page in pages {
        let (list, of) = match page.split_once('_') {
            Some(("Anomalies", of)) => ("anomalies", of.to_owned()),
            Some((_, of)) => ("items", of.to_owned()),
            None => continue,
        };
        schemas[&page]["properties"][list]["items"] =
            json!({ "$ref": format!("#/components/schemas/{of}") });
    }
    // Low, middle, high.
    for band in [
        "/Verdict/properties/expected/additionalProperties",
        "/Feature/properties/expected",
    ] {
        if let Some(band) = schemas.pointer_mut(band) {
            band["minItems"] = 3.into();
            band["maxItems"] = 3.into();
        }
    }
    // Clients name the severity of scores that come without a verdict.
    let from = Severity::ALL
        .into_iter()
        .map(|severity| (severity.as_str().to_owned(), severity.from_score().into()));
    schemas["Severity"]["x-from-score"] = Value::Object(from.collect());
    let codes = Code::ALL.into_iter().map(|code| {
        let said = json!({ "status": code.status(), "title": code.title(), "retry_after": code.retry_after() });
        (code.as_str().to_owned(), said)
    });
    schemas["Code"]["x-codes"] = Value::Object(codes.collect());
}

fn problem() -> Response {
    let schema = Ref::from_schema_name("Problem");
    ResponseBuilder::new()
        .description("It could not be done")
        .content("application/problem+json", Content::new(Some(schema)))
        .build()
}

//! Whether it lives, whether it takes events, what is wrong.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use willet_node::service::now;
use willet_proto::{Alive, Check, CheckStatus, Health, HealthStatus, Ready};

use crate::app::App;

/// Health of each part. It answers 200 as long as the process can answer at all; a part that is not well is named.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = Health)))]
pub(crate) async fn health(State(app): State<App>) -> Json<Health> {
    let check = |name: &str, status, detail| Check {
        name: name.to_owned(),
        status,
        detail,
    };
    let mut checks = vec![check("http", CheckStatus::Ok, None)];
    match app.service() {
        Err(_) => checks.push(check(
            "service",
            CheckStatus::Degraded,
            Some("it is being started".to_owned()),
        )),
        Ok(service) => {
            let troubles = service.troubles();
            checks.push(check("service", CheckStatus::Ok, None));
            for part in ["store", "incidents log"] {
                if !troubles.iter().any(|(name, _)| name == part) {
                    checks.push(check(part, CheckStatus::Ok, None));
                }
            }
            for (name, detail) in troubles {
                let status = if name.starts_with("stream ") {
                    CheckStatus::Failed
                } else {
                    CheckStatus::Degraded
                };
                checks.push(check(&name, status, Some(detail)));
            }
            let budget = service.budget();
            if budget.used() * 10 > budget.limit() * 9 {
                let detail = format!(
                    "{} of {} bytes are on their way",
                    budget.used(),
                    budget.limit()
                );
                checks.push(check("load", CheckStatus::Degraded, Some(detail)));
            }
        }
    }
    let is_well = checks.iter().all(|check| check.status == CheckStatus::Ok);
    Json(Health {
        status: if is_well {
            HealthStatus::Healthy
        } else {
            HealthStatus::Degraded
        },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: (now() - app.started_at()) as f64 / 1e6,
        checks,
    })
}

/// The same as `/health`.
#[utoipa::path(get, path = "/api/health", tag = "health", responses((status = 200, body = Health)))]
pub(crate) async fn api_health(state: State<App>) -> Json<Health> {
    health(state).await
}

/// Whether events are taken: not while starting, stopping, or when a stream is down.
#[utoipa::path(get, path = "/ready", tag = "health", responses((status = 200, body = Ready), (status = 503, body = Ready)))]
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let ready = app.service().is_ok_and(|service| service.is_ready());
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Ready { ready })).into_response()
}

/// The same as `/ready`.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = Ready), (status = 503, body = Ready)))]
pub(crate) async fn readyz(state: State<App>) -> Response {
    ready(state).await
}

/// Whether the process answers.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = Alive)))]
pub(crate) async fn livez() -> Json<Alive> {
    Json(Alive { alive: true })
}

use std::path::{Path, PathBuf};
use std::time::Duration;

use willet_engine::incidents::IncidentRecord;
use willet_server::{Catalogue, ManagedBy};

use crate::config::{self, Config};

/// How often the file is looked at. Its content decides, so that neither a touched file nor a network drive with odd times
/// misleads.
const EVERY: Duration = Duration::from_secs(1);

/// Reads the configuration again whenever the content of its file changes, from `content` on, which `config` was read from. An
/// invalid one changes nothing and is said.
pub(super) async fn watch(
    path: PathBuf,
    mut content: Option<Vec<u8>>,
    mut config: Config,
    catalogue: Catalogue,
) {
    let service = catalogue.service();
    loop {
        tokio::time::sleep(EVERY).await;
        let Ok(found) = tokio::fs::read(&path).await else {
            // Between two writes of an editor there may be no file.
            continue;
        };
        if content.as_ref() == Some(&found) {
            continue;
        }
        content = Some(found);
        match apply(&path, &config, &catalogue).await {
            Ok(applied) => {
                tracing::info!(path = %path.display(), "the configuration was read again");
                service.set_trouble("configuration", None);
                config = applied;
            }
            Err(reason) => {
                tracing::error!(path = %path.display(), reason, "the changed configuration is not used");
                let trouble = format!("the changed file is not used, the old one holds: {reason}");
                service.set_trouble("configuration", Some(trouble));
            }
        }
    }
}

/// Checks all of it before any of it is used.
async fn apply(path: &Path, old: &Config, catalogue: &Catalogue) -> Result<Config, String> {
    let service = catalogue.service();
    let (mut new, _) =
        config::load(Some(path), std::env::vars()).map_err(|error| format!("{error:#}"))?;
    // Flags of the command stand over the file, now as at the start.
    new.dashboard.host.clone_from(&old.dashboard.host);
    new.dashboard.port = old.dashboard.port;
    new.store.data_dir.clone_from(&old.store.data_dir);
    let mut changes = Vec::new();
    for resource in new.resources() {
        let name = resource.stream.name.clone();
        let resource = resource
            .resolve()
            .map_err(|error| format!("stream `{name}`: source: {error}"))?;
        let running = service.stream(&name);
        if let Some(running) = &running
            && running.config() == resource.stream
        {
            continue;
        }
        changes.push((resource, running.is_some()));
    }
    for (resource, is_running) in changes {
        let name = resource.stream.name.clone();
        let changed = if is_running {
            catalogue.change(resource, ManagedBy::File).await
        } else {
            catalogue.add(resource, ManagedBy::File).await
        };
        changed.map_err(|fault| format!("stream `{name}`: {fault}"))?;
    }
    for gone in old.resources() {
        let is_gone = !new
            .resources()
            .iter()
            .any(|kept| kept.stream.name == gone.stream.name);
        if is_gone {
            tracing::warn!(
                stream = gone.stream.name,
                "not in the configuration any more: it runs until the next start"
            );
        }
    }
    if new.alerts.incidents() != old.alerts.incidents() {
        let config = new.alerts.incidents();
        let answered = service.command(IncidentRecord::Configure { config }).await;
        answered
            .map_err(|refusal| format!("alerts: {refusal}"))?
            .map_err(|error| format!("alerts: {error}"))?
            .map_err(|error| format!("alerts: {error}"))?;
    }
    let needs_restart = new.dashboard != old.dashboard
        || new.alerts.webhooks != old.alerts.webhooks
        || new.store != old.store
        || new.checkpoints != old.checkpoints
        || new.auth != old.auth
        || new.monitoring != old.monitoring;
    if needs_restart {
        tracing::warn!(
            "sections other than streams and alerts changed too: they hold from the next start"
        );
    }
    Ok(new)
}

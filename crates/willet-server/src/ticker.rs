//! What happens every second.

use std::time::Duration;

use willet_node::service::Topic;

use crate::app::App;
use crate::rest::statistics;

/// Publishes statistics every second until the doors close.
pub async fn tick(app: App) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = app.stopping().cancelled() => return,
            _ = every.tick() => {}
        }
        app.mark_rates();
        if let (Ok(service), Ok(statistics)) = (app.service(), statistics::collect(&app)) {
            let text = serde_json::to_string(&statistics)
                .expect("plain data always serialises into memory");
            service.topics().publish(Topic::Statistics, "", &text);
        }
    }
}

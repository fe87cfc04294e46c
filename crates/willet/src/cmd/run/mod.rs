//! The service: folder, store, log, streams and doors put together, until somebody says stop.

mod demo;
mod logging;
mod reload;

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio_util::task::TaskTracker;
use willet_connectors::otlp::Traces;
use willet_connectors::webhook::WebhookSender;
use willet_engine::config::Plan;
use willet_log::LogOptions;
use willet_node::service::{Keep, Keeping, Service, ServiceOptions, Witness, now};
use willet_node::worker::{MemoryBound, WorkerOptions};
use willet_server::{
    App, AuthMode, Catalogue, Fault, Limits, ManagedBy, ServerOptions, VerdictJson,
};
use willet_store::{NewToken, Queries, SqliteStore, StoreOptions};

use super::detect::open_folder;
use super::token;
use crate::config::{self, Config, KeepVerdicts, Mode, WebSocket};
use crate::problem::{note, user, warn};

/// Run as a service.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// Configuration file (YAML).
    #[arg(long, value_name = "FILE", env = "WILLET_CONFIG")]
    config: Option<PathBuf>,
    /// Watch a dozen generated sources in which things go wrong.
    #[arg(long)]
    demo: bool,
    /// Address to listen on, instead of the configured one.
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on, instead of the configured one; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Data folder, instead of the configured one.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// What requests under way get when the word to stop has come.
const REQUESTS: Duration = Duration::from_secs(2);
/// What the service gets after them: together less than the 10 s after which others kill.
const DRAIN: Duration = Duration::from_secs(8);

impl Run {
    /// The configuration is read and checked whole before anything is begun.
    pub(crate) fn run(self) -> Result<ExitCode> {
        // Before it is understood: a change from now on is seen, however long the start takes.
        let content = self
            .config
            .as_ref()
            .and_then(|path| std::fs::read(path).ok());
        let (mut config, warnings) = config::load(self.config.as_deref(), std::env::vars())?;
        warnings.iter().for_each(warn);
        if config.kafka.is_some() {
            return Err(user(
                "the configuration has a `kafka` section, and Kafka is not in this build (leave the section out: events come \
                 by HTTP, from files, and from generated sources)",
            ));
        }
        if config.websocket != WebSocket::default() {
            warn(
                "the configuration has a `websocket` section, and sockets on a port of their own are not in this build: it is not used \
                 (live messages are at /ws of the dashboard's port)",
            );
        }
        config.dashboard.host = self.host.clone().unwrap_or(config.dashboard.host);
        config.dashboard.port = self.port.unwrap_or(config.dashboard.port);
        config.store.data_dir = self.data_dir.clone().unwrap_or(config.store.data_dir);
        logging::install(&config.monitoring)?;
        // One provider of cryptography for the whole process; a second call finds the first one's.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("doors")
            .enable_all()
            .build()?;
        runtime.block_on(self.serve(config, content))
    }

    async fn serve(self, config: Config, content: Option<Vec<u8>>) -> Result<ExitCode> {
        let address = address(&config)?;
        let listener = willet_server::bind(address).await.map_err(|error| {
            user(format!(
                "cannot listen on {address}: {error} (is another Willet running? --port chooses another port, --port 0 a free \
                 one)"
            ))
        })?;
        let address = listener.local_addr()?;
        let auth = auth_mode(&config, address.ip());
        let app = App::new(server_options(&config, address.ip(), auth));
        // Every task ends when the doors close, and is waited for.
        let tasks = TaskTracker::new();
        tasks.spawn({
            let app = app.clone();
            async move { willet_server::serve(&app, listener, REQUESTS).await }
        });
        let stopped = stop_signal()?;
        let started = tokio::task::spawn_blocking({
            let config = config.clone();
            move || start(&config)
        });
        let opened = tokio::select! {
            started = started => started?,
            () = stopped.cancelled() => return Ok(ExitCode::SUCCESS),
        };
        let Opened {
            catalogue,
            before,
            traces,
        } = opened?;
        let (service, queries) = (catalogue.service(), catalogue.queries());
        if auth == AuthMode::Token {
            first_token(queries).await?;
        }
        self.add_streams(&config, &catalogue).await?;
        service.complete();
        app.run(catalogue.clone(), before);
        announce(address, &config, &self);
        tasks.spawn(deliver(&config, &app, service, queries)?);
        tasks.spawn(willet_server::tick(app.clone()));
        if let Some(path) = self.config.clone() {
            let stopping = app.stopping().clone();
            let watching = reload::watch(path, content, config, catalogue.clone());
            tasks.spawn(stopping.run_until_cancelled_owned(Box::pin(watching)));
        }
        stopped.cancelled().await;
        tracing::info!("stopping");
        app.stopping().cancel();
        tasks.close();
        tasks.wait().await;
        let draining = Arc::clone(service);
        let drained = tokio::task::spawn_blocking(move || {
            draining.drain(DRAIN);
            if let Some(traces) = traces {
                traces.end();
            }
        });
        drained.await?;
        queries.close().await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }

    async fn add_streams(&self, config: &Config, catalogue: &Catalogue) -> Result<()> {
        let mut of_file = config.resources();
        if self.demo {
            of_file.extend(demo::streams());
        }
        let configured = of_file.into_iter().map(|resource| {
            let is_generated = resource.source.is_some() && demo::is_demo(&resource.stream.name);
            let by = if self.demo && is_generated {
                ManagedBy::Demo
            } else {
                ManagedBy::File
            };
            (resource, by)
        });
        let default = config.default_stream();
        Plan::new(default.stream.clone(), 1)?;
        let restored = catalogue.restore(configured.collect(), default).await;
        for gone in restored.map_err(fault)? {
            warn(format!(
                "stream `{gone}` is not in the configuration any more: it is not run, its state stays in the data folder"
            ));
        }
        Ok(())
    }
}

/// Delivers the outbox to the webhooks.
fn deliver(
    config: &Config,
    app: &App,
    service: &Arc<Service>,
    queries: &Queries,
) -> Result<impl Future<Output = ()> + Send + 'static> {
    let webhooks = config.alerts.webhooks().map_err(user)?;
    let sender = WebhookSender::new()?;
    let grown = {
        let service = Arc::clone(service);
        move || {
            let service = Arc::clone(&service);
            async move { service.outbox_grown().await }
        }
    };
    let stopping = app.stopping().clone();
    let queries = queries.clone();
    Ok(willet_server::deliver(
        queries, sender, webhooks, now, grown, stopping,
    ))
}

fn fault(fault: Fault) -> anyhow::Error {
    user(fault)
}

struct Opened {
    catalogue: Catalogue,
    /// Events and anomalies of former lives.
    before: (u64, u64),
    traces: Option<Arc<Traces>>,
}

/// Opens folder, store and log. Blocks, so it runs beside the doors, which meanwhile say that it is being started.
fn start(config: &Config) -> Result<Opened> {
    let folder = open_folder(&config.store.data_dir)?;
    let path = folder.path().join("store.sqlite");
    let options = StoreOptions {
        verdict_days: config.store.verdict_days,
        max_bytes: config.store.verdict_bytes,
        ..StoreOptions::default()
    };
    let store = SqliteStore::open(&path, options).map_err(user)?;
    let begin_traces = || {
        Traces::begin(
            &config.monitoring.traces(),
            tokio::runtime::Handle::current(),
        )
    };
    let traces = config.monitoring.enable_tracing.then(begin_traces);
    let traces = traces.transpose()?.map(Arc::new);
    let options = ServiceOptions {
        worker: WorkerOptions {
            memory: MemoryBound::new(config.checkpoints.max_memory_bytes),
            slice_bytes: config.checkpoints.slice_bytes,
            // More than that many of a stream's keys at once help nobody: other streams want to get on too.
            lanes: std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8)),
            ..WorkerOptions::default()
        },
        log: LogOptions::default(),
        keeping: Keeping {
            max_bytes: config.store.log_bytes,
            max_age_us: i64::from(config.store.log_days) * 86_400_000_000,
        },
        budget_bytes: config.dashboard.queue_bytes,
        keep: match config.store.keep {
            KeepVerdicts::Anomalies => Keep::Anomalies,
            KeepVerdicts::All => Keep::All,
        },
        incidents: config.alerts.incidents(),
        receivers: config
            .alerts
            .webhooks
            .iter()
            .map(|webhook| webhook.name.clone())
            .collect(),
        max_streams: config.dashboard.max_streams,
        witness: traces.clone().map(|traces| -> Arc<dyn Witness> { traces }),
    };
    let service = Service::start(folder, Box::new(store), Arc::new(VerdictJson), options)?;
    let queries = tokio::runtime::Handle::current().block_on(Queries::open(&path))?;
    let totals = tokio::runtime::Handle::current().block_on(queries.totals())?;
    let before = totals.iter().fold((0, 0), |(events, anomalies), row| {
        (events + row.events, anomalies + row.anomalies)
    });
    let data_dir = config.store.data_dir.clone();
    Ok(Opened {
        catalogue: Catalogue::new(service, queries, data_dir),
        before,
        traces,
    })
}

fn address(config: &Config) -> Result<SocketAddr> {
    let (host, port) = (config.dashboard.host.as_str(), config.dashboard.port);
    let found = (host, port)
        .to_socket_addrs()
        .ok()
        .and_then(|mut all| all.next());
    found.ok_or_else(|| {
        user(format!(
            "dashboard.host is `{host}`, expected an address of this machine (127.0.0.1 for it alone, 0.0.0.0 for all who reach it)"
        ))
    })
}

fn auth_mode(config: &Config, address: IpAddr) -> AuthMode {
    match config.auth.mode {
        Some(Mode::None) => {
            if !address.is_loopback() {
                warn(
                    "auth.mode is none: whoever reaches this address can read and change everything",
                );
            }
            AuthMode::None
        }
        None if address.is_loopback() => AuthMode::None,
        Some(Mode::Token) | None => AuthMode::Token,
    }
}

fn server_options(config: &Config, address: IpAddr, auth: AuthMode) -> ServerOptions {
    let dashboard = &config.dashboard;
    ServerOptions {
        limits: Limits {
            body_bytes: dashboard.max_body_bytes,
            connections: dashboard.max_connections,
            ..Limits::default()
        },
        auth,
        address,
        allowed_hosts: dashboard.allowed_hosts.clone(),
        // What the page shows without being asked comes over such a socket.
        sockets: dashboard.websocket_enabled && dashboard.real_time_updates,
    }
}

/// Makes the first token where there is none, and shows it this once.
async fn first_token(queries: &Queries) -> Result<()> {
    let known = queries.tokens().await?;
    if known.iter().any(|token| token.revoked_at.is_none()) {
        return Ok(());
    }
    let token = token::random()?;
    let new = NewToken {
        token: token.clone(),
        name: "admin".to_owned(),
        role: "admin".to_owned(),
        created_at: now(),
        expires_at: None,
    };
    queries.add_token(&new).await?;
    // To the terminal, not to the log: logs are kept and read by others.
    anstream::eprintln!(
        "\nThe admin token, shown this once:\n\n    {token}\n\nSend it as `Authorization: Bearer TOKEN`; `willet token create` makes others.\n"
    );
    Ok(())
}

fn announce(address: SocketAddr, config: &Config, run: &Run) {
    tracing::info!(%address, data_dir = %config.store.data_dir.display(), "running");
    let shown = if address.ip().is_unspecified() {
        SocketAddr::new(IpAddr::from([127, 0, 0, 1]), address.port())
    } else {
        address
    };
    note(format!("the page is at http://{shown}/"));
    if run.demo {
        note("a dozen generated sources run; things go wrong in them every now and then");
    } else {
        note(format!(
            "post an event: curl -d '{{\"source\": \"pump-7\", \"values\": {{\"temperature\": 71.2}}}}' -H 'content-type: \
             application/json' http://{shown}/api/v1/events"
        ));
    }
}

/// Cancelled by SIGTERM or SIGINT.
#[expect(
    clippy::disallowed_methods,
    reason = "waits for signals as long as the process lives"
)]
fn stop_signal() -> Result<tokio_util::sync::CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stopped = tokio_util::sync::CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = stopped.clone();
    tokio::task::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
        // Who asks twice does not want to wait.
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    });
    Ok(stopped)
}

//! The streams that are asked for: who made each, where its events come from, whether it is paused.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use willet_node::service::{Service, ServiceError, StreamSetup, now};
use willet_proto::{Code, ManagedBy};
use willet_store::{Queries, StreamRow};

use crate::problem::{Answer, Fault};
use crate::streams::StreamResource;

/// The one owner of all streams: the interface, the configuration file and a restart change them through it. Clones share it.
///
/// One change is made at a time, in one order: it is checked, stored, and run. Where running it fails the store is put back; after a crash
/// in between the next start runs what is stored.
#[derive(Clone, Debug)]
pub struct Catalogue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    service: Arc<Service>,
    queries: Queries,
    /// Where dead letters of sources go.
    data_dir: PathBuf,
    entries: Mutex<BTreeMap<String, Entry>>,
    changes: tokio::sync::Mutex<()>,
}

/// A stream as it was written, by whom and when.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) resource: StreamResource,
    pub(crate) by: ManagedBy,
    pub(crate) created_at: i64,
}

impl Entry {
    fn row(&self, is_paused: bool) -> StreamRow {
        StreamRow {
            name: self.resource.stream.name.clone(),
            managed_by: self.by.as_str().to_owned(),
            config: self.resource.to_json(),
            is_paused,
            created_at: self.created_at,
            model: None,
        }
    }
}

impl Catalogue {
    /// A catalogue without streams; see [`Catalogue::restore`].
    pub fn new(service: Arc<Service>, queries: Queries, data_dir: PathBuf) -> Self {
        Self(Arc::new(Inner {
            service,
            queries,
            data_dir,
            entries: Mutex::default(),
            changes: tokio::sync::Mutex::default(),
        }))
    }

    /// What runs the streams.
    pub fn service(&self) -> &Arc<Service> {
        &self.0.service
    }

    /// What remembers them.
    pub fn queries(&self) -> &Queries {
        &self.0.queries
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn entry(&self, name: &str) -> Option<Entry> {
        self.entries().get(name).cloned()
    }

    /// Starts the streams of the configuration, those that the interface made in former lives, and `default` where none is called so.
    /// Returns the names of streams that the configuration names no more: their state stays in the data folder.
    pub async fn restore(
        &self,
        configured: Vec<(StreamResource, ManagedBy)>,
        default: StreamResource,
    ) -> Answer<Vec<String>> {
        let _changing = self.0.changes.lock().await;
        let kept = self.0.queries.streams().await?;
        let found = |name: &str| kept.iter().find(|row| row.name == name);
        for (resource, by) in configured {
            let resource = resolved(resource)?;
            let row = found(&resource.stream.name);
            // The row remembers since when it is there and whether it is paused; what it is, the file says.
            let entry = Entry {
                created_at: row.map_or_else(now, |row| row.created_at),
                resource,
                by,
            };
            let is_paused = row.is_some_and(|row| row.is_paused);
            if row.is_none() {
                self.0.queries.add_stream(&entry.row(is_paused)).await?;
            }
            self.start(entry, is_paused)?;
        }
        let mut abandoned = Vec::new();
        for row in &kept {
            if self.0.service.stream(&row.name).is_some() {
                continue;
            }
            if row.managed_by != ManagedBy::Api.as_str() {
                abandoned.push(row.name.clone());
                continue;
            }
            let resource = serde_json::from_str(&row.config).map_err(|error| {
                let detail = format!("stream `{}` in the store: {error}", row.name);
                Fault::new(Code::BadConfig, detail)
            })?;
            let entry = Entry {
                resource,
                by: ManagedBy::Api,
                created_at: row.created_at,
            };
            self.start(entry, row.is_paused)?;
        }
        if self.0.service.stream(&default.stream.name).is_none() {
            self.add_locked(default, ManagedBy::Api).await?;
        }
        Ok(abandoned)
    }

    /// Adds a stream and starts it.
    pub async fn add(&self, resource: StreamResource, by: ManagedBy) -> Answer<()> {
        let _changing = self.0.changes.lock().await;
        self.add_locked(resource, by).await
    }

    async fn add_locked(&self, resource: StreamResource, by: ManagedBy) -> Answer<()> {
        let entry = Entry {
            resource,
            by,
            created_at: now(),
        };
        let row = entry.row(false);
        self.0.queries.add_stream(&row).await?;
        if let Err(fault) = self.start(entry, false) {
            self.0.queries.remove_stream(&row.name).await?;
            return Err(fault);
        }
        Ok(())
    }

    fn start(&self, entry: Entry, is_paused: bool) -> Answer<()> {
        let resource = &entry.resource;
        let setup = StreamSetup {
            config: resource.stream.clone(),
            feed: resource.open_feed(&self.0.data_dir),
            is_paused,
        };
        self.0.service.add_stream(setup)?;
        let name = resource.stream.name.clone();
        self.entries().insert(name, entry);
        Ok(())
    }

    /// Changes a running stream; whether it is paused stays as it is. One of the configuration file is stored there.
    pub async fn change(&self, resource: StreamResource, by: ManagedBy) -> Answer<()> {
        let _changing = self.0.changes.lock().await;
        let name = resource.stream.name.clone();
        let (before, is_paused) = self.find(&name)?;
        if by == ManagedBy::Api {
            not_of_file(&before)?;
        }
        if before.resource.source != resource.source {
            return Err(Fault::new(
                Code::BadConfig,
                "the source of a stream cannot be changed (delete the stream, or create another one)",
            ));
        }
        let config = resource.stream.clone();
        self.0.service.check_change(&config)?;
        let entry = Entry {
            resource,
            by: if by == ManagedBy::File { by } else { before.by },
            created_at: before.created_at,
        };
        let is_stored = entry.by != ManagedBy::File;
        if is_stored {
            self.0.queries.change_stream(&entry.row(is_paused)).await?;
        }
        if let Err(error) = self.0.service.change_stream(config).await {
            if is_stored {
                self.0.queries.change_stream(&before.row(is_paused)).await?;
            }
            return Err(error.into());
        }
        self.entries().insert(name, entry);
        Ok(())
    }

    /// Pauses a stream or lets it go on.
    pub(crate) async fn pause(&self, name: &str, pauses: bool) -> Answer<()> {
        let _changing = self.0.changes.lock().await;
        self.find(name)?;
        self.0.queries.set_paused(name, pauses).await?;
        self.0.service.pause_stream(name, pauses)?;
        Ok(())
    }

    /// Removes a stream with all it has learned and said. The row goes last: until then a stream of this name is this one, and what failed
    /// can be done again.
    pub(crate) async fn remove(&self, name: &str) -> Answer<()> {
        let _changing = self.0.changes.lock().await;
        let entry = self.entry(name).ok_or_else(|| no_stream(name))?;
        not_of_file(&entry)?;
        match self.0.service.remove_stream(name).await {
            // An attempt before this one came so far.
            Ok(()) | Err(ServiceError::NoStream(_)) => {}
            Err(error) => return Err(error.into()),
        }
        self.0.queries.remove_stream(name).await?;
        self.entries().remove(name);
        Ok(())
    }

    /// A stream that runs, and whether it is paused.
    fn find(&self, name: &str) -> Answer<(Entry, bool)> {
        let found = self.entry(name).zip(self.0.service.stream(name));
        let (entry, stream) = found.ok_or_else(|| no_stream(name))?;
        Ok((entry, stream.is_paused()))
    }
}

fn resolved(resource: StreamResource) -> Answer<StreamResource> {
    let name = resource.stream.name.clone();
    resource
        .resolve()
        .map_err(|error| Fault::new(Code::BadConfig, format!("stream `{name}`: source: {error}")))
}

pub(crate) fn no_stream(name: &str) -> Fault {
    Fault::new(Code::NotFound, format!("there is no stream `{name}`"))
}

fn not_of_file(entry: &Entry) -> Answer<()> {
    if entry.by == ManagedBy::File {
        let name = &entry.resource.stream.name;
        return Err(Fault::new(
            Code::ManagedByFile,
            format!(
                "stream `{name}` is in the configuration file (change it there: it is read again when it changes)"
            ),
        ));
    }
    Ok(())
}

//! A record that makes processing panic is found, marked, skipped, and everything else goes on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use willet_engine::config::StreamConfig;
use willet_engine::incidents::IncidentConfig;
use willet_engine::records::{RecordKind, Records};
use willet_engine::verdict::Outcome;
use willet_log::{DataFolder, LogOptions, Owner, RealDisk};
use willet_node::output::Answers;
use willet_node::service::{
    Accepted, Intake, Keep, Keeping, Service, ServiceOptions, StreamSetup, StreamState,
    VerdictFormat,
};
use willet_node::worker::WorkerOptions;
use willet_server::VerdictJson;
use willet_store::{SqliteStore, StoreOptions};

/// Writes verdicts, and panics at those of the key `poison` until its record is skipped.
#[derive(Debug, Default)]
struct Explosive {
    panics: AtomicUsize,
}

impl VerdictFormat for Explosive {
    fn write(&self, answers: &Answers<'_>, index: usize, out: &mut Vec<u8>) {
        let verdict = &answers.verdicts.rows[index];
        if answers.events.key(verdict.event as usize) == "poison"
            && verdict.outcome != Outcome::Poisoned
        {
            self.panics.fetch_add(1, Ordering::SeqCst);
            panic!("a record that nobody can bear");
        }
        VerdictJson.write(answers, index, out);
    }

    fn write_drift(&self, answers: &Answers<'_>, index: usize, out: &mut Vec<u8>) {
        VerdictJson.write_drift(answers, index, out);
    }
}

fn start(folder: &Path, format: Arc<Explosive>) -> Arc<Service> {
    let owner = Owner {
        pid: std::process::id(),
        since: 0,
        version: "test".to_owned(),
    };
    let folder = DataFolder::open(Arc::new(RealDisk), folder, &owner).expect("a free folder");
    let store = SqliteStore::open(&folder.path().join("store.sqlite"), StoreOptions::default());
    let options = ServiceOptions {
        worker: WorkerOptions::default(),
        log: LogOptions::default(),
        keeping: Keeping {
            max_bytes: 1 << 30,
            max_age_us: i64::MAX,
        },
        budget_bytes: 64 << 20,
        // Every verdict is written, so that any record can panic.
        keep: Keep::All,
        incidents: IncidentConfig::default(),
        receivers: Vec::new(),
        max_streams: 4,
        witness: None,
    };
    let service = Service::start(folder, Box::new(store.expect("a store")), format, options)
        .expect("it starts");
    service
        .add_stream(StreamSetup {
            config: StreamConfig::default(),
            feed: None,
            is_paused: false,
        })
        .expect("added");
    service
}

async fn running(service: &Service) {
    let stream = service.stream("default").expect("added");
    while stream.state() != StreamState::Running {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn take(service: &Service, keys: &[&str]) -> Vec<u64> {
    let mut records = Records::new();
    for (index, key) in keys.iter().enumerate() {
        let event = format!(r#"{{"source":"{key}","values":{{"x":{index}}}}}"#);
        records.push(index as u64, RecordKind::Event, 0, event.as_bytes());
    }
    let intake = Intake {
        records,
        reservation: service.budget().try_reserve(1_000).expect("there is room"),
        request: None,
        wants_verdicts: false,
    };
    match service
        .take("default", intake)
        .await
        .expect("taken")
        .accepted
    {
        Accepted::Stored(offsets, _) => offsets.collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_record_is_skipped_and_the_rest_is_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let format = Arc::new(Explosive::default());
    let service = tokio::task::block_in_place(|| start(folder.path(), Arc::clone(&format)));
    running(&service).await;
    take(&service, &["a", "b", "a"]).await;
    take(&service, &["a", "b", "poison", "a", "b"]).await;
    take(&service, &["a", "b"]).await;
    let stream = service.stream("default").expect("added");
    let counters = &stream.counters;
    while counters.poisoned.load(Ordering::SeqCst) == 0 || stream.state() != StreamState::Running {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Once in its batch, once alone: that is enough.
    assert_eq!(format.panics.load(Ordering::SeqCst), 2);
    assert_eq!(counters.restarts.load(Ordering::SeqCst), 2);
    let of_a = service
        .describe("default", "a")
        .await
        .expect("asked")
        .expect("it spoke");
    let of_b = service
        .describe("default", "b")
        .await
        .expect("asked")
        .expect("it spoke");
    assert_eq!((of_a.sample_count, of_b.sample_count), (5, 4));
    assert_eq!(
        service.describe("default", "poison").await.expect("asked"),
        None
    );
    assert!(
        service
            .troubles()
            .iter()
            .any(|(what, _)| what.contains("poison")),
        "{:?}",
        service.troubles()
    );
    take(&service, &["a"]).await;
    tokio::task::block_in_place(|| service.drain(Duration::from_secs(10)));
    drop(service);

    // The mark stands in the journal: another life skips the record at once.
    let format = Arc::new(Explosive::default());
    let service = tokio::task::block_in_place(|| start(folder.path(), Arc::clone(&format)));
    running(&service).await;
    let of_a = service
        .describe("default", "a")
        .await
        .expect("asked")
        .expect("it spoke");
    assert_eq!(of_a.sample_count, 6);
    assert_eq!(format.panics.load(Ordering::SeqCst), 0);
    tokio::task::block_in_place(|| service.drain(Duration::from_secs(10)));
}

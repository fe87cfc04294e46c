//! Durable log and object folder of Willet, over a real disk or a simulated one.
//!
//! ```
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use willet_engine::records::{RecordKind, Records};
//! use willet_log::{DataFolder, Log, LogOptions, Owner, SimDisk};
//!
//! let disk = Arc::new(SimDisk::new(7));
//! let owner = Owner { pid: 1, since: 0, version: "0.1.0".into() };
//! let folder = DataFolder::open(disk, Path::new("/willet-data"), &owner)?;
//! let (mut log, report) = Log::open(&folder, LogOptions::default())?;
//! assert!(report.clean);
//!
//! let pumps = log.partition("pumps", 0)?;
//! let mut records = Records::new();
//! records.push(0, RecordKind::Event, 0, b"71.2");
//! assert_eq!(log.append(pumps, &mut records)?, 0..1);
//! log.commit()?;
//! assert_eq!(log.reader(pumps, 0).next_batch(1 << 20)?.payload(0), b"71.2");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where to look: [`disk`] is the only door to storage, [`folder`] says who may use a data folder, [`log`] keeps the records
//! (its bytes are fixed in `docs/log-format.md`), [`objects`] keeps checkpoints.

pub mod disk;
pub mod folder;
pub mod log;
mod memory;
pub mod objects;

pub use disk::{Disk, RealDisk, SimDisk};
pub use folder::{DataFolder, FolderError, Owner};
pub use log::{
    Log, LogError, LogOptions, LogReader, OpenReport, OwnedLog, PhysicalReader, Retention, verify,
};
pub use memory::MemoryObjects;
pub use objects::{FolderObjects, ObjectError, Objects};

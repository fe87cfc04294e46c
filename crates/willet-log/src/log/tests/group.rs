use std::collections::BTreeSet;

use super::*;

fn shared(disk: &SimDisk, options: LogOptions) -> SharedLog {
    SharedLog::new(Log::open(&data_folder(disk), options).unwrap().0)
}

#[test]
fn many_writers_get_offsets_of_their_own_and_readers_follow() {
    let disk = SimDisk::new(1);
    let log = shared(
        &disk,
        LogOptions {
            max_pending_bytes: 5_000,
            max_append_bytes: 5_000,
            ..options()
        },
    );
    let p = log.partition("s", 0).unwrap();
    let (given, followed) = std::thread::scope(|scope| {
        let follower = scope.spawn(|| {
            let mut reader = log.reader(p, 0);
            let mut seen = Vec::new();
            while seen.len() < 8 * 40 * 3 {
                seen.extend(
                    reader
                        .next_batch(2_000)
                        .unwrap()
                        .iter()
                        .map(|(head, _)| head.offset),
                );
                std::thread::yield_now();
            }
            seen
        });
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let log = log.clone();
                scope.spawn(move || {
                    let appends = (0..40).flat_map(|n| {
                        let offsets = log.append(p, batch(writer * 1000 + n, 3, 100)).unwrap();
                        assert!(log.end(p).unwrap() >= offsets.end, "durable on return");
                        offsets
                    });
                    appends.collect::<Vec<_>>()
                })
            })
            .collect();
        let given: Vec<u64> = writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect();
        (given, follower.join().unwrap())
    });
    assert_eq!(given.len(), 960);
    assert_eq!(
        given.into_iter().collect::<BTreeSet<_>>(),
        (0..960).collect()
    );
    assert_eq!(followed, (0..960).collect::<Vec<_>>());
    log.close().unwrap();
    let (log, report) = open(&disk);
    assert!(report.clean);
    assert_eq!(offsets(&log, p).len(), 960);
}

#[test]
fn tickets_of_one_writer_keep_their_order_and_share_a_commit() {
    let disk = SimDisk::new(1);
    let log = shared(&disk, options());
    let p = log.partition("s", 0).unwrap();
    let tickets: Vec<_> = (0..5).map(|tag| log.submit(p, batch(tag, 2, 10))).collect();
    assert_eq!(log.end(p), Some(0));
    let mut tickets = tickets.into_iter();
    assert_eq!(tickets.next().unwrap().wait().unwrap(), 0..2);
    assert_eq!(log.end(p), Some(10), "one commit took all");
    for (index, ticket) in (1..).zip(tickets) {
        assert!(ticket.is_done());
        assert_eq!(ticket.wait().unwrap(), 2 * index..2 * index + 2);
    }
}

#[test]
fn a_full_queue_is_written_out_even_if_nobody_waits() {
    let disk = SimDisk::new(1);
    let log = shared(
        &disk,
        LogOptions {
            max_pending_bytes: 1_000,
            max_append_bytes: 1_000,
            ..options()
        },
    );
    let p = log.partition("s", 0).unwrap();
    let tickets: Vec<_> = (0..50)
        .map(|tag| log.submit(p, batch(tag, 1, 200)))
        .collect();
    assert!(log.end(p).unwrap() >= 44, "{:?}", log.end(p));
    for ticket in tickets {
        ticket.wait().unwrap();
    }
    assert_eq!(log.end(p), Some(50));
}

#[test]
fn a_failed_commit_is_told_to_all_its_writers_and_a_bad_append_only_to_its_own() {
    let disk = SimDisk::new(1);
    let log = shared(
        &disk,
        LogOptions {
            max_record_bytes: 100,
            ..options()
        },
    );
    let p = log.partition("s", 0).unwrap();
    let bad = log.submit(p, batch(1, 1, 101));
    let good = log.submit(p, batch(2, 1, 100));
    assert!(matches!(bad.wait(), Err(LogError::RecordTooLarge { .. })));
    assert_eq!(good.wait().unwrap(), 0..1);
    let (first, second) = (
        log.submit(p, batch(3, 1, 10)),
        log.submit(p, batch(4, 1, 10)),
    );
    disk.fail_sync(1);
    assert!(matches!(
        first.wait(),
        Err(LogError::Io { action: "sync", .. })
    ));
    assert!(matches!(
        second.wait(),
        Err(LogError::Io { action: "sync", .. })
    ));
    assert_eq!(log.append(p, batch(5, 1, 10)).unwrap(), 1..2);
}

#[test]
fn close_commits_what_waits_and_refuses_what_comes_later() {
    let disk = SimDisk::new(1);
    let log = shared(&disk, options());
    let p = log.partition("s", 0).unwrap();
    let ticket = log.submit(p, batch(1, 1, 10));
    log.close().unwrap();
    assert_eq!(ticket.wait().unwrap(), 0..1);
    assert!(matches!(
        log.append(p, batch(2, 1, 10)),
        Err(LogError::Closed)
    ));
    log.close().unwrap();
}

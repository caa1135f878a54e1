//! A server that publishes a scan, and whose answer does not arrive.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use connector_api::{Account, Record};
use connector_store::{Ended, Location, RunState, Store};

use crate::backend::Backend;
use crate::organisation::descriptor;
use crate::support::{ANYTHING, config, scan, start, summary, system};

/// The request to commit, as the protocol has it: its kind, its length and the statement.
const COMMIT: &[u8] = b"Q\0\0\0\x0bcommit\0";

/// Passes on what a client and a server say. After `commits` of the client's commits, the server's answer is lost with the
/// connection.
fn proxy(socket: String, commits: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let commits = Arc::new(AtomicUsize::new(commits));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), UnixStream::connect(&socket).unwrap());
            let is_cut = Arc::new(AtomicUsize::new(0));
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let (commits, cut) = (Arc::clone(&commits), Arc::clone(&is_cut));
            std::thread::spawn(move || {
                let mut bytes = [0; 1 << 16];
                while let Ok(count @ 1..) = from.read(&mut bytes) {
                    if bytes[..count].ends_with(COMMIT) && commits.fetch_sub(1, Ordering::SeqCst) == 1 {
                        cut.store(1, Ordering::SeqCst);
                    }
                    if to.write_all(&bytes[..count]).is_err() {
                        break;
                    }
                }
                let _ = to.shutdown(Shutdown::Both);
            });
            std::thread::spawn(move || answers(server, client, &is_cut));
        }
    });
    port
}

fn answers(mut server: UnixStream, mut client: TcpStream, is_cut: &AtomicUsize) {
    let mut bytes = [0; 1 << 16];
    while let Ok(count @ 1..) = server.read(&mut bytes) {
        // The server has done it: nobody hears of it.
        if is_cut.load(Ordering::SeqCst) > 0 || client.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

#[test]
fn a_scan_whose_commit_is_not_answered_says_truly_whether_it_is_published() {
    let descriptor = descriptor();
    let whole = summary(&descriptor, &[]);
    let rows = |step: u32| -> Vec<Record> {
        (step..step + 20).map(|id| Account::new(id.to_string(), format!("user{id}")).into()).collect()
    };
    let (mut published, mut failed) = (0, 0);
    for commits in 1..40 {
        let Some(backend) = Backend::postgres() else { return };
        scan(&backend, &descriptor, &rows(0), &whole, ANYTHING);
        let url = backend.url.as_ref().unwrap();
        let (host, name) = url.split_once('@').unwrap().1.split_once('/').unwrap();
        let port = proxy(format!("{}/.s.PGSQL.5432", host.replace("%2F", "/")), commits);
        let through: Location = format!("postgres://tests@127.0.0.1:{port}/{name}?sslmode=disable").parse().unwrap();
        let config = config();
        let ended = Store::open(&through).and_then(|store| {
            let mut scan = store.begin(start(&descriptor, &config))?;
            scan.stage(&rows(3))?;
            scan.publish(&whole, ANYTHING)
        });
        let mut store = backend.open();
        let hq = system(&mut store);
        let newest = store.runs(&hq).unwrap().remove(0);
        match ended {
            Ok(Ended::Published { run, .. }) => {
                published += 1;
                assert_eq!((newest.id, newest.state), (run, RunState::Published), "commit {commits}");
                // The next commit is behind the end of the scan.
                if published > 3 {
                    break;
                }
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                failed += 1;
                assert!(newest.id == 1 || newest.state == RunState::Staging, "commit {commits}: {error}, {newest:?}");
            }
        }
    }
    assert!(published > 3 && failed > 1, "{published} published, {failed} failed");
}

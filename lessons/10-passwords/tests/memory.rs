//! What a storm of logins leaves in memory. Slow and different on each machine, so it runs only when it is asked for:
//! `cargo test --test memory -- --ignored --nocapture`, on Linux. `RECORD=1` writes `memory.txt`, which the book shows.
//!
//! Each way runs in a process of its own: what one has left behind must not count for the next.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be set up has failed")]

use std::{
    env, fs,
    process::Command,
    sync::{Arc, Mutex},
    time::Instant,
};

use argon2::{
    Argon2, Block, Params, PasswordHasher, PasswordVerifier,
    password_hash::phc::{Output, PasswordHash},
};
use tokio::sync::Semaphore;

/// So many clients, each of which logs in again as soon as it has its answer.
const CLIENTS: usize = 8;
const LOGINS_EACH: usize = 25;

/// Name, whether it takes a permit, whether it keeps its memory.
const WAYS: [(&str, bool, bool); 4] = [
    ("spawn_blocking", false, false),
    ("with a permit", true, false),
    ("with kept buffers", false, true),
    ("with both", true, true),
];

/// The variable by which the child process is told which way to run.
const WAY: &str = "LESSON_10_WAY";

#[test]
#[ignore = "takes half a minute, and its numbers belong to one machine and one allocator"]
fn a_permit_and_kept_buffers_leave_a_small_part_of_the_memory_behind() {
    if let Ok(way) = env::var(WAY) {
        let (_, permit, kept) = WAYS[way.parse::<usize>().unwrap()];
        return storm(permit, kept);
    }
    let mut table = format!(
        "{} logins by {CLIENTS} clients, argon2id 19 MiB and 2 passes, {} cores, {}\n\n",
        CLIENTS * LOGINS_EACH,
        std::thread::available_parallelism().unwrap(),
        allocator(),
    );
    table += "                     most MiB   MiB after   logins a second\n";
    let after: Vec<u64> = (0..WAYS.len())
        .map(|way| {
            let [most, after, rate] = child(way);
            table += &format!("{:<20} {most:>8}    {after:>8}   {rate:>15}\n", WAYS[way].0);
            after
        })
        .collect();
    println!("\n{table}");
    if env::var("RECORD").is_ok() {
        fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/memory.txt"), &table).unwrap();
    }
    assert!(after[3] * 3 < after[0], "{table}");
}

fn child(way: usize) -> [u64; 3] {
    let this_test = "a_permit_and_kept_buffers_leave_a_small_part_of_the_memory_behind";
    let said = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", this_test, "--nocapture"])
        .env(WAY, way.to_string())
        .output()
        .unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("STORM ")).unwrap().1;
    let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

fn storm(permit: bool, kept: bool) {
    let cores = std::thread::available_parallelism().unwrap().get();
    let permits = Arc::new(Semaphore::new(if permit { cores } else { CLIENTS }));
    let kept = kept.then(|| Arc::new(Mutex::new(Vec::<Vec<Block>>::new())));
    let hash = Argon2::default().hash_password(b"a long walk in the rain").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(cores).build().unwrap();
    let begun = Instant::now();
    runtime.block_on(async {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (permits, kept, hash) = (Arc::clone(&permits), kept.clone(), hash.clone());
                tokio::spawn(async move {
                    for _ in 0..LOGINS_EACH {
                        let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
                        let (kept, hash) = (kept.clone(), hash.clone());
                        let right = tokio::task::spawn_blocking(move || {
                            let _permit = permit;
                            match kept {
                                None => Argon2::default().verify_password(b"wrong", &hash).is_ok(),
                                Some(kept) => {
                                    let mut memory = kept.lock().unwrap().pop().unwrap_or_default();
                                    let right = verify_in(&mut memory, &hash);
                                    kept.lock().unwrap().push(memory);
                                    right
                                }
                            }
                        });
                        assert!(!right.await.unwrap());
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
    });
    let rate = (CLIENTS * LOGINS_EACH) as f64 / begun.elapsed().as_secs_f64();
    println!("STORM {} {} {rate:.0}", mebibytes("VmHWM"), mebibytes("VmRSS"));
}

fn verify_in(memory: &mut Vec<Block>, hash: &PasswordHash) -> bool {
    let params = Params::try_from(hash).unwrap();
    memory.resize(params.block_count(), Block::default());
    let mut output = [0; 32];
    Argon2::from(params)
        .hash_password_into_with_memory(b"wrong", &hash.salt.unwrap(), &mut output, memory)
        .unwrap();
    Some(Output::new(&output).unwrap()) == hash.hash
}

/// From `/proc/self/status`: `VmHWM` is the most that was ever resident, `VmRSS` what is resident now.
fn mebibytes(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
}

/// Which C library gives out the memory: the numbers depend on it more than on anything else.
fn allocator() -> String {
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let text = said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "an unknown C library".to_owned())
}

//! How often each way to read a body asks the allocator for memory: one line for each, its name and the count.
//!
//! A program of its own, because whoever links the counting allocator allocates through it everywhere. The benchmarks start it
//! and put its counts beside their times.
//!
//! Read next: `groups/bodies.rs`.

#[path = "groups/ways.rs"]
mod ways;

use allocation_counter::measure;

fn main() {
    for (name, read) in ways::WAYS {
        let mut sound = false;
        let counted = measure(|| sound = read(ways::BODY));
        assert!(sound, "{name}: a sound body was refused");
        println!("{name} {}", counted.count_total);
    }
}

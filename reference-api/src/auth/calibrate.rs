//! `reference-api calibrate`: which cost of a password hash this machine can afford.

use std::{
    fmt,
    thread::available_parallelism,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::settings::{ARGON2_LEAST_KIB, ARGON2_LEAST_PASSES};

/// More memory than this for one login is more than most machines have to give.
const MOST_KIB: u32 = 1 << 20;

/// Odd, so that there is one in the middle.
const HASHES: usize = 5;

/// What was measured, and what follows from it. `Display` is the report for a terminal.
#[derive(Debug)]
pub struct Calibration {
    target: Duration,
    cores: usize,
    /// Memory in KiB, and how long one hash takes with it: the median of five.
    measured: Vec<(u32, Duration)>,
}

/// Measures hashes with twice the memory each time, until one takes longer than the target.
///
/// Memory rather than passes: it is what a guesser with special hardware has least of (RFC 9106 §4).
///
/// # Errors
/// If argon2 refuses the parameters, which would be a fault of ours.
pub fn calibrate(target: Duration) -> Result<Calibration, argon2::Error> {
    let mut measured = Vec::new();
    let mut kib = ARGON2_LEAST_KIB;
    while kib <= MOST_KIB {
        let took = median_time(kib)?;
        measured.push((kib, took));
        if took > target {
            break;
        }
        kib *= 2;
    }
    Ok(Calibration { target, cores: available_parallelism().map_or(1, usize::from), measured })
}

fn median_time(kib: u32) -> Result<Duration, argon2::Error> {
    let params = Params::new(kib, ARGON2_LEAST_PASSES, 1, None)?;
    // Made and touched once, as the service keeps it: the first touch of each page is not part of a login.
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut times = Vec::with_capacity(HASHES);
    for _ in 0..HASHES {
        let begun = Instant::now();
        argon2.hash_password_into_with_memory(b"password", b"a salt of bytes!", &mut [0; 32], &mut memory)?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times[HASHES / 2])
}

impl Calibration {
    /// The most memory that stays within the target; the minimum, if none does.
    fn suggested(&self) -> u32 {
        let within = self.measured.iter().filter(|(_, took)| *took <= self.target);
        within.map(|(kib, _)| *kib).max().unwrap_or(ARGON2_LEAST_KIB)
    }
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suggested = self.suggested();
        writeln!(
            f,
            "argon2id, {ARGON2_LEAST_PASSES} passes, 1 lane, {} cores, {HASHES} hashes each",
            self.cores
        )?;
        for (kib, took) in &self.measured {
            let took = took.as_secs_f64();
            let cores = u32::try_from(self.cores).unwrap_or(u32::MAX);
            writeln!(
                f,
                "  {:>5} MiB  {:>7.1} ms  at most {:>5.1} logins a second{}",
                kib / 1024,
                took * 1000.0,
                f64::from(cores) / took,
                if *kib == suggested { "   <- suggested" } else { "" }
            )?;
        }
        if self.measured.first().is_some_and(|(_, took)| *took > self.target) {
            writeln!(f, "Even the minimum takes longer than {:?}; it stays the minimum.", self.target)?;
        }
        if cfg!(debug_assertions) {
            writeln!(
                f,
                "This is a debug build, which hashes slower than what you will deploy. Measure that one:"
            )?;
            writeln!(f, "  cargo run --release --bin reference-api -- calibrate")?;
        }
        write!(f, "API_AUTH__ARGON2_KIB={suggested} API_AUTH__ARGON2_PASSES={ARGON2_LEAST_PASSES}")?;
        write!(f, "\nOlder hashes are made anew as their owners log in.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration(millis: &[u64]) -> Calibration {
        let doubled = (0..).map(|step| ARGON2_LEAST_KIB << step);
        let measured = doubled.zip(millis.iter().map(|millis| Duration::from_millis(*millis))).collect();
        Calibration { target: Duration::from_millis(50), cores: 2, measured }
    }

    #[test]
    fn the_most_memory_within_the_target_is_suggested() {
        assert_eq!(calibration(&[20, 40, 80]).suggested(), ARGON2_LEAST_KIB * 2);
    }

    #[test]
    fn a_machine_that_is_too_slow_for_the_minimum_is_told_the_minimum() {
        let calibration = calibration(&[90]);

        assert_eq!(calibration.suggested(), ARGON2_LEAST_KIB);
        assert!(calibration.to_string().contains("stays the minimum"), "{calibration}");
    }

    #[test]
    fn a_target_of_nothing_ends_after_the_first_measurement() {
        assert_eq!(calibrate(Duration::ZERO).unwrap().measured.len(), 1);
    }
}

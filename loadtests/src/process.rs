//! What a server process has used: processor time and memory, where the system tells (Linux).

use std::{fs, time::Duration};

use record::{Measure, Unit};

/// Ticks of `/proc/PID/stat` in a second. The kernel reports it as 100 to every program on the platforms that Rust supports.
const TICKS: u64 = 100;

/// Processor time that the process and its threads have used so far.
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    cpu_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Resident memory, in MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Memory {
    /// All of it. The pages of the program's file count as far as they are mapped, and how many of them the kernel maps
    /// around one that was asked for differs from run to run.
    pub(crate) resident: f64,
    /// What was allocated or written by this process, and is nobody else's.
    pub(crate) own: f64,
}

impl Memory {
    /// What the process holds now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        Self::read(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    fn read(status: &str) -> Option<Self> {
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kibibytes / 1024.0)
        };
        Some(Self { resident: mib("VmRSS:")?, own: mib("RssAnon:")? })
    }

    /// Both as columns of a table.
    pub(crate) fn measures(self) -> [Measure; 2] {
        [("resident", self.resident), ("its own", self.own)]
            .map(|(name, mib)| Measure::one(name, Unit::Mebibytes, mib))
    }
}

fn cpu_of(stat: &str) -> Option<Duration> {
    // The name in parentheses may hold spaces; after it the fields are counted from the third.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_user_and_system_ticks_also_after_a_name_with_spaces() {
        let stat = "42 (load (a) b) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 3 0 100 1000 200";
        assert_eq!(cpu_of(stat), Some(Duration::from_secs(2)));
    }

    #[test]
    fn resident_memory_is_told_in_mebibytes() {
        let status = "VmPeak: 9 kB\nVmRSS:\t   20480 kB\nRssAnon:\t    5120 kB\nRssFile:\t   15360 kB\n";
        assert_eq!(Memory::read(status), Some(Memory { resident: 20.0, own: 5.0 }));
    }
}

//! The machine that a number was measured on. Recorded reports and run files carry it.

use std::{env, fmt, fs, process::Command, thread};

use serde::{Deserialize, Serialize};

/// What stands in a field that this system does not tell.
const UNKNOWN: &str = "unknown";

/// Facts about a machine that a reader needs to judge a number from it. It holds no host or user name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name as its maker gives it, `unknown` where the system does not tell.
    pub cpu: String,
    /// How many threads can run at once for this process: logical cores, or fewer under a limit.
    pub cores: usize,
    /// Main memory in GiB, rounded; `null` where the system does not tell.
    pub memory_gib: Option<u64>,
    /// System, release and architecture.
    pub os: String,
    /// The version of the compiler that built this program.
    pub rustc: String,
}

impl Machine {
    /// The machine that this program runs on. Reads files or asks a system tool once; takes a few milliseconds.
    pub fn current() -> Self {
        Self {
            cpu: cpu().unwrap_or_else(|| UNKNOWN.to_owned()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_gib: memory_gib(),
            os: os(),
            rustc: env!("BUILT_BY_RUSTC").to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, memory_gib, os, rustc } = self;
        write!(f, "{cpu}, {cores} cores")?;
        if let Some(gib) = memory_gib {
            write!(f, ", {gib} GiB")?;
        }
        write!(f, ", {os}, rustc {rustc}")
    }
}

fn cpu() -> Option<String> {
    match env::consts::OS {
        "linux" => cpu_of(&fs::read_to_string("/proc/cpuinfo").ok()?),
        "macos" => sysctl("machdep.cpu.brand_string"),
        "windows" => env::var("PROCESSOR_IDENTIFIER").ok(),
        _ => None,
    }
}

/// ARM kernels name no model, so the field may be missing on Linux too.
fn cpu_of(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    let name = line.split_once(':')?.1.split_whitespace().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

fn memory_gib() -> Option<u64> {
    const GIB: u64 = 1 << 30;
    let bytes = match env::consts::OS {
        "linux" => memory_of(&fs::read_to_string("/proc/meminfo").ok()?)?,
        "macos" => sysctl("hw.memsize")?.parse().ok()?,
        _ => return None,
    };
    Some((bytes + GIB / 2) / GIB)
}

fn memory_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn os() -> String {
    let (family, architecture) = (env::consts::OS, env::consts::ARCH);
    let name = match family {
        "linux" => fs::read_to_string("/etc/os-release").ok().and_then(|text| distribution_of(&text)),
        "macos" => sysctl("kern.osproductversion").map(|version| format!("macOS {version}")),
        _ => None,
    };
    format!("{} {architecture}", name.unwrap_or_else(|| family.to_owned()))
}

fn distribution_of(os_release: &str) -> Option<String> {
    let value = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches('"').to_owned())
}

fn sysctl(name: &str) -> Option<String> {
    let said = Command::new("sysctl").args(["-n", name]).output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    let text = text.trim();
    (said.status.success() && !text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named_by_its_model_without_the_padding() {
        let cpuinfo = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7B13   64-Core\n";
        assert_eq!(cpu_of(cpuinfo).as_deref(), Some("AMD EPYC 7B13 64-Core"));
    }

    #[test]
    fn a_kernel_that_names_no_model_leaves_the_processor_unknown() {
        assert_eq!(cpu_of("processor\t: 0\nBogoMIPS\t: 48.00\n"), None);
    }

    #[test]
    fn memory_is_read_in_kibibytes_and_told_in_bytes() {
        assert_eq!(memory_of("MemFree: 1 kB\nMemTotal:       24683656 kB\n"), Some(24_683_656 * 1024));
    }

    #[test]
    fn the_distribution_is_the_pretty_name_without_its_quotes() {
        let text = "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(distribution_of(text).as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
    }

    #[test]
    fn the_compiler_of_this_build_is_known_by_its_version() {
        let rustc = Machine::current().rustc;
        assert!(rustc.starts_with("1."), "{rustc}");
    }
}

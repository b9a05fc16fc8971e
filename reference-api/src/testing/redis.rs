//! A throwaway Redis for one test, on a socket in a folder of its own. Without `redis-server` such a test is left out and says
//! so; with `REQUIRE_REDIS` set, as in CI, that is a failure.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;

/// A server that ends when this is dropped, or when the test binary ends in whatever way.
pub(crate) struct Redis {
    folder: TempDir,
    shell: Child,
    answers: BufReader<ChildStdout>,
}

// The shell does what it reads until our end of the pipe is closed, and then ends the server.
const SUPERVISOR: &str = r#"
folder=$1
start() {
    redis-server --port 0 --unixsocket "$folder/socket" --dir "$folder" --save "" --appendonly no >"$folder/log" 2>&1 &
    server=$!
    # The socket is there before anybody answers at it.
    until redis-cli -s "$folder/socket" ping >"$folder/ping" 2>&1 && grep -q PONG "$folder/ping"; do
        kill -0 $server 2>/dev/null || { cat "$folder/log"; exit 1; }
        sleep 0.05
    done
    echo ready
}
stop() {
    kill -KILL $server
    wait $server
    server=
    # What a killed server leaves behind would pass for the next one.
    rm -f "$folder/socket"
}
start
while read -r command; do
    case $command in
        stop) stop; echo gone ;;
        start) start ;;
    esac
done
[ -z "$server" ] || stop
"#;

impl Redis {
    /// `None` where Redis is not installed.
    pub(crate) fn start() -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&path).any(|folder| folder.join("redis-server").is_file()) {
            assert!(
                env::var_os("REQUIRE_REDIS").is_none(),
                "REQUIRE_REDIS is set, and `redis-server` is not in PATH"
            );
            // Past the capture of test output: who runs the tests has to see it.
            let _ = std::io::stderr()
                .write_all(b"\nRedis is not installed: the tests of what replicas share are left out.\n\n");
            return None;
        }
        // Short: the path of a socket holds 107 bytes.
        let folder = tempfile::Builder::new().prefix("redis-").tempdir_in("/tmp").unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", SUPERVISOR, "sh"]).arg(folder.path());
        // Ctrl-C goes to the whole group of a terminal. The shell must live on to end the server.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(shell.stdout.take().unwrap());
        let mut redis = Self { folder, shell, answers };
        redis.expect("ready");
        Some(redis)
    }

    /// Kills the server. What it remembered is gone.
    pub(crate) fn stop(&mut self) {
        self.tell("stop");
        self.expect("gone");
    }

    /// Starts another one at the same address.
    pub(crate) fn start_again(&mut self) {
        self.tell("start");
        self.expect("ready");
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.shell.stdin.as_ref().unwrap(), "{command}").unwrap();
    }

    #[track_caller]
    fn expect(&mut self, answer: &str) {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), answer, "Redis did not do what it was told to");
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("unix://{}/socket", self.folder.path().display())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

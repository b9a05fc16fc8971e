//! Runs a program that nobody trusts: in a process group of its own, with a limit on its time and on what it prints.

use std::{
    io::{self, Read as _},
    process::{ExitStatus, Stdio},
    thread,
    time::Duration,
};

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::{process::Command, sync::mpsc, time};

/// What a program may use up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long it may run.
    pub time: Duration,
    /// How many bytes it may print, on standard output and standard error together.
    pub output: usize,
}

impl Limits {
    /// For a learner's answer: with a warm build before it, the verdict is there within 20 s.
    pub const ANSWER: Self = Self { time: Duration::from_secs(17), output: 1024 * 1024 };
}

/// What became of a program.
#[derive(Debug)]
pub struct Trial {
    /// What it printed on both streams, in the order in which it came, as far as the limit allows.
    pub output: String,
    /// How it came to its end.
    pub ended: Ended,
}

/// How a program came to its end. In all cases its whole process group has ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    Exited(ExitStatus),
    /// It ran longer than allowed and was ended.
    TimeUp(Duration),
    /// It printed more than allowed and was ended.
    TooMuchOutput(usize),
    /// Somebody interrupted the runner.
    Interrupted,
}

/// After a program has ended, what it printed last may still be on its way. A process that has left the group may hold the
/// stream open for ever.
const STRAGGLERS: Duration = Duration::from_millis(200);

/// Runs the program without standard input.
///
/// # Errors
/// If it cannot be started.
pub async fn run(
    mut command: Command,
    limits: Limits,
    interrupted: impl Future<Output = ()>,
) -> io::Result<Trial> {
    // One pipe for both streams keeps their order: a panic stands where it happened.
    let (mut reader, writer) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = in_own_group(command)?;
    let (sender, mut chunks) = mpsc::channel::<Vec<u8>>(16);
    // A thread, because a pipe cannot be read asynchronously on all systems. It ends with the last writer, or with us.
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            if sender.blocking_send(buffer[..length].to_vec()).is_err() {
                break;
            }
        }
    });

    let mut output = Vec::new();
    let ended = {
        let deadline = time::sleep(limits.time);
        tokio::pin!(deadline, interrupted);
        let mut open = true;
        loop {
            tokio::select! {
                () = &mut interrupted => break Ended::Interrupted,
                () = &mut deadline => break Ended::TimeUp(limits.time),
                chunk = chunks.recv(), if open => match chunk {
                    Some(chunk) => output.extend(chunk),
                    None => open = false,
                },
                status = child.wait() => break Ended::Exited(status?),
            }
            if output.len() > limits.output {
                break Ended::TooMuchOutput(limits.output);
            }
        }
    };
    end_group(child.as_mut());
    if let Ended::Exited(_) = ended {
        let rest = async {
            while let Some(chunk) = chunks.recv().await {
                output.extend(chunk);
            }
        };
        // Past the time it is a process outside the group that keeps the stream open; what it prints is not ours.
        let _ = time::timeout(STRAGGLERS, rest).await;
    } else {
        // Reaps it. It was killed, so this does not wait for the program.
        child.wait().await?;
    }
    output.truncate(limits.output);
    Ok(Trial { output: String::from_utf8_lossy(&output).into_owned(), ended })
}

/// Starts a program as the leader of a new process group (a job on Windows).
pub(crate) fn in_own_group(command: Command) -> io::Result<Box<dyn ChildWrapper>> {
    let mut command = CommandWrap::from(command);
    #[cfg(unix)]
    command.wrap(process_wrap::tokio::ProcessGroup::leader());
    #[cfg(windows)]
    command.wrap(process_wrap::tokio::JobObject);
    command.wrap(KillOnDrop);
    command.spawn()
}

/// Ends the whole group. An error means that nobody of it is left.
pub(crate) fn end_group(child: &mut dyn ChildWrapper) {
    let _ = child.start_kill();
}

/// Resolves when somebody asks this program to end: Ctrl-C, a closed terminal, or a request of the system.
///
/// # Errors
/// If the system does not let us listen.
pub fn interruption() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // Listening starts here, not at the first poll: a signal in between is not lost.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
        })
    }
    #[cfg(windows)]
    {
        let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
        let mut close = tokio::signal::windows::ctrl_close()?;
        Ok(async move {
            tokio::select! {
                _ = ctrl_c.recv() => {}
                _ = close.recv() => {}
            }
        })
    }
}

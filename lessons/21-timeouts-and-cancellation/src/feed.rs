//! A device that sends frames of eight bytes, in two halves, and a clock that ticks between the halves.

use std::pin::Pin;

use axum::{Router, http::StatusCode, routing::get};
use lab::Probes;
use tokio::{
    io::{AsyncWriteExt, DuplexStream},
    sync::mpsc,
};

/// Eight bytes that belong together: four times the number of the frame, four times its complement.
pub type Frame = [u8; 8];

/// What a reader is handed.
#[derive(Debug)]
pub struct Feed {
    /// The bytes of the device.
    pub input: DuplexStream,
    /// Ticks, at each of which the reader reports that it is alive.
    pub ticks: mpsc::Receiver<()>,
}

/// A way to read frames, in a box so that experiments can name it.
pub(crate) type Reader = fn(Feed) -> Pin<Box<dyn Future<Output = Vec<Frame>> + Send>>;

pub(crate) const SENT: &str = "frames sent";
pub(crate) const WHOLE: &str = "frames read whole";
pub(crate) const GARBLED: &str = "frames read garbled";

/// How many frames the device sends.
pub(crate) const FRAMES: u8 = 20;

/// `GET /feed` reads all that the device sends, and counts what came of it.
pub(crate) fn counted(probes: &Probes, reader: Reader) -> Router {
    let (sent, whole, garbled) = (probes.counter(SENT), probes.counter(WHOLE), probes.counter(GARBLED));
    let read = move || async move {
        let (device, input) = tokio::io::duplex(64);
        let (clock, ticks) = mpsc::channel(1);
        // One task, in which reader and device take turns: who comes when is the same in every run.
        let (frames, ()) = tokio::join!(reader(Feed { input, ticks }), send(device, clock));
        (0..FRAMES).for_each(|_| sent.add_one());
        for frame in frames {
            if is_whole(frame) { &whole } else { &garbled }.add_one();
        }
        StatusCode::NO_CONTENT
    };
    Router::new().route("/feed", get(read))
}

async fn send(mut device: DuplexStream, clock: mpsc::Sender<()>) {
    for number in 0..FRAMES {
        // The reader lives as long as the device, and 64 bytes hold more than a frame: no write fails or waits.
        let _ = device.write_all(&[number; 4]).await;
        turns().await;
        let _ = clock.send(()).await;
        turns().await;
        let _ = device.write_all(&[!number; 4]).await;
        turns().await;
    }
}

/// Lets the reader take what is there, and tasks of its own as well.
async fn turns() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

fn is_whole([a, b, c, d, e, f, g, h]: Frame) -> bool {
    [b, c, d] == [a; 3] && [e, f, g, h] == [!a; 4]
}

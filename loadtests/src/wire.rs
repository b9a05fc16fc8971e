//! One HTTP/1.1 connection of a load generator: a request that is ready as bytes, and no more parsing than its answer needs.
//!
//! A general client builds, checks and allocates for each request. Against a server that answers in ten microseconds the
//! generator would be the limit. This one reads status and length, and nothing else.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Wired(Vec<u8>);

impl Wired {
    /// A request with the headers that every client sends, and these.
    pub(crate) fn new(
        address: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&serde_json::Value>,
    ) -> Self {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nAccept: */*\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = body.map(ToString::to_string).unwrap_or_default();
        if !body.is_empty() {
            text.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(&body);
        Self(text.into_bytes())
    }

    /// A GET request without headers of its own.
    pub(crate) fn get(address: SocketAddr, path: &str) -> Self {
        Self::new(address, "GET", path, &[], None)
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether the server keeps the connection.
    keeps: bool,
    /// Where the body lies in the buffer.
    body: std::ops::Range<usize>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Wire {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Wire {
    /// A connection that is opened with its first request.
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::with_capacity(16 * 1024) }
    }

    /// Sends the request and reads the answer to its end.
    pub(crate) async fn ask(&mut self, request: &Wired) -> io::Result<Answer> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        let answer = exchange(stream, &mut self.buffer, &request.0).await;
        if !answer.as_ref().is_ok_and(|answer| answer.keeps) {
            self.stream = None;
        }
        answer
    }

    /// The body of the answer that was read last.
    pub(crate) fn body(&self, answer: &Answer) -> &[u8] {
        self.buffer.get(answer.body.clone()).unwrap_or_default()
    }
}

async fn exchange(stream: &mut TcpStream, buffer: &mut Vec<u8>, request: &[u8]) -> io::Result<Answer> {
    stream.write_all(request).await?;
    buffer.clear();
    let head = loop {
        if let Some(head) = Head::of(buffer) {
            break head;
        }
        read_more(stream, buffer).await?;
    };
    let end = match head.length {
        Length::Bytes(bytes) => {
            while buffer.len() < head.end + bytes {
                read_more(stream, buffer).await?;
            }
            head.end + bytes
        }
        // The generator does not look into bodies, so the chunks need not be joined. The last one is empty.
        Length::Chunked => {
            while !buffer.ends_with(b"0\r\n\r\n") {
                read_more(stream, buffer).await?;
            }
            buffer.len()
        }
    };
    Ok(Answer { status: head.status, keeps: head.keeps, body: head.end..end })
}

async fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

#[derive(Debug, PartialEq)]
enum Length {
    Bytes(usize),
    Chunked,
}

#[derive(Debug, PartialEq)]
struct Head {
    status: u16,
    length: Length,
    keeps: bool,
    /// Where the body begins.
    end: usize,
}

impl Head {
    /// The head of an answer; `None` while its end has not come, or if it is none.
    fn of(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let mut lines = text.split("\r\n");
        let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let mut head = Self { status, length: Length::Bytes(0), keeps: true, end: end + 4 };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.length = Length::Bytes(value.parse().ok()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.length = Length::Chunked;
            } else if name.eq_ignore_ascii_case("connection") {
                head.keeps = !value.eq_ignore_ascii_case("close");
            }
        }
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_head_is_read_whatever_the_case_of_its_names() {
        let head =
            Head::of(b"HTTP/1.1 200 OK\r\nCONTENT-length: 5\r\nConnection: Close\r\n\r\nhello").unwrap();
        assert_eq!((head.status, head.length, head.keeps, head.end), (200, Length::Bytes(5), false, 57));
        assert_eq!(Head::of(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"), None);
    }

    #[test]
    fn a_body_goes_along_with_its_type_and_length() {
        let address = "127.0.0.1:80".parse().unwrap();
        let body = serde_json::json!({ "a": 1 });
        let wired = Wired::new(address, "POST", "/x", &[("Authorization", "Bearer t")], Some(&body));
        let text = String::from_utf8(wired.0).unwrap();
        assert!(text.starts_with("POST /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\n"), "{text}");
        assert!(text.contains("Authorization: Bearer t\r\n"), "{text}");
        assert!(
            text.ends_with("Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_read_to_its_end_and_the_connection_is_used_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            for pieces in [
                ["HTTP/1.1 200 OK\r\nContent-Le", "ngth: 5\r\n\r\nhel", "lo"],
                ["HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\nno\r\n", "0\r\n\r\n"],
            ] {
                assert!(stream.read(&mut request).await.unwrap() > 0);
                for piece in pieces {
                    stream.write_all(piece.as_bytes()).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut wire = Wire::to(address);
        let request = Wired::get(address, "/");

        let first = wire.ask(&request).await.unwrap();
        assert_eq!((first.status, wire.body(&first)), (200, &b"hello"[..]));
        assert_eq!(wire.ask(&request).await.unwrap().status, 503);
        server.await.unwrap();
    }
}

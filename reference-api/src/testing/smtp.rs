//! A mail server that says what a test tells it to: as much of SMTP as a client needs to hand over one mail.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// What the server answers to a recipient, and what it has taken.
#[derive(Debug)]
pub(crate) struct MailServer {
    answer: Mutex<&'static str>,
    taken: Mutex<Vec<String>>,
}

impl MailServer {
    /// Its address, and the server. It ends with the runtime of the test.
    pub(crate) async fn start() -> (String, Arc<Self>) {
        let server = Arc::new(Self { answer: Mutex::new("250 OK"), taken: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let accepting = server.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let server = accepting.clone();
                // Ends with an error where the client hangs up, as it may.
                tokio::spawn(async move { server.serve(socket).await });
            }
        });
        (url, server)
    }

    /// From now on recipients are answered with that line.
    pub(crate) fn answer(&self, line: &'static str) {
        *self.answer.lock().unwrap() = line;
    }

    /// The mails that it has taken so far.
    pub(crate) fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    async fn serve(&self, socket: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = socket.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 mail.test ESMTP\r\n").await?;
        while let Some(line) = lines.next_line().await? {
            let answer = match line.split([' ', ':']).next() {
                Some("EHLO") => "250 mail.test",
                Some("RCPT") => *self.answer.lock().unwrap(),
                Some("DATA") => {
                    write.write_all(b"354 go on\r\n").await?;
                    let mut mail = String::new();
                    while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                        mail.push_str(&line);
                        mail.push('\n');
                    }
                    self.taken.lock().unwrap().push(mail);
                    "250 OK"
                }
                _ => "250 OK",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}

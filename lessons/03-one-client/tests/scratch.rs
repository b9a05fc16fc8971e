//! scratch, never committed
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use axum::{Router, routing::get, extract::Path, serve::Listener};
struct L(tokio::net::TcpListener, Arc<AtomicUsize>);
impl Listener for L { type Io = tokio::net::TcpStream; type Addr = std::net::SocketAddr;
 async fn accept(&mut self) -> (Self::Io, Self::Addr) { let a = Listener::accept(&mut self.0).await; self.1.fetch_add(1, Ordering::SeqCst); a }
 fn local_addr(&self) -> std::io::Result<Self::Addr> { self.0.local_addr() } }
fn start() -> (String, Arc<AtomicUsize>) {
  let n = Arc::new(AtomicUsize::new(0)); let m = n.clone(); let (tx, rx) = std::sync::mpsc::channel();
  std::thread::spawn(move || { let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
   rt.block_on(async move { let l = tokio::net::TcpListener::bind(("127.0.0.1",0)).await.unwrap(); tx.send(l.local_addr().unwrap()).unwrap();
     axum::serve(L(l, m), Router::new().route("/{n}", get(|Path(n): Path<usize>| async move { vec![b'x'; n] }))).await.unwrap(); }) });
  (format!("http://{}", rx.recv().unwrap()), n) }
#[test]
fn body_not_read() {
  let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
  for size in [0usize, 10, 1000, 8_000, 16_000, 64_000, 100_000, 200_000, 400_000, 1_000_000, 4_000_000] {
   let mut seen = Vec::new();
   for _ in 0..5 {
    let (url, n) = start();
    rt.block_on(async { tokio::spawn(async move { let c = reqwest::Client::new(); for _ in 0..20 { let r = c.get(format!("{url}/{size}")).send().await.unwrap(); assert!(r.status().is_success()); drop(r); } }).await.unwrap() });
    seen.push(n.load(Ordering::SeqCst));
   }
   println!("unread body of {size}: connections {seen:?}");
  }
  let t = std::time::Instant::now(); for _ in 0..20 { std::hint::black_box(reqwest::Client::new()); } println!("Client::new: {:?}", t.elapsed()/20);
  for _ in 0..5 { 
  for (at_once, total) in [(4usize, 20usize), (8, 40), (8, 16), (8,20), (2,20)] {
    let (url, n) = start();
    rt.block_on(async { tokio::spawn(async move { let c = reqwest::Client::new(); let left = Arc::new(AtomicUsize::new(total)); let mut set = tokio::task::JoinSet::new();
      for _ in 0..at_once { let (c, url, left) = (c.clone(), url.clone(), left.clone()); set.spawn(async move { while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() { c.get(format!("{url}/10")).send().await.unwrap().bytes().await.unwrap(); } }); } set.join_all().await; }).await.unwrap() });
    print!("[{at_once} at once, {total}: {}] ", n.load(Ordering::SeqCst));
  } println!(); }
}

//! Must not compile: a trait with an `async fn` behind a pointer.

use std::sync::Arc;

// ANCHOR: dyn_async
trait Members {
    async fn find(&self, email: &str) -> Option<String>;
}

struct Service {
    members: Arc<dyn Members>,
}
// ANCHOR_END: dyn_async

fn main() {
    drop(|service: Service| service.members);
}

//! Must not compile: `body_first.rs` with the attribute that makes the compiler say why.

use axum::{Json, Router, routing::post};
use extractors::{Directory, NewOrder, right::User};

// ANCHOR: body_first_explained
#[axum::debug_handler(state = Directory)]
async fn order(Json(order): Json<NewOrder>, _: User) -> String {
    order.item
}
// ANCHOR_END: body_first_explained

fn main() {
    let routes: Router<Directory> = Router::new();
    drop(routes.route("/orders", post(order)));
}

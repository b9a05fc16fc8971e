//! Must not compile: the body is taken before the user, and a body can be taken once, at the end.

use axum::{Json, Router, routing::post};
use extractors::{Directory, NewOrder, right::User};

// ANCHOR: body_first
async fn order(Json(order): Json<NewOrder>, _: User) -> String {
    order.item
}
// ANCHOR_END: body_first

fn main() {
    let routes: Router<Directory> = Router::new();
    drop(routes.route("/orders", post(order)));
}

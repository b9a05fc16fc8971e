//! What holds: the owner stands in the statement, a policy says which rows a user may touch, and what may not be seen does
//! not exist.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    middleware::from_extractor,
    routing::get,
};
use lab::Probes;

use crate::{
    orders::{Order, Orders, Scope},
    users::{Role, User},
};

/// The service.
pub async fn owner_in_the_query(_: Probes) -> Router {
    // ANCHOR: route_layer
    // Around the routes that exist: what does not exist is answered 404 to everybody.
    routes().route_layer(from_extractor::<User>())
    // ANCHOR_END: route_layer
}

/// All routes, still without the guard in front.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/orders", get(list_orders))
        .route("/orders/count", get(count_orders))
        .route("/orders/{id}", get(get_order).delete(cancel_order))
        .route("/report", get(report))
        .with_state(Orders::new())
}

// ANCHOR: policy
/// Who may do what. The one place to read, to test and to change.
impl User {
    /// The orders that the user may know of.
    fn may_see(self) -> Scope {
        match self.role {
            Role::Customer => Scope::OwnedBy(self.name),
            Role::Support | Role::Admin => Scope::All,
        }
    }

    /// The orders that the user may cancel.
    fn may_cancel(self) -> Scope {
        match self.role {
            // Support may place orders as well, and cancel those.
            Role::Customer | Role::Support => Scope::OwnedBy(self.name),
            Role::Admin => Scope::All,
        }
    }

    /// Whether the user may read the report.
    fn may_report(self) -> bool {
        // No `_` arm: a new role does not compile until somebody has decided.
        match self.role {
            Role::Customer => false,
            Role::Support | Role::Admin => true,
        }
    }
}
// ANCHOR_END: policy

// ANCHOR: handlers
async fn get_order(
    State(orders): State<Orders>,
    Path(id): Path<u32>,
    user: User,
) -> Result<Json<Order>, StatusCode> {
    // `WHERE id = ? AND owner = ?`: somebody else's order is no row, like one that was never placed.
    orders.find_within(user.may_see(), id).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn cancel_order(
    State(orders): State<Orders>,
    Path(id): Path<u32>,
    user: User,
) -> Result<StatusCode, StatusCode> {
    // The statement that changes is the one that decides. Between a look and a change the owner could be another.
    if orders.cancel_within(user.may_cancel(), id).is_some() {
        return Ok(StatusCode::NO_CONTENT);
    }
    // 403 only to somebody who may know that the order is there.
    match orders.find_within(user.may_see(), id) {
        Some(_) => Err(StatusCode::FORBIDDEN),
        None => Err(StatusCode::NOT_FOUND),
    }
}
// ANCHOR_END: handlers

async fn list_orders(State(orders): State<Orders>, user: User) -> Json<Vec<Order>> {
    Json(orders.list_within(user.may_see()))
}

async fn count_orders(State(orders): State<Orders>, user: User) -> Json<usize> {
    // A count tells about rows as a list does.
    Json(orders.count_within(user.may_see()))
}

async fn report(State(orders): State<Orders>, user: User) -> Result<Json<usize>, StatusCode> {
    // The report is no secret, it stands in the documentation. So 403, and no word about what would be needed.
    if user.may_report() { Ok(Json(orders.count())) } else { Err(StatusCode::FORBIDDEN) }
}

//! A policy gives each user a scope, and each statement takes one: what is outside of it is no row.

#[path = "../checks.rs"]
mod checks;

use authorization::{
    orders::{Order, Orders, Scope},
    users::{Role, User},
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    middleware::from_extractor,
    routing::get,
};

fn app(orders: Orders) -> Router {
    Router::new()
        .route("/orders", get(list_orders))
        .route("/orders/count", get(count_orders))
        .route("/orders/{id}", get(get_order).delete(cancel_order))
        .route("/report", get(report))
        .with_state(orders)
        // Around the routes that exist, so that others are answered 404 to everybody.
        .route_layer(from_extractor::<User>())
}

fn may_see(user: User) -> Scope {
    match user.role {
        Role::Customer => Scope::OwnedBy(user.name),
        Role::Support | Role::Admin => Scope::All,
    }
}

fn may_cancel(user: User) -> Scope {
    match user.role {
        Role::Customer | Role::Support => Scope::OwnedBy(user.name),
        Role::Admin => Scope::All,
    }
}

async fn list_orders(State(orders): State<Orders>, user: User) -> Json<Vec<Order>> {
    Json(orders.list_within(may_see(user)))
}

async fn count_orders(State(orders): State<Orders>, user: User) -> Json<usize> {
    Json(orders.count_within(may_see(user)))
}

async fn get_order(
    State(orders): State<Orders>,
    Path(id): Path<u32>,
    user: User,
) -> Result<Json<Order>, StatusCode> {
    orders.find_within(may_see(user), id).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn cancel_order(
    State(orders): State<Orders>,
    Path(id): Path<u32>,
    user: User,
) -> Result<StatusCode, StatusCode> {
    // The statement that changes is the one that decides.
    if orders.cancel_within(may_cancel(user), id).is_some() {
        return Ok(StatusCode::NO_CONTENT);
    }
    // 403 only to somebody who may know that the order is there.
    let seen = orders.find_within(may_see(user), id).is_some();
    Err(if seen { StatusCode::FORBIDDEN } else { StatusCode::NOT_FOUND })
}

async fn report(State(orders): State<Orders>, user: User) -> Result<Json<usize>, StatusCode> {
    match user.role {
        Role::Customer => Err(StatusCode::FORBIDDEN),
        Role::Support | Role::Admin => Ok(Json(orders.count())),
    }
}

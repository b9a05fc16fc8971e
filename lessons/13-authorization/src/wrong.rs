//! What people write. Each owner sees their orders, staff see the report, and strangers without a token are refused.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    middleware::from_extractor,
    routing::get,
};
use lab::Probes;
use serde::Deserialize;

use crate::{
    orders::{Order, Orders, Scope},
    right,
    users::{self, Role, User},
};

/// Everything asks which role the user has. Nothing asks whose order it is.
pub async fn role_only(_: Probes) -> Router {
    // ANCHOR: role_only
    /// The user of the request, if the role is one of those.
    fn require(headers: &HeaderMap, roles: &[Role]) -> Result<User, StatusCode> {
        let name = users::session(headers).ok_or(StatusCode::UNAUTHORIZED)?;
        let user = users::find(name).ok_or(StatusCode::NOT_FOUND)?;
        roles.contains(&user.role).then_some(user).ok_or(StatusCode::FORBIDDEN)
    }

    const ANYBODY: &[Role] = &[Role::Customer, Role::Support, Role::Admin];

    async fn get_order(
        State(orders): State<Orders>,
        Path(id): Path<u32>,
        headers: HeaderMap,
    ) -> Result<Json<Order>, StatusCode> {
        require(&headers, ANYBODY)?;
        // The number in the address is the only thing that decides whose order this is.
        orders.find(id).map(Json).ok_or(StatusCode::NOT_FOUND)
    }
    // ANCHOR_END: role_only

    #[derive(Deserialize)]
    struct Filter {
        owner: Option<String>,
    }

    async fn list_orders(
        State(orders): State<Orders>,
        Query(filter): Query<Filter>,
        headers: HeaderMap,
    ) -> Result<Json<Vec<Order>>, StatusCode> {
        require(&headers, ANYBODY)?;
        // The page always sends `?owner=` with the name of whoever is logged in.
        let wanted = |order: &Order| filter.owner.as_ref().is_none_or(|owner| *owner == order.owner);
        Ok(Json(orders.list().into_iter().filter(wanted).collect()))
    }

    async fn count_orders(
        State(orders): State<Orders>,
        headers: HeaderMap,
    ) -> Result<Json<usize>, StatusCode> {
        require(&headers, ANYBODY)?;
        Ok(Json(orders.count()))
    }

    async fn cancel_order(
        State(orders): State<Orders>,
        Path(id): Path<u32>,
        headers: HeaderMap,
    ) -> Result<StatusCode, StatusCode> {
        require(&headers, &[Role::Customer, Role::Admin])?;
        orders.cancel(id).map(|_| StatusCode::NO_CONTENT).ok_or(StatusCode::NOT_FOUND)
    }

    async fn report(State(orders): State<Orders>, headers: HeaderMap) -> Result<Json<usize>, StatusCode> {
        require(&headers, &[Role::Support, Role::Admin])?;
        Ok(Json(orders.count()))
    }

    Router::new()
        .route("/orders", get(list_orders))
        .route("/orders/count", get(count_orders))
        .route("/orders/{id}", get(get_order).delete(cancel_order))
        .route("/report", get(report))
        .with_state(Orders::new())
}

/// The owner is compared, after the row was fetched, and where somebody thought of it.
pub async fn check_after_fetch(_: Probes) -> Router {
    // ANCHOR: check_after_fetch
    async fn get_order(
        State(orders): State<Orders>,
        Path(id): Path<u32>,
        user: User,
    ) -> Result<Json<Order>, StatusCode> {
        let order = orders.find(id).ok_or(StatusCode::NOT_FOUND)?;
        if user.role == Role::Customer && order.owner != user.name {
            // True, and it says that there is such an order.
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(Json(order))
    }

    async fn cancel_order(
        State(orders): State<Orders>,
        Path(id): Path<u32>,
        user: User,
    ) -> Result<StatusCode, StatusCode> {
        let order = orders.cancel(id).ok_or(StatusCode::NOT_FOUND)?;
        // The answer is right. The order is gone.
        if user.role != Role::Admin && order.owner != user.name {
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(StatusCode::NO_CONTENT)
    }
    // ANCHOR_END: check_after_fetch

    async fn list_orders(State(orders): State<Orders>, user: User) -> Json<Vec<Order>> {
        let scope = if user.role == Role::Customer { Scope::OwnedBy(user.name) } else { Scope::All };
        Json(orders.list_within(scope))
    }

    // Only a number, so nobody thought of its owner.
    async fn count_orders(State(orders): State<Orders>, _: User) -> Json<usize> {
        Json(orders.count())
    }

    async fn report(State(orders): State<Orders>, user: User) -> Result<Json<usize>, StatusCode> {
        if user.role == Role::Customer {
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(Json(orders.count()))
    }

    Router::new()
        .route("/orders", get(list_orders))
        .route("/orders/count", get(count_orders))
        .route("/orders/{id}", get(get_order).delete(cancel_order))
        .route("/report", get(report))
        .with_state(Orders::new())
}

/// The guard stands in front of everything, also of what does not exist.
pub async fn layer(_: Probes) -> Router {
    // ANCHOR: layer
    right::routes().layer(from_extractor::<User>())
    // ANCHOR_END: layer
}

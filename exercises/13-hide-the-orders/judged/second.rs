//! Handlers never see the table: an extractor hands each of them the table as its user may use it.

#[path = "../checks.rs"]
mod checks;

use authorization::{
    orders::{Order, Orders, Scope},
    users::{Role, Unauthenticated, User},
};
use axum::{
    Json, Router,
    extract::{FromRef, FromRequestParts, Path},
    http::{StatusCode, request::Parts},
    routing::get,
};

/// The table, seen by one user. It is the only way to it, so a handler that forgets to ask does not exist.
struct OrdersOf {
    orders: Orders,
    user: User,
}

impl<S: Send + Sync> FromRequestParts<S> for OrdersOf
where
    Orders: FromRef<S>,
{
    type Rejection = Unauthenticated;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Unauthenticated> {
        let user = User::from_request_parts(parts, state).await?;
        Ok(Self { orders: Orders::from_ref(state), user })
    }
}

impl OrdersOf {
    fn seen(&self) -> Scope {
        if self.user.role == Role::Customer { Scope::OwnedBy(self.user.name) } else { Scope::All }
    }

    fn get(&self, id: u32) -> Result<Order, StatusCode> {
        self.orders.find_within(self.seen(), id).ok_or(StatusCode::NOT_FOUND)
    }

    fn cancel(&self, id: u32) -> Result<(), StatusCode> {
        // First whether there is such an order for this user at all. The statement after it still decides.
        self.get(id)?;
        let own = Scope::OwnedBy(self.user.name);
        let scope = if self.user.role == Role::Admin { Scope::All } else { own };
        self.orders.cancel_within(scope, id).map(|_| ()).ok_or(StatusCode::FORBIDDEN)
    }

    fn report(&self) -> Result<usize, StatusCode> {
        (self.user.role != Role::Customer).then(|| self.orders.count()).ok_or(StatusCode::FORBIDDEN)
    }
}

fn app(orders: Orders) -> Router {
    Router::new()
        .route("/orders", get(async |mine: OrdersOf| Json(mine.orders.list_within(mine.seen()))))
        .route("/orders/count", get(async |mine: OrdersOf| Json(mine.orders.count_within(mine.seen()))))
        .route(
            "/orders/{id}",
            get(async |mine: OrdersOf, Path(id): Path<u32>| mine.get(id).map(Json)).delete(
                async |mine: OrdersOf, Path(id): Path<u32>| mine.cancel(id).map(|()| StatusCode::NO_CONTENT),
            ),
        )
        .route("/report", get(async |mine: OrdersOf| mine.report().map(Json)))
        .with_state(orders)
}

//! `GET /events`: the socket.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{
        FromRequestParts, Request, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code},
    },
    http::{HeaderMap, HeaderValue, Uri, header},
    middleware::Next,
    response::Response,
};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

use super::Seat;
use crate::{
    auth::{CurrentUser, authenticate, bearer},
    error::ApiError,
    openapi::{OriginProblems, TokenProblems},
    settings::Settings,
    state::AppState,
};

/// What a client asks for, and what the server answers with.
const PROTOCOL: &str = "items.v1";
/// A browser cannot set a header on a WebSocket. It can offer protocols, which reach no log of addresses.
const TOKEN_PROTOCOL: &str = "bearer.";

/// A client has nothing to say: what it sends is answered to pings, and small.
const LARGEST_MESSAGE: usize = 4 * 1024;
/// How many messages of a client in [`EVERY`] are too many.
const MOST_MESSAGES: u32 = 20;
/// How often the server pings, and looks whether the login is still good.
const EVERY: Duration = Duration::from_secs(10);
/// How long a client may take to read an event, and to answer a ping.
const PATIENCE: Duration = Duration::from_secs(10);

/// Puts the token that a browser offers as a protocol where every other request has it.
pub(crate) async fn token_from_subprotocol(mut request: Request, next: Next) -> Response {
    if !request.headers().contains_key(header::AUTHORIZATION) {
        let offered =
            request.headers().get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
        let mut protocols = offered.unwrap_or_default().split(',').map(str::trim);
        let token = protocols.find_map(|protocol| protocol.strip_prefix(TOKEN_PROTOCOL));
        if let Some(value) = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok()) {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
    }
    next.run(request).await
}

// ANCHOR: websocket_upgrade
/// Watch the own items
///
/// A WebSocket. Each message is an event as JSON: `{"type": "item.created", "at": …, "item": …}`. The access token comes in the
/// header `Authorization` or, from a browser, as the second protocol: `new WebSocket(url, ["items.v1", "bearer." + token])`.
#[utoipa::path(
    get, path = "/events", tag = "items", security(("access_token" = [])),
    responses(
        (status = 101, description = "The socket is open"),
        TokenProblems, OriginProblems, crate::openapi::BusyProblems,
    )
)]
pub(crate) async fn watch_items(
    State(state): State<AppState>,
    user: CurrentUser,
    request: Request,
) -> Result<Response, ApiError> {
    // All of this before the answer 101. Afterwards there is no status left to say no with.
    let (mut parts, _) = request.into_parts();
    check_origin(&state.settings, &parts.headers)?;
    let token = bearer(&parts.headers)?.to_owned();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &state)
        .await
        .map_err(|_| ApiError::InvalidRequest("this is a WebSocket: connect with a WebSocket client"))?;
    let seat = state.live.join(user.id).ok_or(ApiError::TooManyRequests(10))?;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        // What a slow reader has not taken yet.
        .max_write_buffer_size(256 * 1024);
    let tasks = state.live.tasks.clone();
    // Tracked, so that a stop can wait for the goodbye. The token is held from before the upgrade is done.
    let tracked = tasks.token();
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _tracked = tracked;
        talk(socket, seat, state, token).await;
    }))
}
// ANCHOR_END: websocket_upgrade

/// A browser says which page opens the socket, and asks nobody: the rule of same origin does not hold for WebSockets. Programs
/// that are no browsers send no origin.
fn check_origin(settings: &Settings, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let listed = settings.origins.iter().any(|known| known == origin);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let own =
        origin.parse::<Uri>().is_ok_and(|uri| uri.authority().is_some_and(|authority| authority == host));
    if listed || own { Ok(()) } else { Err(ApiError::OriginNotAllowed) }
}

/// Why a socket is closed by us.
type Close = (u16, &'static str);

async fn talk(mut socket: WebSocket, mut seat: Seat, state: AppState, token: String) {
    let (code, reason) = converse(&mut socket, &mut seat, &state, &token).await;
    let goodbye = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    // Sent, and then read to the end: a socket that is dropped with unread messages in it may lose the goodbye.
    let farewell = async {
        if socket.send(goodbye).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = timeout(Duration::from_secs(1), farewell).await;
}

// ANCHOR: websocket_loop
/// Until somebody has enough.
async fn converse(socket: &mut WebSocket, seat: &mut Seat, state: &AppState, token: &str) -> Close {
    let mut beat = interval_at(Instant::now() + EVERY, EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut heard, mut messages) = (true, 0);
    let Some(events) = &mut seat.events else { return (close_code::ERROR, "no seat") };
    let live = Arc::clone(&seat.live);
    loop {
        tokio::select! {
            // The goodbye first, then what is left.
            biased;
            () = live.stopping.cancelled() => return (close_code::AWAY, "the server stops; connect again"),
            _ = beat.tick() => {
                if !heard {
                    return (close_code::POLICY, "no answer to a ping");
                }
                (heard, messages) = (false, 0);
                if authenticate(state, token).await.is_err() {
                    return (close_code::POLICY, "the login has ended");
                }
                if !within_patience(socket.send(Message::Ping(Bytes::new()))).await {
                    return (close_code::POLICY, "too slow");
                }
            }
            event = events.recv() => match event {
                Ok(text) => {
                    // The session is looked at for each event: a logout bites on the very next one.
                    if authenticate(state, token).await.is_err() {
                        return (close_code::POLICY, "the login has ended");
                    }
                    if !within_patience(socket.send(Message::Text((&*text).into()))).await {
                        return (close_code::POLICY, "too slow");
                    }
                }
                Err(RecvError::Lagged(_)) => return (close_code::POLICY, "too slow: events were missed"),
                Err(RecvError::Closed) => return (close_code::AWAY, "the server stops; connect again"),
            },
            message = socket.recv() => match message {
                None | Some(Ok(Message::Close(_))) => return (close_code::NORMAL, ""),
                Some(Ok(_)) => {
                    heard = true;
                    messages += 1;
                    if messages > MOST_MESSAGES {
                        return (close_code::POLICY, "too many messages");
                    }
                }
                Some(Err(error)) => {
                    let large = crate::error::causes(&error).contains("too long");
                    return if large { (close_code::SIZE, "a message is too large") } else { (close_code::PROTOCOL, "") };
                }
            },
        }
    }
}
// ANCHOR_END: websocket_loop

async fn within_patience(sending: impl Future<Output = Result<(), axum::Error>>) -> bool {
    matches!(timeout(PATIENCE, sending).await, Ok(Ok(())))
}

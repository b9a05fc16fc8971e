"""The peer: what a FastAPI service of today looks like, for the comparisons of the book.

Current idioms throughout: lifespan, annotated dependencies, an async database driver, response models, PyJWT, Argon2. It is
written to be a fair opponent. Nothing in it is slow on purpose but the endpoints whose names say so.
"""

import asyncio
import os
import sqlite3
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import argon2
import jwt
from fastapi import Depends, FastAPI, HTTPException, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, EmailStr, Field, TypeAdapter, field_validator
from sqlalchemy import event, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECONDS = 0.3
SECRET = os.environ["PEER_SECRET"]
DATABASE = os.environ["PEER_DATABASE"]
EMAIL = "ada@example.com"
PASSWORD = "a long enough password 1"

engine = create_async_engine(f"sqlite+aiosqlite:///{DATABASE}")
sessions = async_sessionmaker(engine, expire_on_commit=False)
# The parameters of the reference API: OWASP's first choice for argon2id.
hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
bearer = HTTPBearer()


@event.listens_for(engine.sync_engine, "connect")
def durable(connection: Any, _: Any) -> None:
    """What the reference API asks of SQLite: readers beside a writer, and a commit that is on disk when it returns."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


class Base(DeclarativeBase):
    """The tables."""


class UserRow(Base):
    """An account."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[str]


class ItemRow(Base):
    """Something that somebody owns."""

    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(index=True)
    title: Mapped[str]
    description: Mapped[str | None]
    created_at: Mapped[str]


def now() -> str:
    """The time as text, as it is stored."""
    return datetime.now(UTC).isoformat()


@asynccontextmanager
async def lifespan(_: FastAPI):
    """Fills a new database with one account and its hundred items."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        user = {"id": 1, "email": EMAIL, "name": "Ada", "role": "user", "password_hash": hasher.hash(PASSWORD), "created_at": now()}
        await connection.execute(insert(UserRow), [user])
        items = [{"owner_id": 1, "title": f"item {n}", "description": "Black, one spoke bent", "created_at": now()} for n in range(100)]
        await connection.execute(insert(ItemRow), items)
    yield
    await engine.dispose()


app = FastAPI(title="peer", lifespan=lifespan)


# --- the same wait, written in the three ways that FastAPI offers ---


@app.get("/def-sleep")
def def_sleep() -> dict[str, str]:
    """Plain `def`: FastAPI calls it on a thread of its pool."""
    time.sleep(SECONDS)
    return {"status": "done"}


@app.get("/async-sleep")
async def async_sleep() -> dict[str, str]:
    """Awaits: the event loop serves others meanwhile."""
    await asyncio.sleep(SECONDS)
    return {"status": "done"}


@app.get("/async-blocking-sleep")
async def async_blocking_sleep() -> dict[str, str]:
    """Blocks the event loop: nothing else in the process runs meanwhile."""
    time.sleep(SECONDS)
    return {"status": "done"}


# --- plain JSON, and a validated body ---


class Message(BaseModel):
    """A constant answer."""

    message: str


@app.get("/hello")
async def hello() -> Message:
    """Plain JSON with a response model."""
    return Message(message="hello")


@app.get("/hello-def")
def hello_def() -> Message:
    """The same as plain `def`: a hand-over to the thread pool and back."""
    return Message(message="hello")


class Address(BaseModel):
    """Where somebody lives."""

    street: str = Field(min_length=1)
    city: str = Field(min_length=1)
    country: str = Field(min_length=1)


class SignedUp(BaseModel):
    """What is answered: all but the password."""

    username: str
    email: str
    age: int
    address: Address


class SignUp(BaseModel):
    """What is sent."""

    username: str = Field(min_length=3, max_length=50)
    email: EmailStr
    password: str = Field(min_length=8)
    age: int = Field(ge=18, le=120)
    address: Address

    @field_validator("username")
    @classmethod
    def alphanumeric(cls, value: str) -> str:
        """Letters and digits only."""
        if not value.isalnum():
            raise ValueError("must be alphanumeric")
        return value

    @field_validator("password")
    @classmethod
    def strong(cls, value: str) -> str:
        """A digit and an upper case letter at least."""
        if not any(character.isdigit() for character in value):
            raise ValueError("must contain a digit")
        if not any(character.isupper() for character in value):
            raise ValueError("must contain an upper case letter")
        return value


@app.post("/sign-ups", response_model=SignedUp)
async def sign_up(new: SignUp) -> SignUp:
    """Validates a nested body and answers without the password."""
    return new


# --- accounts ---


class Login(BaseModel):
    """Credentials, in the body."""

    email: str
    password: str


class Tokens(BaseModel):
    """What a login answers."""

    access_token: str
    token_type: str = "Bearer"


class UserResponse(BaseModel):
    """An account as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    email: str
    name: str
    role: str
    created_at: str


async def session() -> Any:
    """A session of the database for one request."""
    async with sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


@app.post("/login")
async def login(sent: Login, db: Session) -> Tokens:
    """Checks a password on a thread of the pool, since hashing is arithmetic."""
    user = (await db.scalars(select(UserRow).where(UserRow.email == sent.email))).one_or_none()
    if user is None:
        raise HTTPException(401, "invalid credentials")
    try:
        await asyncio.to_thread(hasher.verify, user.password_hash, sent.password)
    except argon2.exceptions.VerifyMismatchError:
        raise HTTPException(401, "invalid credentials") from None
    claims = {"sub": str(user.id), "role": user.role, "exp": datetime.now(UTC) + timedelta(minutes=15)}
    return Tokens(access_token=jwt.encode(claims, SECRET, algorithm="HS256"))


async def current_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)], db: Session) -> UserRow:
    """The account that the token names, read from the database at each request, as the reference API does."""
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise HTTPException(401, "invalid token") from None
    user = await db.get(UserRow, int(claims["sub"]))
    if user is None:
        raise HTTPException(401, "invalid token")
    return user


CurrentUser = Annotated[UserRow, Depends(current_user)]


@app.get("/me", response_model=UserResponse)
async def me(user: CurrentUser) -> UserRow:
    """The caller's account."""
    return user


# --- a list from the database, and a row into it ---


class ItemResponse(BaseModel):
    """An item as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    title: str
    description: str | None
    created_at: str


class CreateItem(BaseModel):
    """What is sent."""

    title: str = Field(min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=2000)


@app.get("/items", response_model=list[ItemResponse])
async def items(user: CurrentUser, db: Session, limit: Annotated[int, Field(ge=1, le=100)] = 20) -> Any:
    """The caller's newest items through the object mapper and a response model."""
    return (await db.scalars(select(ItemRow).where(ItemRow.owner_id == user.id).order_by(ItemRow.id.desc()).limit(limit))).all()


rows = TypeAdapter(list[ItemResponse])
LIST = "SELECT id, title, description, created_at FROM items WHERE owner_id = ? ORDER BY id DESC LIMIT ?"


@app.get("/items-by-hand")
async def items_by_hand(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)], limit: int = 100) -> Response:
    """The fastest honest Python: the synchronous driver on the event loop, serialised in one call."""
    claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"])
    found = connection().execute(LIST, (int(claims["sub"]), limit))
    body = rows.dump_json([ItemResponse.model_construct(**dict(row)) for row in found])
    return Response(body, media_type="application/json")


kept: list[sqlite3.Connection] = []


def connection() -> sqlite3.Connection:
    """One connection, opened with the first request."""
    if not kept:
        opened = sqlite3.connect(DATABASE)
        opened.row_factory = sqlite3.Row
        kept.append(opened)
    return kept[0]


@app.post("/items", response_model=ItemResponse, status_code=201)
async def create_item(new: CreateItem, user: CurrentUser, db: Session) -> ItemRow:
    """One row, committed to disk before the answer."""
    item = ItemRow(owner_id=user.id, created_at=now(), **new.model_dump())
    db.add(item)
    await db.commit()
    return item

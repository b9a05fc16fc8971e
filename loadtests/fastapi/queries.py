"""Runs what the chapter on N+1 and pages (lesson 04) says about FastAPI and SQLAlchemy, and prints what was seen.

target/fastapi/bin/python loadtests/fastapi/queries.py

The requests go to the application in this process, the statements to SQLite in memory; nothing leaves the machine.
"""

import asyncio
from typing import Annotated

import httpx
from fastapi import FastAPI, Query
from sqlalchemy import ForeignKey, StaticPool, create_engine, event, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

ROWS = 500


class Base(DeclarativeBase):
    """The tables."""


class Author(Base):
    """Somebody who has written books."""

    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(order_by="Book.title")


class Book(Base):
    """One of them."""

    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))


# One connection, or every thread would have a database in memory of its own.
engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
Base.metadata.create_all(engine)
with Session(engine) as filling:
    filling.add_all(Author(name=f"author {n}", books=[Book(title=f"book {n}")]) for n in range(ROWS))
    filling.commit()

app = FastAPI()


@app.get("/default")
def default(limit: int = 100) -> int:
    """How many rows come, where the limit is a default."""
    with Session(engine) as session:
        return len(session.execute(text("SELECT id FROM authors ORDER BY id LIMIT :limit"), {"limit": limit}).all())


@app.get("/bounded")
def bounded(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> int:
    """The same with a bound."""
    return default(limit)


def statements(eager: bool) -> int:
    """How many statements ten authors with their books take."""
    sent = 0

    def count(*_: object) -> None:
        nonlocal sent
        sent += 1

    event.listen(engine, "before_cursor_execute", count)
    query = select(Author).order_by(Author.name, Author.id).limit(10)
    with Session(engine) as session:
        for author in session.scalars(query.options(selectinload(Author.books)) if eager else query):
            [book.title for book in author.books]
    event.remove(engine, "before_cursor_execute", count)
    return sent


async def lazily_in_an_async_session() -> str:
    """What a lazy attribute does in a session whose every statement has to be awaited."""
    asynchronous = create_async_engine("sqlite+aiosqlite://")
    async with asynchronous.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(asynchronous) as session:
        session.add(Author(name="Ada"))
        await session.commit()
        author = (await session.scalars(select(Author))).one()
        await session.refresh(author)
        try:
            seen = str(author.books)
        except StatementError as error:
            seen = f"{type(error).__name__}: {type(error.orig).__name__}"
    await asynchronous.dispose()
    return seen


async def main() -> None:
    """Asks for everything once."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        for path in ["/default", "/bounded"]:
            for limit in ["-1", "0", "1000000", "9" * 20]:
                answer = await client.get(path, params={"limit": limit})
                rows = f", {answer.json()} rows of {ROWS}" if answer.status_code == 200 else ""
                print(f"{path}?limit={limit:<21} {answer.status_code}{rows}")
    print(f"a lazy attribute        {statements(eager=False)} statements for ten authors")
    print(f"selectinload            {statements(eager=True)} statements for ten authors")
    print(f"with an AsyncSession    {await lazily_in_an_async_session()}")


if __name__ == "__main__":
    asyncio.run(main())

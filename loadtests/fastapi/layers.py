"""Runs what the chapters on layers and on tests say about Python and FastAPI, and prints what was seen.

target/fastapi/bin/python loadtests/fastapi/layers.py

The requests go to the applications in this process; nothing leaves the machine.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from pydantic import AliasChoices, BaseModel, Field

DOMAIN = """
    from dataclasses import dataclass
    from typing import Protocol


    class Refused(Exception):
        pass


    @dataclass(frozen=True)
    class Order:
        total: int

        @classmethod
        def of(cls, member: bool, cents: int, pieces: int) -> "Order":
            if not 1 <= pieces <= 100:
                raise Refused("pieces")
            total = cents * pieces
            return cls(total - total // 20 if member else total)


    class Orders(Protocol):
        def keep(self, order: Order) -> int: ...
"""

SERVICE = """
    from fastapi import HTTPException
"""


def loaded(module: str) -> list[str]:
    """Which of the outer packages are loaded after an import of the module, in a process of its own."""
    outer = "['fastapi', 'starlette', 'sqlalchemy', 'pydantic']"
    code = f"import sys, {module}; print(*(name for name in {outer} if name in sys.modules))"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "domain.py").write_text(textwrap.dedent(DOMAIN))
        Path(folder, "service.py").write_text(textwrap.dedent(SERVICE))
        env = {**os.environ, "PYTHONPATH": folder}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    return done.stdout.split()


def direction() -> None:
    """Lesson 15: what an import drags in."""
    print(f"15  import domain loads {loaded('domain') or 'none of them'}; import service loads {loaded('service')}")


class Quote(BaseModel):
    total_cents: int = Field(validation_alias=AliasChoices("total_cents", "total"))


async def what_a_client_in_the_process_sees() -> None:
    """Lesson 17: no lifespan, no socket, and an answer that reads itself."""
    started = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        started.append(True)
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/peer")
    async def peer(request: Request) -> str:
        return request.client.host if request.client else "nobody"

    @app.get("/quote")
    async def quote() -> dict[str, int]:
        return {"total": 700}

    @app.get("/fails")
    async def fails() -> None:
        raise ValueError("no such price")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as http:
        host = (await http.get("/peer")).json()
        print(f"17  ASGITransport: lifespan ran: {bool(started)}; the peer is {host}")
        typed = Quote.model_validate((await http.get("/quote")).json())
        print(f"17  a renamed field, read with the application's own model: {typed.total_cents}")
    print(f"17  TestClient without `with`: peer {TestClient(app).get('/peer').json()}; lifespan ran: {bool(started)}")
    with TestClient(app) as client:
        client.get("/peer")
    print(f"17  TestClient with `with`: lifespan ran: {bool(started)}")
    try:
        TestClient(app).get("/fails")
    except ValueError as error:
        print(f"17  an exception in a handler reaches the test itself: {error!r}")
    told = TestClient(app, raise_server_exceptions=False).get("/fails")
    print(f"17  with raise_server_exceptions=False: {told.status_code} {told.text}")


direction()
asyncio.run(what_a_client_in_the_process_sees())

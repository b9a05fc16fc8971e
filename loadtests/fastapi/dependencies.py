"""Runs what the chapters on dependencies say about FastAPI, and prints what was seen.

target/fastapi/bin/python loadtests/fastapi/dependencies.py

The requests go to the applications in this process; nothing leaves the machine.
"""

import asyncio
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel
from starlette.responses import PlainTextResponse


def client(app: FastAPI) -> httpx.AsyncClient:
    """A client of that application, without a socket."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app")


async def a_state_that_nobody_set() -> None:
    """Lesson 06: an attribute of the application is looked up when the request comes."""
    app = FastAPI()

    @app.get("/")
    async def currency(request: Request) -> str:
        return request.app.state.currency

    async with client(app) as http:
        try:
            await http.get("/")
        except AttributeError as error:
            print(f"06  app.state without a value: the service starts, the request fails: {error}")


async def loads_of_the_user() -> None:
    """Lesson 08: a user, and an administrator built on it, in one request."""
    loads = 0

    def user() -> str:
        nonlocal loads
        loads += 1
        return "Ada"

    def admin(user: Annotated[str, Depends(user)]) -> str:
        return user

    app = FastAPI()

    @app.get("/")
    def report(user: Annotated[str, Depends(user)], admin: Annotated[str, Depends(admin)]) -> str:
        return f"{user}, approved by {admin}"

    async with client(app) as http:
        await http.get("/")
    print(f"08  User and Admin(User) in one request: {loads} load")


def guard(request: Request) -> None:
    """Refuses whoever sends no credentials."""
    if "authorization" not in request.headers:
        raise HTTPException(401)


async def what_a_global_dependency_covers() -> None:
    """Lesson 08: every way to add a route, called without credentials."""
    app = FastAPI(dependencies=[Depends(guard)])
    mounted = FastAPI()
    router = APIRouter()

    @router.get("/router")
    @app.get("/route")
    @mounted.get("/")
    def route() -> str:
        return "open"

    app.include_router(router)
    app.mount("/mounted", mounted)
    app.add_route("/starlette", lambda request: PlainTextResponse("open"))

    @app.get("/late")
    def late() -> str:
        return "open"

    async with client(app) as http:
        for path in ["/route", "/router", "/late", "/mounted/", "/starlette", "/docs", "/openapi.json"]:
            print(f"08  {path:<14} {(await http.get(path)).status_code}")


class NewOrder(BaseModel):
    """A body."""

    item: str


async def a_body_of_a_stranger() -> None:
    """Lesson 08: what comes first, the body or the dependency."""
    app = FastAPI()

    @app.post("/orders")
    def order(new: NewOrder, _: Annotated[None, Depends(guard)]) -> str:
        return new.item

    async with client(app) as http:
        broken = await http.post("/orders", content=b"{", headers={"content-type": "application/json"})
        wrong = await http.post("/orders", json={"item": 7})
    print(f"08  a stranger's broken JSON: {broken.status_code}, a stranger's wrong field: {wrong.status_code}")


async def an_override() -> None:
    """Lesson 07: replacing a dependency by its name."""

    def repository() -> dict[str, str]:
        raise RuntimeError("the real database")

    app = FastAPI()

    @app.get("/")
    def name(users: Annotated[dict[str, str], Depends(repository)]) -> str:
        return users["ada"]

    app.dependency_overrides[repository] = lambda: {"ada": "Ada"}
    async with client(app) as http:
        print(f"07  with an override: {(await http.get('/')).json()}")
    print(f"07  overrides that the next test inherits: {len(app.dependency_overrides)}")


async def main() -> None:
    """Shows everything once."""
    await a_state_that_nobody_set()
    await loads_of_the_user()
    await what_a_global_dependency_covers()
    await a_body_of_a_stranger()
    await an_override()


if __name__ == "__main__":
    asyncio.run(main())

"""Runs what the chapters on waiting say about FastAPI and asyncio, and prints what was seen. Takes a few seconds.

target/fastapi/bin/python loadtests/fastapi/waits.py

The requests go to the application in this process; nothing leaves the machine.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
from fastapi import FastAPI, HTTPException

SECONDS = 0.1

app = FastAPI()


async def service(answer: str) -> str:
    """Another service, which takes its time."""
    await asyncio.sleep(SECONDS)
    return answer


async def refusing() -> None:
    """Another service, which is down."""
    raise ConnectionError("down")


@app.get("/in-turn")
async def in_turn() -> list[str]:
    """Lesson 01: three awaits, one after the other."""
    return [await service("Ada"), await service("3"), await service("tea")]


@app.get("/coroutines-first")
async def coroutines_first() -> list[str]:
    """Lesson 01: a coroutine that nobody awaits has not begun."""
    customer, orders, offers = service("Ada"), service("3"), service("tea")
    return [await customer, await orders, await offers]


@app.get("/gather")
async def gather() -> list[str]:
    """Lesson 01: all three at once."""
    return await asyncio.gather(service("Ada"), service("3"), service("tea"))


@app.get("/gather-one-fails")
async def gather_one_fails() -> None:
    """Lesson 01: the first error is raised here, and the other two run on."""
    try:
        await asyncio.gather(refusing(), service("3"), service("tea"))
    except ConnectionError as error:
        raise HTTPException(502) from error


@app.get("/group-one-fails")
async def group_one_fails() -> None:
    """Lesson 01: the group cancels the other two and waits for their end."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(refusing())
            group.create_task(service("3"))
            group.create_task(service("tea"))
    except* ConnectionError:
        pass
    raise HTTPException(502)


async def timed(client: httpx.AsyncClient, path: str) -> None:
    """Prints how long one request takes."""
    began = time.perf_counter()
    answer = await client.get(path)
    print(f"{path:<22} {answer.status_code}  {time.perf_counter() - began:.2f} s")


async def left_running(client: httpx.AsyncClient, path: str) -> None:
    """Prints how many tasks run on after the answer."""
    before = len(asyncio.all_tasks())
    answer = await client.get(path)
    print(f"{path:<22} {answer.status_code}  {len(asyncio.all_tasks()) - before} tasks run on")
    await asyncio.sleep(2 * SECONDS)


SHOWN: list[tuple[Callable[[httpx.AsyncClient, str], Awaitable[None]], str]] = [
    (timed, "/in-turn"),
    (timed, "/coroutines-first"),
    (timed, "/gather"),
    (left_running, "/gather-one-fails"),
    (left_running, "/group-one-fails"),
]


async def main() -> None:
    """Asks for everything once."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        for show, path in SHOWN:
            await show(client, path)


if __name__ == "__main__":
    asyncio.run(main())

"""Runs what the chapters on waiting say about FastAPI and asyncio, and prints what was seen. Takes about ten seconds.

target/fastapi/bin/python loadtests/fastapi/waits.py

The requests go to the application in this process and to sockets on 127.0.0.1; nothing leaves the machine.
"""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable

import httpx
import requests
import uvicorn
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


finished: list[str] = []


@app.get("/slow")
async def slow() -> None:
    """Lesson 21: nobody tells it that its client is gone."""
    finished.append("begun")
    await asyncio.sleep(3 * SECONDS)
    finished.append("finished")


@app.get("/slow-def")
def slow_def() -> None:
    """Lesson 21: the same on a thread of the pool."""
    finished.append("begun")
    time.sleep(3 * SECONDS)
    finished.append("finished")


@app.get("/transfer")
async def transfer() -> list[int]:
    """Lesson 21: a cancellation is no `Exception`, so the debit stays."""
    accounts = [100, 0]

    async def steps() -> None:
        accounts[0] -= 10
        try:
            await asyncio.Event().wait()  # the auditor says nothing
        except Exception:
            accounts[0] += 10
            raise
        accounts[1] += 10

    try:
        async with asyncio.timeout(SECONDS):
            await steps()
    except TimeoutError:
        pass
    return accounts


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


async def printed(client: httpx.AsyncClient, path: str) -> None:
    """Prints what is answered."""
    print(f"{path:<22} {(await client.get(path)).json()}")


async def hung_up(port: int, path: str) -> None:
    """Prints how far an endpoint gets whose client hangs up."""
    finished.clear()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: app\r\n\r\n".encode())
    while not finished:
        await asyncio.sleep(0.01)
    writer.close()
    await asyncio.sleep(6 * SECONDS)
    print(f"{path:<22} the client hung up: {', '.join(finished)}")


async def silence() -> None:
    """Lesson 21: how long two clients wait for a service that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        waiting = asyncio.create_task(asyncio.to_thread(requests.get, address))
        began = time.perf_counter()
        try:
            async with httpx.AsyncClient() as client:
                await client.get(address)
        except httpx.ReadTimeout:
            print(f"{'httpx.get':<22} gave up after {time.perf_counter() - began:.1f} s")
        await asyncio.wait([waiting], timeout=1)
        seconds = time.perf_counter() - began
        print(f"{'requests.get':<22} {'has ended' if waiting.done() else 'still waits'} after {seconds:.1f} s")


async def over_a_socket() -> None:
    """Lesson 21: what needs a connection that can be closed."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    for path in ["/slow", "/slow-def"]:
        await hung_up(listening.getsockname()[1], path)
    server.should_exit = True
    await serving


SHOWN: list[tuple[Callable[[httpx.AsyncClient, str], Awaitable[None]], str]] = [
    (timed, "/in-turn"),
    (timed, "/coroutines-first"),
    (timed, "/gather"),
    (left_running, "/gather-one-fails"),
    (left_running, "/group-one-fails"),
    (printed, "/transfer"),
]


async def main() -> None:
    """Asks for everything once."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        for show, path in SHOWN:
            await show(client, path)
    await over_a_socket()
    await silence()
    # A thread still waits in `requests.get`, and nothing but the end of the process ends it.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())

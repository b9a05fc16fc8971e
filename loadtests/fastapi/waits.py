"""Runs what the chapters on waiting say about FastAPI and asyncio, and prints what was seen. Takes about ten seconds.

target/fastapi/bin/python loadtests/fastapi/waits.py

The requests go to the application in this process and to sockets on 127.0.0.1; nothing leaves the machine.
"""

import asyncio
import os
import socket
import threading
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


inside = 0
most = 0
loads = 0
rates: dict[str, int] = {}
locks: dict[str, asyncio.Lock] = {}
places = asyncio.Semaphore(8)


async def counted() -> None:
    """A call to a site that counts how many are there at once."""
    global inside, most
    inside += 1
    most = max(most, inside)
    await asyncio.sleep(SECONDS / 10)
    inside -= 1


async def polite() -> None:
    """The same call, when one of eight places is free."""
    async with places:
        await counted()


@app.get("/gather-500")
async def gather_500() -> int:
    """Lesson 02: nothing says how many, so the list does."""
    global most
    most = 0
    await asyncio.gather(*(counted() for _ in range(500)))
    return most


@app.get("/semaphore-500")
async def semaphore_500() -> int:
    """Lesson 02: eight places for all."""
    global most
    most = 0
    await asyncio.gather(*(polite() for _ in range(500)))
    return most


async def load(currency: str) -> int:
    """Loads a rate."""
    global loads
    loads += 1
    await asyncio.sleep(SECONDS)
    return 10_000


@app.get("/cached/{currency}")
async def cached(currency: str) -> int:
    """Lesson 02: everybody who misses before the first load is back loads as well."""
    if currency not in rates:
        rates[currency] = await load(currency)
    return rates[currency]


@app.get("/cached-once/{currency}")
async def cached_once(currency: str) -> int:
    """Lesson 02: one lock for each key, and a second look behind it."""
    async with locks.setdefault(currency, asyncio.Lock()):
        if currency not in rates:
            rates[currency] = await load(currency)
    return rates[currency]


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


@app.get("/compute")
def compute() -> int:
    """Lesson 19: plain `def`, and nothing in it waits."""
    return sum(range(4_000_000))


@app.get("/trivial-def")
def trivial_def() -> int:
    """Lesson 19: a thread of the pool for nothing."""
    return threading.get_ident()


@app.get("/trivial-async")
async def trivial_async() -> int:
    """Lesson 19: the same on the event loop."""
    return threading.get_ident()


table: dict[str, int] = {}
table_lock = asyncio.Lock()
tasks: dict[str, asyncio.Task[None]] = {}


@app.get("/locked-table/{currency}")
async def locked_table(currency: str) -> None:
    """Lesson 20: one lock around the look and the call."""
    async with table_lock:
        if currency not in table:
            await counted()
            table[currency] = 10_000


@app.get("/task-for-each/{currency}")
async def task_for_each(currency: str) -> None:
    """Lesson 20: a task for each key, kept before the first await."""
    task = tasks.get(currency)
    if task is None:
        task = tasks[currency] = asyncio.create_task(counted())
    await asyncio.shield(task)


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


async def hundred_misses(client: httpx.AsyncClient, path: str) -> None:
    """Prints how often a hundred requests load one rate."""
    global loads
    loads = 0
    rates.clear()
    await asyncio.gather(*(client.get(path) for _ in range(100)))
    print(f"{path:<22} 100 misses, {loads} loads")


async def computes(client: httpx.AsyncClient, path: str) -> None:
    """Prints how many cores the process uses for four computations at once."""
    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client.get(path) for _ in range(4)))
    cores = (time.process_time() - used) / (time.perf_counter() - began)
    print(f"{path:<22} four at once on four threads: {cores:.2f} cores in use")


async def beside_the_loop(client: httpx.AsyncClient, path: str) -> None:
    """Prints how many of a hundred requests ran on another thread than the event loop's."""
    threads = [(await client.get(path)).json() for _ in range(100)]
    beside = sum(thread != threading.get_ident() for thread in threads)
    print(f"{path:<22} of 100 requests {beside} ran beside the event loop's thread")


async def ten_currencies(client: httpx.AsyncClient, path: str) -> None:
    """Prints how many calls are under way at once for ten different keys."""
    global most
    most = 0
    await asyncio.gather(*(client.get(f"{path}/{n}") for n in range(10)))
    print(f"{path:<22} ten currencies, {most} calls at once")


async def limited(limit: int) -> None:
    """Lesson 02: ten requests at once for a server with `--limit-concurrency`."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", limit_concurrency=limit))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}") as client:
        answers = await asyncio.gather(*(client.get("/gather") for _ in range(10)))
    statuses = [answer.status_code for answer in answers]
    print(f"{f'limit_concurrency={limit}':<22} {statuses.count(200)} of 10 served, {statuses.count(503)} refused")
    server.should_exit = True
    await serving


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
    (printed, "/gather-500"),
    (printed, "/semaphore-500"),
    (hundred_misses, "/cached/eur"),
    (hundred_misses, "/cached-once/eur"),
    (printed, "/transfer"),
    (computes, "/compute"),
    (beside_the_loop, "/trivial-def"),
    (beside_the_loop, "/trivial-async"),
    (ten_currencies, "/locked-table"),
    (ten_currencies, "/task-for-each"),
]


async def main() -> None:
    """Asks for everything once."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        for show, path in SHOWN:
            await show(client, path)
    await limited(4)
    await over_a_socket()
    await silence()
    # A thread still waits in `requests.get`, and nothing but the end of the process ends it.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())

"""Runs what the chapters say about FastAPI after the answer (lessons 05 and 09), and prints what was seen. Takes about ten seconds.

target/fastapi/bin/python loadtests/fastapi/afterwards.py

It starts servers of its own on 127.0.0.1 and ends them with the signals that an orchestrator sends; nothing leaves the machine.
"""

import asyncio
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import httpx
import uvicorn
from fastapi import BackgroundTasks, Depends, FastAPI
from sqlalchemy import create_engine

SECONDS = 1.0


def service(sent: Path) -> FastAPI:
    """A service whose mail takes a second and leaves a file behind."""
    app = FastAPI()
    tasks: set[asyncio.Task[None]] = set()

    async def send() -> None:
        print("a mail is on its way", file=sys.stderr, flush=True)
        await asyncio.sleep(SECONDS)
        sent.touch()

    async def fail() -> None:
        print("a mail is tried", file=sys.stderr, flush=True)
        raise ConnectionError("the mail server is down")

    @app.get("/background")
    async def background(later: BackgroundTasks) -> None:
        later.add_task(send)

    @app.get("/create-task")
    async def create_task() -> None:
        tasks.add(asyncio.create_task(send()))

    @app.get("/raises")
    async def raises(later: BackgroundTasks) -> None:
        later.add_task(fail)

    @app.post("/address")
    async def address(email: str) -> None:
        del email

    def commit_fails() -> Iterator[None]:
        yield
        raise ConnectionError("the commit failed")

    @app.get("/after-the-yield", status_code=201)
    def after_the_yield(session: Annotated[None, Depends(commit_fails)]) -> None:
        del session

    @app.get("/scope-function", status_code=201)
    def scope_function(session: Annotated[None, Depends(commit_fails, scope="function")]) -> None:
        del session

    return app


class Server:
    """That service in a process of its own."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.sent = Path(self.folder.name) / "sent"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(self.port), str(self.sent)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.05)

    def ask(self, path: str, method: str = "GET") -> int:
        """The status of one answer."""
        return httpx.request(method, f"http://127.0.0.1:{self.port}{path}").status_code

    def end(self, how: signal.Signals) -> str:
        """Ends the process and gives back what it printed."""
        self.process.send_signal(how)
        return self.process.communicate()[0]


def a_mail(path: str, how: signal.Signals) -> None:
    """Lesson 05: is the mail sent, if the process is ended while it is on its way?"""
    server = Server()
    status = server.ask(path)
    server.end(how)
    print(f"{path:<17} answered {status}, then {how.name}: the mail {'was sent' if server.sent.exists() else 'is gone'}")


def a_failure() -> None:
    """Lesson 05: who hears of a task that raises, and is it tried again?"""
    server = Server()
    status = server.ask("/raises")
    time.sleep(SECONDS)
    printed = server.end(signal.SIGTERM)
    tried, logged = printed.count("a mail is tried"), "Traceback" in printed
    print(f"{'/raises':<17} answered {status}, tried {tried} time(s), traceback in the log: {logged}")


def an_address() -> None:
    """Lesson 05: where does a parameter `email: str` of a POST come from?"""
    server = Server()
    status = server.ask("/address?email=ada@example.org", "POST")
    line = next(line for line in server.end(signal.SIGTERM).splitlines() if "POST" in line)
    print(f"{'/address':<17} answered {status}, access log: {line}")


def a_commit(path: str) -> None:
    """Lesson 09: what does the client hear if the commit after the `yield` fails?"""
    server = Server()
    status = server.ask(path)
    server.end(signal.SIGTERM)
    print(f"{path:<17} the commit failed, the client was answered {status}")


def the_rest() -> None:
    """Lessons 05 and 09: a warning, and the sizes of a pool."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        FastAPI().on_event("startup")(lambda: None)
    print(f"{'on_event':<17} warns: {seen[0].category.__name__}")
    pool = create_engine("sqlite:///nowhere.db").pool
    print(f"{type(pool).__name__:<17} {pool.size()} connections, {pool._max_overflow} more, {pool.timeout()} s of patience")


def main() -> None:
    """Asks for everything once, each in a process of its own."""
    a_mail("/background", signal.SIGTERM)
    a_mail("/background", signal.SIGKILL)
    a_mail("/create-task", signal.SIGTERM)
    a_failure()
    an_address()
    a_commit("/after-the-yield")
    a_commit("/scope-function")
    the_rest()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        uvicorn.run(service(Path(sys.argv[2])), port=int(sys.argv[1]))
    else:
        main()

"""Measures the peer and writes a run file.

    python -m venv target/fastapi && target/fastapi/bin/pip install -r loadtests/fastapi/requirements.txt
    target/fastapi/bin/python loadtests/fastapi/measure.py benches/runs/DATE-fastapi.json

Bursts: N requests at once on N fresh connections; the wall time of the whole burst, five times each.
Connections: N calls with httpx, one client for all or one client a call; how many connections the server accepted.
Only 127.0.0.1 is called. The waits are sleeps, so other load on the machine changes little.
"""

import asyncio
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import socket
import subprocess
import sys
import time

import httpx

from app import SECONDS

REPETITIONS = 5
BURSTS = [
    ("/async-blocking-sleep", 10),
    ("/async-sleep", 10),
    ("/async-sleep", 100),
    ("/def-sleep", 10),
    ("/def-sleep", 40),
    ("/def-sleep", 41),
    ("/def-sleep", 100),
]
CALLS = 20


async def one(port: int, path: str) -> None:
    """One GET on a connection of its own; anything but 200 ends the measurement."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: peer\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    status = answer.split(b" ", 2)[1]
    if status != b"200":
        raise SystemExit(f"{path} answered {status.decode()}; nothing was written.")


async def burst(port: int, path: str, calls: int) -> float:
    """Wall seconds from the first request sent to the last answer read."""
    began = time.perf_counter()
    await asyncio.gather(*(one(port, path) for _ in range(calls)))
    return round(time.perf_counter() - began, 4)


async def connections(shared: bool) -> int:
    """Connections that a small keep-alive server accepted from CALLS calls in turn."""
    accepted = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal accepted
        accepted += 1
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> asyncio.Task[None]:
        async def until_closed() -> None:
            try:
                await serve(reader, writer)
            except asyncio.IncompleteReadError:
                writer.close()

        return asyncio.ensure_future(until_closed())

    server = await asyncio.start_server(quiet, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    if shared:
        async with httpx.AsyncClient() as client:
            for _ in range(CALLS):
                (await client.get(url)).raise_for_status()
    else:
        for _ in range(CALLS):
            async with httpx.AsyncClient() as client:
                (await client.get(url)).raise_for_status()
    server.close()
    return accepted


def cpu() -> str:
    """The processor's name, where the system tells it."""
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


async def measure(port: int) -> dict[str, object]:
    """All bursts, interleaved over the repetitions, then the connection counts."""
    walls: dict[tuple[str, int], list[float]] = {key: [] for key in BURSTS}
    for _ in range(REPETITIONS):
        for path, calls in BURSTS:
            walls[path, calls].append(await burst(port, path, calls))
            print(f"{path} x {calls}: {walls[path, calls][-1]} s", file=sys.stderr)
    return {
        "bursts": [
            {"endpoint": path, "calls": calls, "sleep_s": SECONDS, "wall_s": samples}
            for (path, calls), samples in walls.items()
        ],
        "connections": [
            {"client": "one AsyncClient for all calls", "calls": CALLS, "accepted": await connections(True)},
            {"client": "one AsyncClient a call", "calls": CALLS, "accepted": await connections(False)},
        ],
    }


def main() -> None:
    """Starts the peer, measures it, writes the run file."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--no-access-log"]
    server = subprocess.Popen(command, cwd=pathlib.Path(__file__).parent, stderr=subprocess.DEVNULL)
    try:
        while True:
            if server.poll() is not None:
                raise SystemExit("uvicorn did not start; is everything in requirements.txt installed?")
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        measured = asyncio.run(measure(port))
    finally:
        server.terminate()
        server.wait()
    run = {
        "schema": 1,
        "recorded_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {"cpu": cpu(), "cores": os.cpu_count(), "os": platform.platform(), "python": platform.python_version()},
        "versions": {name: importlib.metadata.version(name) for name in ("fastapi", "starlette", "uvicorn", "anyio", "httpx")},
        **measured,
    }
    pathlib.Path(sys.argv[1]).write_text(json.dumps(run, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""The endpoints that the chapters compare with: the same wait, written in the three ways that FastAPI offers."""

import asyncio
import time

from fastapi import FastAPI

SECONDS = 0.3

app = FastAPI()


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

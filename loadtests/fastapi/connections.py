"""How many connections httpx opens for twenty calls in turn: one client for all of them, then one client for each.

Prints both numbers. Only 127.0.0.1 is called.
"""

import asyncio

import httpx

CALLS = 20


async def connections(shared: bool) -> int:
    """Connections that a small keep-alive server accepted."""
    accepted = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal accepted
        accepted += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
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


async def main() -> None:
    """Both counts, one a line."""
    print(await connections(True))
    print(await connections(False))


asyncio.run(main())

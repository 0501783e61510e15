"""An endpoint that does nothing, served as `serve.py` serves the bot: what FastAPI and uvicorn cost by themselves.

Run as a program with a port.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI(docs_url=None, redoc_url=None)


@app.post("/")
def answer() -> dict[str, bool]:
    """Run in the thread pool, as the chat is."""
    return {"ok": True}


@app.get("/")
def look() -> dict[str, bool]:
    """The same for what is only looked up."""
    return {"ok": True}


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_config=None,
        h11_max_incomplete_event_size=32 * 1024,
    )

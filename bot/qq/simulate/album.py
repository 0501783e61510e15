"""Album: pictures that a simulated person sends, served as the platform's own host serves them."""

from __future__ import annotations

import secrets
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response


class Album:
    """Pictures under the address `base` of whatever application `router` is part of."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._pictures: dict[str, bytes] = {}
        self.router = APIRouter()
        self.router.get("/picture/{name}")(self._serve)

    def add(self, picture: bytes) -> str:
        """Keep a picture, and return its address, which nobody can guess."""
        name = secrets.token_urlsafe(16)
        self._pictures[name] = picture
        return f"{self._base}/picture/{name}"

    def add_file(self, path: Path) -> str:
        """Keep a file; OSError where it cannot be read."""
        return self.add(path.read_bytes())

    async def _serve(self, name: str) -> Response:
        if name not in self._pictures:
            raise HTTPException(404)
        return Response(self._pictures[name], media_type="application/octet-stream")

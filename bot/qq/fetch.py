"""Pictures that came with a message: fetched from the platform's own hosts, with limits, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final
from urllib.parse import urlsplit

import httpcore

from bot.outward import Guard, Refused, resolve
from bot.picture import HEAVY, LARGEST, PictureError, PictureTooLarge

SECONDS: Final = 20.0
"""For the pictures of one message, however many."""
FAILED: Final = "图片没有收到，请稍后重新发送，或用文字说明。"


def fetch(
    url: str,
    hosts: Collection[str],
    *,
    private: bool = False,
    resolve: Callable[[str, int], Sequence[str]] = resolve,
    seconds: float = SECONDS,
) -> bytes:
    """The bytes at an address of one of these hosts (or below one of them), at most `LARGEST`.

    PictureError, which the visitor sees, where it is another host's, leads elsewhere, or did not come. `private` lets
    the hosts be in one's own network, for a development platform.
    """
    if not is_at(url, hosts):
        raise PictureError(FAILED)
    guard = Guard(resolve, httpcore.SyncBackend(), private=private, seconds=seconds)
    headers = [("Host", urlsplit(url).netloc), ("User-Agent", "zaixian-zixun"), ("Accept-Encoding", "identity")]
    data = bytearray()
    try:
        with (
            httpcore.ConnectionPool(network_backend=guard) as pool,
            pool.stream("GET", url, headers=headers) as response,
        ):
            if response.status != 200:  # a redirect too: the host may lead anywhere
                raise PictureError(FAILED)
            for chunk in response.iter_stream():
                data += chunk
                if len(data) > LARGEST:
                    raise PictureTooLarge(HEAVY)
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.TimeoutException,
        Refused,
        OSError,
        ValueError,
    ) as error:
        raise PictureError(FAILED) from error
    return bytes(data)


def is_at(url: str, hosts: Collection[str]) -> bool:
    """Whether an address is one of the web at one of these hosts, HOST or HOST:PORT, or below one of them."""
    try:
        split = urlsplit(url)
        host, port = split.hostname or "", split.port
    except ValueError:
        return False
    if split.scheme not in ("http", "https") or "@" in split.netloc or not url.isascii():
        return False
    if f"{host}:{port}" in hosts:
        return True
    return port in (None, 80, 443) and any(host == name or host.endswith(f".{name}") for name in hosts)

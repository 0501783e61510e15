"""Pictures of messages are fetched from the platforms' hosts and from nowhere else, within limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.picture import LARGEST, PictureError, PictureTooLarge
from bot.qq.fetch import FAILED, fetch, is_at

HOSTS = ("multimedia.nt.qq.com.cn", "qpic.cn")


@pytest.mark.parametrize(
    ("url", "there"),
    [
        ("https://multimedia.nt.qq.com.cn/download?appid=1406&rkey=CAM", True),
        ("http://gchat.qpic.cn:80/gchatpic_new/1/2-3-4/0?term=2", True),
        ("https://qpic.cn:443/a", True),
        ("https://evilqpic.cn/a", False),
        ("https://qpic.cn.evil.example/a", False),
        ("https://qpic.cn@evil.example/a", False),
        ("https://qpic.cn:8443/a", False),
        ("https://evil.example/qpic.cn", False),
        ("ftp://qpic.cn/a", False),
        ("file:///etc/passwd", False),
        ("https://qpic。cn/a", False),
        ("https://[::1]/a", False),
        ("https://[qpic.cn/a", False),
        ("http://127.0.0.1:6379/", False),
        ("base64://iVBORw0KGgo=", False),
        ("", False),
    ],
)
def test_an_address_is_one_of_the_platforms_or_not(url: str, *, there: bool) -> None:
    """By its host alone, or what is below it, at the web's own ports."""
    assert is_at(url, HOSTS) == there


def test_a_port_counts_where_it_is_named() -> None:
    """As a development platform's."""
    assert is_at("http://127.0.0.1:9000/picture/x", ("127.0.0.1:9000",))
    assert not is_at("http://127.0.0.1:9001/picture/x", ("127.0.0.1:9000",))


class Served(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with suppress(ConnectionError):  # whoever fetches has had enough
            self.serve()

    def serve(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/small")
            self.end_headers()
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.1)
        else:
            self.send_response(200 if self.path in ("/small", "/large") else 404)
            self.end_headers()
            self.wfile.write(b"x" * (10 if self.path == "/small" else LARGEST + 1))

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_picture_is_fetched(host: str) -> None:
    """As many bytes as there are."""
    assert fetch(f"http://{host}/small", (host,), private=True) == b"x" * 10


def test_a_picture_that_is_too_large_is_not_kept_in_memory(host: str) -> None:
    """Nor read to its end."""
    with pytest.raises(PictureTooLarge):
        fetch(f"http://{host}/large", (host,), private=True)


def test_a_name_that_cannot_be_one_is_no_picture() -> None:
    """Nor a fault of ours."""
    for label in ("a" * 64, "a."):
        with pytest.raises(PictureError, match=FAILED):
            fetch(f"https://{label}.qpic.cn/a", HOSTS)


@pytest.mark.parametrize("path", ["/missing", "/elsewhere", "/drip"])
def test_what_does_not_come_is_said_to_be_missing(host: str, path: str) -> None:
    """A redirect is not followed, and who drips is not waited for."""
    began = time.monotonic()
    with pytest.raises(PictureError, match=FAILED):
        fetch(f"http://{host}{path}", (host,), private=True, seconds=1.0)
    assert time.monotonic() - began < 6


def test_a_platforms_name_leads_into_no_network_of_ones_own(host: str) -> None:
    """Whatever the name service says."""
    with pytest.raises(PictureError, match=FAILED):
        fetch("http://gchat.qpic.cn/small", HOSTS, resolve=lambda *_: ["127.0.0.1"])
    with pytest.raises(PictureError, match=FAILED):
        fetch(f"http://{host}/small", (host,))

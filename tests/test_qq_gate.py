"""The gate before NoneBot: no way leads in but those that are set up."""

from __future__ import annotations

import asyncio

import pytest
from gatehouse import (
    APP_ID,
    GROUP_MESSAGE,
    SELF_ID,
    TOKEN,
    Inner,
    ask,
    dispatch,
    gate_before,
    http,
    onebot_headers,
    post,
    refused,
    signed,
)
from starlette.types import Message


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, "/qq/webhook") for method in ("GET", "HEAD", "PUT", "OPTIONS", "post")),
        *(("POST", path) for path in ("/qq/", "/qq/webhook/", "/qq", "/qq/webhook//", "/QQ/webhook", "/qq/other")),
        *(("POST", path) for path in ("/onebot/v11/", "/onebot/v11/http", "/onebot/v11/http/", "/onebot/v11/ws")),
        ("GET", "/onebot/v11/ws"),
    ],
)
def test_no_other_way_leads_in(method: str, path: str) -> None:
    """Not the adapters' other addresses, nor OneBot's reports by HTTP, whoever signs them."""
    inner = Inner()
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    headers = [*signed(body), (b"x-self-id", SELF_ID.encode()), (b"authorization", f"Bearer {TOKEN}".encode())]
    assert asyncio.run(ask(gate_before(inner), http(path, method, headers), body))[0] == 404
    assert inner.scopes == []


def test_a_platform_that_is_not_set_up_has_no_way_in() -> None:
    """Without bots there is no webhook, and without a token no WebSocket, not even for an empty one."""
    inner = Inner()
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    assert post(gate_before(inner, bots={}), body, signed(body))[0] == 404
    for token in (None, ""):
        assert asyncio.run(refused(gate_before(inner, onebot_token=token), onebot_headers(""))) == 404
    with pytest.raises(ValueError, match="secret"):
        gate_before(inner, bots={APP_ID: ""})
    assert inner.scopes == []


def test_the_lifespan_goes_through() -> None:
    """NoneBot starts and stops with the application."""
    inner = Inner()

    async def never() -> Message:
        raise AssertionError

    async def nothing(_: Message) -> None: ...

    asyncio.run(gate_before(inner)({"type": "lifespan"}, never, nothing))
    assert [scope["type"] for scope in inner.scopes] == ["lifespan"]

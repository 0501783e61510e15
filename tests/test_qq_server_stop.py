"""The running server is stopped while it delivers to QQ: what is under way arrives, and nothing comes twice."""

from __future__ import annotations

import asyncio
from collections import Counter

from telephone import House, until

pytest_plugins = ("switchboard",)

USERS = [str(number) for number in range(20001, 20009)]


def test_a_stop_lets_what_is_under_way_arrive(empty_house: House) -> None:
    """A OneBot client has the message, but not yet said so: its word is waited for, and after the next start all that
    was not sent goes out.
    """
    house = empty_house

    async def talk() -> None:
        async with house.onebot() as peer:
            peer.lag = 0.4
            for user in USERS:
                await peer.say("账号被锁定怎么办", user=user)
            await until(lambda: len(peer.shown) >= 2)
            await asyncio.to_thread(house.stop)
            before = len(peer.shown)
            assert before < 3 * len(USERS)
            peer.lag = 0.0
            house.start()
            await asyncio.to_thread(house.ready)
            await until(lambda: all(house.said(user) for user in USERS) and house.at_rest())
            seen = Counter((shown.user, shown.text) for shown in peer.shown)
            assert {user for user, _ in seen} == set(USERS)
            assert set(seen.values()) == {1}

    asyncio.run(talk())

"""Several pictures in one message to the running server: all that their sender must know arrives.

The official platform takes four replies to a message, and nothing else where active pushes are refused.
"""

from __future__ import annotations

import asyncio

import pytest
from embedded import CODE, LOCKED, entry, png
from telephone import House, answers, until

from bot import wording
from bot.qq.errand import MOST_PICTURES, TOO_MANY

pytest_plugins = ("switchboard",)

SEVEN = [png(20 + number)["buffer"] for number in range(7)]


def test_words_and_seven_pictures_get_all_their_answers(house: House) -> None:
    """What would be said to each picture alike is said once, and how many are looked at."""

    async def talk() -> list[str]:
        async with house.official() as (official, album):
            official.pushes = False
            for words in (LOCKED, ""):
                await official.say(words, user="SEVEN", pictures=[album.add(each) for each in SEVEN])
                await until(lambda: house.pieces("SEVEN") and house.at_rest())
            return [each.text for each in official.shown]

    answer, *after, alone, last = asyncio.run(talk())
    assert entry("zyb-1.9").answer in answer
    assert sorted([alone, last]) == sorted(after)
    assert TOO_MANY in after
    assert any(wording.PICTURE in text for text in after)
    pictures = [row["picture"] for row in house.messages("SEVEN") if row["author"] == "visitor"]
    assert len(set(pictures) - {None}) == 2 * MOST_PICTURES
    assert {row["state"] for row in house.pieces("SEVEN")} == {"sent"}


@pytest.mark.parametrize("before", [("是",), ("是", "同意"), ("是", "同意", CODE)])
def test_in_a_form_seven_pictures_are_asked_on_after(house: House, before: tuple[str, ...]) -> None:
    """Whatever is asked for at that moment: what was asked last is shown, and nothing is lost."""
    user = f"FORM{len(before)}"

    async def talk() -> list[str]:
        async with house.official() as (official, album):
            for text in (LOCKED, *before):
                await answers(official, text, user=user)
            await until(house.at_rest)
            official.pushes, told = False, len(official.shown)
            await official.say("", user=user, pictures=[album.add(each) for each in SEVEN])
            await until(lambda: len(house.said(user)) == 1 + len(before) + MOST_PICTURES and house.at_rest())
            return [each.text for each in official.shown[told:]]

    shown = asyncio.run(talk())
    last = house.messages(user)[-1]
    assert TOO_MANY in shown
    assert any(last["text"] in text for text in shown)
    assert len(shown) == len(set(shown)) <= 4
    assert {row["state"] for row in house.pieces(user)} == {"sent"}

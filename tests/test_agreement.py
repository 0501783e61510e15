"""The same question, system and no history: chat over HTTP, staff search and `predict` say the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import ROOT
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from bot import upkeep
from bot.desk import Desk
from bot.evaluate import Question, predict, read_questions
from bot.settings import Settings

DOCUMENTS = ROOT / "faq" / "documents"
QUESTIONS = sorted({question.text for question in read_questions(DOCUMENTS / "questions.jsonl")})
INSERTED = ("😀", "👨‍👩‍👧", "❗️", " ", "\u3000", "\n", "\t", "？", "a", "微信", "危化品系统")


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A question of the set with some characters dropped, swapped or put in."""
    text = draw(st.sampled_from(QUESTIONS))
    for edit in draw(st.lists(st.sampled_from(["drop", "swap", *INSERTED]), max_size=6)):
        at = draw(st.integers(0, len(text)))
        if edit == "drop":
            text = text[:at] + text[at + 1 :]
        elif edit == "swap":
            text = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        else:
            text = text[:at] + edit + text[at:]
    return text


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def desk(built: Path) -> Desk:
    """What `predict` asks, over the same index as the server."""
    desk = upkeep.open_desk(Settings(data_dir=built, faq_documents=DOCUMENTS))
    assert desk.index.mode == "hybrid"
    return desk


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(text=mutated(), system=st.sampled_from([None, "zyb", "whjy"]))
@example(text="账号被锁了，帮我解一下", system=None)
@example(text="危化品系统忘记密码", system="zyb")
@example(text="你好", system="zyb")
@example(text="😀", system=None)
@example(text="微信登不上", system=None)
@example(text="转人工", system="whjy")
def test_chat_search_and_predict_agree(client: httpx.Client, desk: Desk, text: str, system: str | None) -> None:
    """To the last digit that each shows: decision, entry, confidence, options, reason and the whole ranking."""
    assume(text.strip())
    said = predict(desk, Question("1", text, system))

    chat = client.post("/api/chat", json={"text": text, "system": system})
    assert chat.status_code == 200, chat.text
    reply = chat.json()
    assert reply["decision"] == said.decision
    assert round(reply["confidence"], 6) == said.confidence
    assert [option["entry_id"] for option in reply["options"]] == said.options
    assert (reply["escalation"] or {}).get("reason") == said.escalate

    asked = {"q": text} if system is None else {"q": text, "system": system}
    found = client.get("/api/search", params=asked)
    assert found.status_code == 200, found.text
    hits = found.json()["hits"]
    assert [hit["entry_id"] for hit in hits] == said.ranked
    assert hits[0]["confidence"] == round(reply["confidence"], 4)
    if reply["answer"] is not None:
        assert reply["answer"]["entry_id"] == hits[0]["entry_id"]

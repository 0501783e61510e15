"""The values of a conversation: what is said survives being written down."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Answer, Escalation, Option, Reply, Source, Step

texts = st.text(max_size=20)
options = st.lists(st.builds(Option, texts, texts), max_size=4).map(tuple)
answers = st.builds(Answer, texts, texts, texts, st.builds(Source, texts, texts, texts, texts))
steps = st.builds(
    Step,
    texts,
    texts,
    texts,
    kinds=st.lists(texts, max_size=3).map(tuple),
    required=st.booleans(),
    choices=st.lists(texts, max_size=3).map(tuple),
    left=st.integers(0, 9),
)
replies = st.builds(
    Reply,
    decision=st.sampled_from(["answer", "clarify", "escalate", "reject", "talk"]),
    text=texts,
    confidence=st.floats(0, 1),
    answer=st.none() | answers,
    options=options,
    escalation=st.none()
    | st.builds(
        Escalation,
        texts,
        texts,
        st.sampled_from(["offered", "collecting", "waiting", "assigned", "resolved", "closed"]),
        st.none() | st.integers(1001),
    ),
    related=options,
    search=st.sampled_from(["hybrid", "keyword"]),
    step=st.none() | steps,
    note=st.none() | texts,
    question=st.none() | texts,
)


@given(replies)
def test_a_reply_comes_back_from_json_exactly(reply: Reply) -> None:
    """Every reply equals itself after a journey through JSON text."""
    assert Reply.from_dict(json.loads(json.dumps(reply.to_dict()))) == reply


@given(replies)
def test_a_reply_as_a_dictionary_is_what_json_would_make_of_it(reply: Reply) -> None:
    """The dictionary holds lists, not tuples, so that it equals what is read back from JSON."""
    assert json.loads(json.dumps(reply.to_dict())) == reply.to_dict()


def test_a_reply_stored_by_an_older_version_is_read_with_defaults() -> None:
    """Fields that did not exist when the reply was stored take their defaults."""
    stored = {"decision": "reject", "text": "抱歉", "confidence": 0.1}
    assert Reply.from_dict(stored) == Reply("reject", "抱歉", 0.1)


def test_a_reply_from_before_forms_is_read_whole() -> None:
    """Word for word as it was stored then: nothing of it is lost, and what is new takes its default."""
    stored = {
        "decision": "answer",
        "text": "请联系。",
        "confidence": 0.93,
        "answer": {
            "entry_id": "zyb-1.9",
            "question": "账号被锁定",
            "answer": "请联系。",
            "source": {"system": "zyb", "document": "常见问题", "section": "企业用户", "number": "1.9"},
        },
        "options": [],
        "escalation": {"reason": "unlock", "label": "申请解锁账号", "status": "waiting", "ticket": 1001},
        "related": [{"entry_id": "zyb-1.1", "label": "忘记密码"}],
        "search": "keyword",
    }
    assert Reply.from_dict(json.loads(json.dumps(stored))) == Reply(
        "answer",
        "请联系。",
        0.93,
        answer=Answer("zyb-1.9", "账号被锁定", "请联系。", Source("zyb", "常见问题", "企业用户", "1.9")),
        escalation=Escalation("unlock", "申请解锁账号", "waiting", 1001),
        related=(Option("zyb-1.1", "忘记密码"),),
        search="keyword",
    )


@given(answers)
def test_a_quoted_answer_comes_back_from_json_exactly(answer: Answer) -> None:
    """Staff's messages carry an answer alone."""
    assert Answer.from_dict(json.loads(json.dumps(asdict(answer)))) == answer


def test_a_stored_reply_without_its_decision_is_not_guessed() -> None:
    """A dictionary that is no reply raises."""
    with pytest.raises(KeyError):
        Reply.from_dict({"text": "抱歉", "confidence": 0.1})


def test_a_reply_cannot_be_changed_afterwards() -> None:
    """Values are frozen: what was stored is what was shown."""
    with pytest.raises(FrozenInstanceError):
        Reply("reject", "抱歉", 0.1).text = "好的"  # type: ignore[misc]

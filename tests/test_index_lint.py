"""Checks before a knowledge base goes live: contradictions are errors, what becomes of held-out texts is a hint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import run_command
from fake import FakeEncoder, entry, index_of, knowledge_of, segmenter

from faq.knowledge import KnowledgeBase, read_folder
from index import build
from index.encoder import load_encoder
from index.hybrid import HybridIndex
from index.lint import FEWEST, Finding, Written, lint, read_written, summarize
from index.segment import Segmenter, terms
from index.trial import Recall

DOCUMENTS = Path(__file__).parent.parent / "faq" / "documents"
PASSWORD = entry("a-1", "忘记密码", "点击重置。", "密码想不起来", "找回密码")
LOCKED = entry("a-2", "账号锁定", "6小时后重试。", "账号被锁了", "账号锁住怎么解开")
DUST = ("粉尘怎么填", "粉尘填在哪里", "粉尘要填哪一栏", "填写粉尘的地方")


def findings(
    knowledge: KnowledgeBase, written: Sequence[Written] = (), answer: float = 0.5, encoder: FakeEncoder | None = None
) -> list[Finding]:
    index = index_of(knowledge, encoder)
    return lint(index, index.snapshot, answer, written)


def of_kind(kind: str, found: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.kind == kind]


def errors(found: Sequence[Finding]) -> list[str]:
    return [finding.kind for finding in found if finding.severity == "error"]


def test_a_sound_knowledge_base_has_no_errors() -> None:
    """Different questions, each with words of its own."""
    assert errors(findings(knowledge_of(PASSWORD, LOCKED, uncovered=["今天天气"]))) == []


def test_a_similar_question_under_two_entries_is_an_error() -> None:
    """Marks, spaces and courtesy do not make it another; both entries and texts are named."""
    twin = entry("b-1", "登录失败", "请重试。", "请问，找回 密码？")
    (found,) = of_kind("two_entries", findings(knowledge_of(PASSWORD, twin)))
    assert found.severity == "error"
    assert found.entries == ("b-1", "a-1")
    assert found.texts == ("请问，找回 密码？", "找回密码")
    assert all(part in found.message for part in (*found.entries, *found.texts))


def test_a_similar_question_twice_under_one_entry_is_an_error() -> None:
    """In its matching form, too."""
    found = findings(knowledge_of(entry("a-1", "忘记密码", "点击重置。", "找回密码", "找回密码！"), LOCKED))
    assert errors(found) == ["twice"]
    assert of_kind("twice", found)[0].entries == ("a-1",)


def test_a_text_repeated_to_the_letter_is_found_in_the_file() -> None:
    """Reading has merged it, so that only what is written shows it."""
    written = [Written("a.similar.toml", "a-1", "找回密码")] * 2
    assert errors(findings(knowledge_of(PASSWORD, LOCKED), written)) == ["twice"]
    assert errors(findings(knowledge_of(PASSWORD, LOCKED), written[:1])) == []


@pytest.mark.parametrize("turned", [False, True])
def test_a_similar_question_that_is_another_entrys_title_is_an_error(turned: bool) -> None:
    """Whichever of the two entries comes first; its own title is none of the checks' business."""
    wrong = entry("a-3", "登录失败", "请重试。", "忘记密码。", "登录失败")
    (found,) = of_kind("title", findings(knowledge_of(*((wrong, PASSWORD) if turned else (PASSWORD, wrong)))))
    assert found.severity == "error"
    assert found.entries == ("a-3", "a-1")
    assert "a-1 的标题「忘记密码」" in found.message


@pytest.mark.parametrize("topic", ["找回密码？", "忘记密码"])
def test_a_question_that_is_also_an_uncovered_topic_is_an_error(topic: str) -> None:
    """A similar question or a title: it has an answer."""
    (found,) = of_kind("covered_topic", findings(knowledge_of(PASSWORD, LOCKED, uncovered=[topic])))
    assert found.severity == "error"
    assert (found.entries, found.texts[0]) == (("a-1",), topic)


def test_a_similar_question_that_does_not_find_its_entry_alone_is_an_error() -> None:
    """Even as the only one, as it is another entry's title and stands in its answer."""
    wrong = entry("a-3", "登录失败", "请重试。", "粉尘怎么填")
    right = entry("a-4", "粉尘怎么填", "粉尘怎么填：粉尘这样填。")
    (found,) = of_kind("unfound", findings(knowledge_of(wrong, right)))
    assert (found.severity, found.entries, found.texts) == ("error", ("a-3",), ("粉尘怎么填",))


def test_other_similar_questions_neither_help_nor_harm_one_that_stands_alone() -> None:
    """Four of another entry that sound alike do not make it an error, only a hint."""
    found = findings(
        knowledge_of(entry("a-1", "忘记密码", "点击重置。", "粉尘密码怎么填"), entry("a-2", "注意", "无。", *DUST))
    )
    assert errors(found) == []
    assert of_kind("elsewhere", found)[0].entries == ("a-1", "a-2")


def test_few_or_many_similar_questions_are_a_hint() -> None:
    """With the number; entries that have enough are not named."""
    enough = entry("a-3", "粉尘", "填写。", *(f"粉尘第{number}栏怎么填" for number in range(FEWEST)))
    found = of_kind("count", findings(knowledge_of(PASSWORD, enough)))
    assert [(finding.severity, finding.entries) for finding in found] == [("hint", ("a-1",))]
    assert "2 个" in found[0].message


def test_numbers_do_not_count_where_nobody_writes_similar_questions() -> None:
    """A knowledge base of titles and answers has nothing to find."""
    assert findings(knowledge_of(entry("a-1", "忘记密码", "点击重置。"), entry("a-2", "账号锁定"))) == []


def test_a_held_out_question_that_finds_another_entry_names_it() -> None:
    """With the rival's nearest phrasing, as a hint."""
    knowledge = knowledge_of(entry("a-1", "忘记密码", "点击重置。", "粉尘填在哪"), entry("a-2", "注意", "无。", *DUST))
    found = of_kind("elsewhere", findings(knowledge))[0]
    assert (found.severity, found.entries) == ("hint", ("a-1", "a-2"))
    assert found.texts == ("粉尘填在哪", "粉尘填在哪里")
    assert all(part in found.message for part in (*found.entries, *found.texts))


def test_a_held_out_question_nearer_to_nothing_names_the_uncovered_topic() -> None:
    """The entry is the first, yet no answer is likelier."""
    knowledge = knowledge_of(
        entry("a-1", "忘记密码", "点击重置。", "今天天气密码"), LOCKED, uncovered=["今天天气", "天气怎么样", "粉尘"]
    )
    found = of_kind("below_none", findings(knowledge))[0]
    assert (found.severity, found.entries) == ("hint", ("a-1",))
    assert found.texts == ("今天天气密码", "今天天气")


def test_a_held_out_question_is_judged_by_meaning_where_there_is_an_encoder() -> None:
    """Nothing but its vector leads to the rival."""
    places = {
        "忘记密码": {0: 1.0},
        "无从登入": {0: 1.0},
        "无从登录": {1: 1.0},
        "账号锁定": {1: 1.0},
        "点击重置": {2: 1.0},
    }
    knowledge = knowledge_of(entry("a-1", "忘记密码", "点击重置。", "无从登录"), entry("a-2", "账号锁定", "等待。"))
    assert [finding.entries for finding in of_kind("elsewhere", findings(knowledge, encoder=FakeEncoder(places)))] == [
        ("a-1", "a-2")
    ]


def test_the_worst_comes_first() -> None:
    """A question that only leans to another entry stands behind one that is all the other's."""
    knowledge = knowledge_of(
        entry("a-1", "忘记密码", "点击重置。", "密码粉尘填", "粉尘填在哪儿里"), entry("a-2", "注意", "无。", *DUST)
    )
    found = of_kind("elsewhere", findings(knowledge))
    assert next(finding.texts[0] for finding in found if finding.entries[0] == "a-1") == "粉尘填在哪儿里"


def test_a_topic_that_would_be_answered_is_a_hint() -> None:
    """From the answer threshold on, which is the caller's; the surest comes first."""
    knowledge = knowledge_of(PASSWORD, LOCKED, uncovered=["账号被锁了怎么办", "今天天气"])
    found = of_kind("answered_topic", findings(knowledge, answer=0.05))[0]
    assert (found.severity, found.entries, found.texts[0]) == ("hint", ("a-2",), "账号被锁了怎么办")
    assert of_kind("answered_topic", findings(knowledge, answer=1.0)) == []


def test_messages_name_the_file() -> None:
    """The one that the text stands in."""
    written = [Written("a.similar.toml", "a-1", "找回密码"), Written("uncovered.toml", "", "找回密码")]
    (found,) = of_kind("covered_topic", findings(knowledge_of(PASSWORD, uncovered=["找回密码"]), written))
    assert found.message.startswith("uncovered.toml 未收录话题「找回密码」与 a.similar.toml a-1「找回密码」")


def test_what_reading_warned_of_is_a_hint(tmp_path: Path) -> None:
    """Similar questions of an entry that is not there are not in the index."""
    (tmp_path / "a.txt").write_text("一、常见问题\n1、忘记密码\n答：点击重置。\n", encoding="utf-8")
    (tmp_path / "a.similar.toml").write_text('["a-9.9"]\nquestion = "无"\nsimilar = ["甲"]\n', encoding="utf-8")
    (found,) = of_kind("unread", findings(read_folder(tmp_path), read_written(tmp_path)))
    assert (found.severity, "a-9.9" in found.message) == ("hint", True)


def test_what_is_written_is_read_as_often_as_it_stands(tmp_path: Path) -> None:
    """Beside a folder of documents or a single one, with the file's name."""
    (tmp_path / "a.txt").write_text("一、常见问题\n1、忘记密码\n答：点击重置。\n", encoding="utf-8")
    (tmp_path / "a.similar.toml").write_text(
        '["a-1.1"]\nquestion = "忘记密码"\nsimilar = ["甲", "甲"]\n', encoding="utf-8"
    )
    (tmp_path / "uncovered.toml").write_text('topics = ["乙"]\n', encoding="utf-8")
    written = (*[Written("a.similar.toml", "a-1.1", "甲")] * 2, Written("uncovered.toml", "", "乙"))
    assert read_written(tmp_path) == read_written(tmp_path / "a.txt") == written


@pytest.mark.parametrize("encoder", [FakeEncoder(), None], ids=["hybrid", "keyword"])
def test_an_empty_knowledge_base_is_in_order(encoder: FakeEncoder | None) -> None:
    """Nothing to find, and no accuracy."""
    for knowledge in (knowledge_of(), knowledge_of(uncovered=["今天天气"])):
        index = index_of(knowledge, encoder)
        assert lint(index, index.snapshot, 0.5) == []
        assert summarize(index.snapshot, []).accuracy is None


def test_the_summary_counts() -> None:
    """What was checked, what was found, and which part of the similar questions finds its own entry."""
    knowledge = knowledge_of(PASSWORD, LOCKED, uncovered=["今天天气"])
    hint = Finding("hint", "elsewhere", ("a-1", "a-2"), ("找回密码", "账号锁定"), "")
    summary = summarize(index_of(knowledge).snapshot, [hint, Finding("error", "twice", ("a-1",), (), "")])
    assert (summary.entries, summary.similar, summary.topics) == (2, 4, 1)
    assert (summary.accuracy, summary.errors, summary.hints) == (0.75, 1, 1)
    assert "75.0%" in str(summary)


def test_known_vectors_are_not_made_again() -> None:
    """Only texts that the snapshot lacks reach the encoder."""
    encoder = FakeEncoder({"忘记密码": {0: 1.0}})
    made = build.build(knowledge_of(PASSWORD), segmenter(), encoder)
    encoder.encoded.clear()
    recall = Recall(made, encoder)
    assert np.array_equal(recall.encode(["忘记密码"]), FakeEncoder({"忘记密码": {0: 1.0}}).encode(["忘记密码"]))
    assert encoder.encoded == []
    recall.encode(["没见过的"])
    assert encoder.encoded == ["没见过的"]


def test_the_command_fails_on_errors_and_prints_them(tmp_path: Path) -> None:
    """Exit status 1 with a line in Chinese, or JSON; 0 once the error is mended."""
    folder = tmp_path / "faq"
    folder.mkdir()
    (folder / "a.txt").write_text("一、常见问题\n1、忘记密码\n答：点击重置。\n", encoding="utf-8")
    similar = folder / "a.similar.toml"
    table = '["a-1.1"]\nquestion = "忘记密码"\nsimilar = {}\n'
    similar.write_text(table.format('["找回密码", "找回密码？"]'), encoding="utf-8")
    settings = {"FAQ_DOCUMENTS": str(folder), "FAQ_MODEL": "none"}
    done = run_command(tmp_path / "data", "lint", **settings)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("错误：a.similar.toml a-1.1「找回密码？」")
    assert "错误 1 个" in done.stdout.splitlines()[-1]
    assert json.loads(run_command(tmp_path / "data", "lint", "--json", **settings).stdout)["summary"]["errors"] == 1
    similar.write_text(table.format('["找回密码"]'), encoding="utf-8")
    assert run_command(tmp_path / "data", "lint", **settings).returncode == 0


@pytest.mark.parametrize("mode", ["hybrid", "keyword"])
def test_the_shipped_documents_have_no_errors(mode: str, model_folder: Path) -> None:
    """With the real encoder and without."""
    knowledge = read_folder(DOCUMENTS)
    cutter, encoder = Segmenter(terms(knowledge)), load_encoder(model_folder) if mode == "hybrid" else None
    made = build.build(knowledge, cutter, encoder)
    index = HybridIndex(made, cutter, None if encoder is None else Recall(made, encoder))
    found = lint(index, made, 0.62, read_written(DOCUMENTS))
    assert [finding.message for finding in found if finding.severity == "error"] == []

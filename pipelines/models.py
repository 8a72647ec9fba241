"""Fetch the optional model of Chinese names: LAC 2.1.2 from the package index, converted once to ONNX.

Its package no longer builds, so the source archive alone is downloaded, in an environment of its own that is thrown
away; pip checks the archive's hash before it runs anything of it. No weights stand in this repository.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from anonymize.names.lac import has_lac
from pipelines.home import Home
from schemas.errors import DependencyFailed
from schemas.text import Text

NAME = "lac-2.1.2"
ARCHIVE_SHA256 = "22fcde0d5082d2044205ea6f6a7a9cd1f0d63e7b21b2dd5c9c73f27e7c0a3ef1"
REQUIREMENT = f"LAC==2.1.2 --hash=sha256:{ARCHIVE_SHA256}\n"
TOOLS = ("setuptools<81", "wheel", "numpy==2.4.6", "onnx==1.23.2")  # of the thrown-away environment
CONVERSION = Path(__file__).parent / "lac_conversion.py"
SOURCE = (
    "LAC 2.1.2 (Baidu Lexical Analysis of Chinese), Apache License 2.0, source archive of the Python Package Index,\n"
    f"sha256 {ARCHIVE_SHA256}; weights converted to ONNX, otherwise unchanged.\n"
)


def models_cache(home: Home) -> Path:
    """Where fetched models are kept."""
    return home / "models"


def names_model_folder(cache: Path) -> Path:
    """Where the converted model stands within the cache."""
    return cache / NAME


def fetch_chinese_names_model(cache: Path) -> Path:
    """Fetch and convert the model into `cache`, unless it is there; give its folder for `anonymize.names.lac.load_lac`.

    May run twice; a broken run leaves nothing behind. Needs the package index and about 400 MB of temporary space.
    Raises DependencyFailed naming the step that failed.
    """
    folder = names_model_folder(cache)
    if has_lac(folder):
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetching-") as scratch:
        converted = _fetch(Path(scratch))
        if not has_lac(converted):
            raise _failed("convert the weights", "转换模型权重")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(converted, folder)
    return folder


def _fetch(scratch: Path) -> Path:
    environment, downloads, converted = scratch / "environment", scratch / "downloads", scratch / "converted"
    python = str(environment / ("Scripts" if os.name == "nt" else "bin") / "python")
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    (scratch / "requirements.txt").write_text(REQUIREMENT, "utf-8")
    _run([sys.executable, "-m", "venv", str(environment)], "make an environment", "创建临时环境")
    _run([*pip, "install", *TOOLS], "install the conversion tools", "安装转换工具")
    archive_alone = ["--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--require-hashes"]
    wanted = ["--dest", str(downloads), "--requirement", str(scratch / "requirements.txt")]
    _run(
        [*pip, "download", *archive_alone, *wanted],
        "download LAC 2.1.2 with the expected hash",
        "下载 LAC 2.1.2 并核对校验值",
    )
    archive = next(downloads.glob("*.tar.gz"))
    with tarfile.open(archive) as packed:
        packed.extractall(scratch / "source", filter="data")
    weights = next((scratch / "source").glob("*/LAC/lac_model"))
    converted.mkdir()
    # -I: this script's folder must not be on the path, its neighbours have names of the standard library.
    _run([python, "-I", str(CONVERSION), str(weights), str(converted)], "convert the weights", "转换模型权重")
    (converted / "SOURCE.txt").write_text(SOURCE, "utf-8")
    return converted


def _run(command: list[str], step_en: str, step_zh: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise _failed(step_en, step_zh)


def _failed(step_en: str, step_zh: str) -> DependencyFailed:
    return DependencyFailed(
        "names-model-not-fetched",
        Text(
            zh=f"未能获取中文人名识别模型，失败的步骤：{step_zh}",
            en=f"the names model was not fetched; failed: {step_en}",
        ),
        Text(
            zh="请检查能否访问 Python 软件包索引，然后重试；不使用模型时，系统按姓氏和词典识别",
            en="check that the Python package index can be reached and try again; without the model, surnames and"
            " dictionaries are used",
        ),
    )

"""What set-up says when something is missing, and that it does nothing when nothing is."""
from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mesoclinic import install

REQUIREMENTS = ("requirements.txt", "requirements-local.txt", "requirements-dev.txt")


def never(*_: Any, **__: Any) -> None:
    raise AssertionError("nothing may be installed here")


def lines(name: str) -> list[str]:
    written = (install.ROOT / name).read_text().splitlines()
    return [line for line in written if line and not line.startswith(("#", "-"))]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_is_pinned_and_says_why(name: str) -> None:
    for line in lines(name):
        assert re.fullmatch(r"[A-Za-z0-9-]+(\[\w+\])?==\S+\s+# \S.+", line), line


def test_the_constraints_agree_with_the_requirements() -> None:
    constraints = {line.partition("==")[0].lower(): line.partition("==")[2] for line in lines("constraints.txt")}
    for name in REQUIREMENTS:
        for line in lines(name):
            package, _, version = line.split("#")[0].strip().partition("==")
            assert constraints[re.sub(r"\[\w+\]", "", package).lower()] == version


def test_a_missing_pango_is_one_sentence_with_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "LIBRARIES", ("libpango-of-nowhere.so.9",))
    with pytest.raises(SystemExit, match=r"apt install libpango-1\.0-0 libpangoft2-1\.0-0 libharfbuzz-subset0`"):
        install.main("local")


def test_a_missing_venv_module_is_one_sentence_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    known = install.importlib.util.find_spec
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else known(name))
    with pytest.raises(SystemExit, match=r"run `(sudo )?apt install python3-venv` and try again"):
        install.main("local")


def test_an_old_python_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install.sys, "version_info", (3, 10, 2))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed"):
        install.main("local")


def test_without_root_or_sudo_the_tests_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="run `sudo apt install chromium poppler-utils` and try again"):
        install.main("dev")


def test_nothing_is_done_while_the_requirement_files_are_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(install, "run", never)
    (tmp_path / "stamp").write_text(install.fingerprint("dev"))
    install.install("dev")
    install.install("local")
    (tmp_path / "stamp").write_text(install.fingerprint("local"))
    install.install("local")
    with pytest.raises(AssertionError, match="nothing may be installed"):
        install.install("dev")


def test_a_failed_install_is_one_sentence_and_leaves_no_stamp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1))
    with pytest.raises(SystemExit, match="could not be made"):
        install.install("dev")
    assert not (tmp_path / "stamp").exists()

"""The family of processes: ready before the next, revived when one dies, all gone at the end."""
from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesoclinic.processes import Child, Family, Stopped, Trouble

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Iterator[Family]:
    """Without the signal handlers, which belong to whoever runs the tests."""
    one = Family()
    yield one
    one.stop()


def test_a_child_that_cannot_start_says_its_last_words(family: Family) -> None:
    child = Child("web", [sys.executable, "-c", "print('no room'); raise SystemExit(3)"], ready=lambda: False)
    with pytest.raises(Trouble, match="web stopped while starting: no room"):
        family.start(child)


def test_a_child_that_never_gets_ready_is_given_up(family: Family) -> None:
    with pytest.raises(Trouble, match="web was not ready within 1 seconds"):
        family.start(Child("web", SLEEP, ready=lambda: False, ready_seconds=1))


def test_a_child_that_keeps_dying_stops_everything(family: Family, capsys: pytest.CaptureFixture[str]) -> None:
    family.start(Child("web", [sys.executable, "-c", ""]))
    with pytest.raises(Trouble, match="web ended 4 times within a minute"):
        family.watch()
    assert capsys.readouterr().out.count("ended (exit 0); starting it again.") == 3


def test_the_database_stops_last(family: Family, tmp_path: Path) -> None:
    script = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        "    time.sleep({pause}); open({log!r}, 'a').write({name!r}); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "open({log!r} + {name!r}, 'w').close()\n"
        "time.sleep(60)"
    )
    log = str(tmp_path / "log")
    for stage, (name, pause) in enumerate([("postgres ", 0), ("web ", 0.3)]):
        words = [sys.executable, "-c", script.format(log=log, name=name, pause=pause)]
        family.start(Child(name, words, stage=stage, ready=(tmp_path / f"log{name}").exists))
    family.stop()
    assert Path(log).read_text() == "web postgres "


def test_what_a_child_started_goes_with_it(family: Family, tmp_path: Path) -> None:
    mark = tmp_path / "grandchild"
    words = [sys.executable, "-c", (
        f"import subprocess, sys, time; p = subprocess.Popen({SLEEP!r}); "
        f"open({str(mark)!r}, 'w').write(str(p.pid)); time.sleep(60)"
    )]  # fmt: skip
    family.start(Child("web", words, ready=lambda: mark.exists() and bool(mark.read_text())))
    family.stop()
    deadline = time.monotonic() + 5
    while alive(int(mark.read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    return "State:\tZ" not in status


def test_stopping_interrupts_what_is_still_starting(family: Family) -> None:
    family.stopping = True
    with pytest.raises(Stopped):
        family.start(Child("web", SLEEP))
    with pytest.raises(Stopped):
        family.run("migrate", SLEEP, {})

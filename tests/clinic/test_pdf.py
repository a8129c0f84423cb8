"""The fence around documents: what a page may reach, how much it may take, and that the renderer survives it all."""
from __future__ import annotations

import base64
import concurrent.futures
import io
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from clinic import rendering
from clinic.pdf import CannotRender, NotOurs, OwnFilesOnly, Reason
from clinic.rendering import LENGTH, NotRenderable, RendererAway, StillWorking, read_frame, render
from clinic.strict_templates import UndefinedName, engine
from tests.figures import scaled
from tests.renderer import RendererProcess

BAIT = "bait-7f3a-nobody-may-read-this"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Canary:
    """Listens on this machine and counts who knocks."""

    def __init__(self) -> None:
        self.hits = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.hits += 1
            connection.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    bird = Canary()
    yield bird
    bird.server.close()


# One a line; {file}, {path} lead to a bait file, {http}, {port} to a listening canary; {{ and }} are braces.
PAYLOADS = tuple((Path(__file__).parent / "ways_out.txt").read_text(encoding="utf-8").splitlines())


def test_forty_ways_out_all_end_at_the_fence(renderer: RendererProcess, canary: Canary, tmp_path: Path) -> None:
    assert len(PAYLOADS) >= 40
    bait = tmp_path / "bait.txt"
    bait.write_text(BAIT)
    for payload in PAYLOADS:
        html = payload.format(
            file=bait.as_uri(), path=bait, http=f"http://127.0.0.1:{canary.port}/redirect", port=canary.port
        )
        try:
            pdf = render(f'<html lang="en"><title>t</title><p>stands</p>{html}</html>', wait_seconds=30).pdf
        except NotRenderable:
            continue
        reader = PdfReader(io.BytesIO(pdf))
        assert not list(reader.attachments), payload
        everything = pdf + b"".join(page.get_contents().get_data() for page in reader.pages)
        assert BAIT.encode() not in everything, payload
        assert BAIT not in "".join(page.extract_text() for page in reader.pages), payload
        assert "stands" in reader.pages[0].extract_text(), payload
    assert canary.hits == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "https://example.org/x", "file:///etc/passwd", "static:../manage.py",
        "static:img/../../x.png", "static:vendor/fonts/../icons.svg", "static:vendor/fonts/none.woff2", "data:,x",
        "static:css/theme.css", "static:img/", "data:text/html,<p>", "data:application/pdf;base64,AAAA",
        "data:image/png;base64,not base64!", "javascript:1", "", "static:vendor/fonts/Inter-400.woff2?x", "\x00",
        "data:image/png;base64," + "A" * 4_000_000, "static:img/%2e%2e/x.png",
    ],
)  # fmt: skip
def test_the_fetcher_answers_nothing_but_our_own(url: str) -> None:
    with pytest.raises(NotOurs):
        OwnFilesOnly().fetch(url)


def test_the_fetcher_answers_fonts_and_pictures_in_the_page() -> None:
    font = OwnFilesOnly().fetch("static:vendor/fonts/Inter-400.woff2")
    assert font.content_type == "font/woff2"
    assert font.read(4) == b"wOF2"
    picture = OwnFilesOnly().fetch(f"data:image/png;base64,{PNG}")
    assert picture.content_type == "image/png"
    assert picture.read().startswith(b"\x89PNG")


def test_an_attachment_that_came_through_a_picture_is_refused(renderer: RendererProcess) -> None:
    with pytest.raises(NotRenderable) as refusal:
        render(f"<html lang='en'><a rel=attachment href='data:image/png;base64,{PNG}'>x</a></html>", wait_seconds=30)
    assert refusal.value.code == Reason.ATTACHMENT


# --------------------------------------------------------------------------------------------------------------- limits
def test_pages_that_cannot_be_made_say_why(renderer: RendererProcess) -> None:
    nested = "<table><tr><td>" * 60 + "deep"
    assert why(nested) == Reason.TOO_DEEP
    assert why("<p style='page-break-after: always'>x</p>" * 70) == Reason.TOO_MANY_PAGES
    assert why("x" * rendering.LARGEST_QUESTION) == Reason.TOO_LARGE
    assert still_alive()


def test_a_megabyte_of_text_ends_in_a_reason_and_holds_nobody_up(small_renderer: RendererProcess) -> None:
    html = "<html lang='en'><p>" + "word " * 200_000
    with pytest.raises(StillWorking):
        render(html, wait_seconds=0.2)
    started = time.monotonic()
    assert still_alive()
    assert time.monotonic() - started < 5
    assert why(html) == Reason.TOO_SLOW


def test_memory_is_bounded(small_renderer: RendererProcess) -> None:
    bomb = base64.b64encode(png_of_nothing(6_000)).decode()  # 187 kB of file, 144 MB of picture
    assert why(f"<html lang='en'><img src='data:image/png;base64,{bomb}'></html>") == Reason.TOO_MUCH_MEMORY
    assert still_alive()


def png_of_nothing(side: int) -> bytes:
    """A square PNG with alpha, all zeros: tiny as a file, huge when unpacked."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    rows = zlib.compress(bytes(1 + 4 * side) * side, 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.prove_only
def test_at_the_real_limits_the_same_holds(renderer: RendererProcess) -> None:
    assert why("<html lang='en'><p>" + "word " * 200_000) in {Reason.TOO_MANY_PAGES, Reason.TOO_SLOW}
    rows = "<html lang='en'><table>" + ("<tr>" + "<td>x" * 60) * 12_000
    assert why(rows, patience=120) in {Reason.TOO_MUCH_MEMORY, Reason.TOO_SLOW, Reason.TOO_MANY_PAGES}
    assert still_alive()


@pytest.mark.prove
def test_a_thousand_papers_leave_the_renderer_as_it_was(
    renderer: RendererProcess, record_property: Callable[[str, object], None]
) -> None:
    """Of the size of a real consent: some pages with tables. A thousand in `bin/prove`, a hundred in `bin/test`."""
    rows = "".join(f"<tr><td>{line}</td><td>Onam, согласие, موافقة {line}</td></tr>" for line in range(60))
    page = "<html lang='tr'><title>-</title><h1>{n} {t}</h1><table>" + rows + "</table></html>"
    for number in range(10):
        render(page.replace("{n}", f"warm {number}").replace("{t}", str(time.time())), wait_seconds=60)
    before, count = renderer.memory_kb(), scaled(1_000)
    along = [before]
    for number in range(1, count + 1):
        render(page.replace("{n}", str(number)).replace("{t}", str(time.time())), wait_seconds=60)
        if number % max(1, count // 10) == 0:
            along.append(renderer.memory_kb())
            print(f"after {number} renders: {along[-1] / 1000:.1f} MB", flush=True)
    largest, grown = max(along), along[-1] - before
    record_property("MB along the way", " ".join(f"{kb / 1000:.0f}" for kb in along))
    record_property("renders", count)
    record_property("renderer before, kB", before)
    record_property("largest, kB", largest)
    record_property("grown, kB", grown)
    # What is kept for a moment is bounded (64 MB of finished files); nothing else may stay.
    assert grown < 80_000
    assert largest - before < 80_000


def test_many_ask_at_once_and_each_gets_its_own(renderer: RendererProcess) -> None:
    def ask(number: int) -> str:
        pdf = render(f"<html lang='en'><p>number {number}</p></html>", wait_seconds=30).pdf
        return PdfReader(io.BytesIO(pdf)).pages[0].extract_text()

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert [text.strip() for text in pool.map(ask, range(24))] == [f"number {number}" for number in range(24)]


def test_asking_again_gets_the_same_bytes_without_new_work(renderer: RendererProcess) -> None:
    html = f"<html lang='en'><p>once {time.time()}</p></html>"
    first = render(html, wait_seconds=30)
    made = renderer.lines().count("made ")
    assert render(html, wait_seconds=30) == first
    assert renderer.lines().count("made ") == made


def test_garbage_on_the_socket_does_no_harm(renderer: RendererProcess) -> None:
    for garbage in (
        b"", b"\x00", b"\xff\xff\xff\xff", LENGTH.pack(4) + b"null", LENGTH.pack(9) + b"{\"html\":1",
        LENGTH.pack(2) + b"{}",
        LENGTH.pack(24) + b'{"html":"x","wait":"no"}', LENGTH.pack(2) + b"\xff\xff", LENGTH.pack(100) + b"half",
    ):  # fmt: skip
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(renderer.socket))
            line.sendall(garbage)
    assert still_alive()


def test_what_stands_in_a_page_does_not_reach_the_log(renderer: RendererProcess) -> None:
    render("<html lang='en'><p>Nadia Secret</p><img src='http://nadia-secret.example/'></html>", wait_seconds=30)
    assert "ecret" not in renderer.lines()


def test_nobody_there_is_said_at_once(settings: object, tmp_path: Path) -> None:
    settings.RENDERER_SOCKET = str(tmp_path / "none.sock")  # type: ignore[attr-defined]
    started = time.monotonic()
    with pytest.raises(RendererAway):
        render("<p>x", wait_seconds=6)
    assert time.monotonic() - started < 1


def test_a_renderer_that_hangs_up_or_talks_nonsense_counts_as_away(settings: object, tmp_path: Path) -> None:
    for answer in (b"", b"\x00\x00\x00\x02{}", LENGTH.pack(99_999), LENGTH.pack(4) + b"null" + LENGTH.pack(0)):
        path = tmp_path / f"s{len(answer)}{answer[:1].hex()}"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            threading.Thread(target=answer_once, args=(server, answer), daemon=True).start()
            settings.RENDERER_SOCKET = str(path)  # type: ignore[attr-defined]
            with pytest.raises(RendererAway):
                render("<p>x", wait_seconds=1)


def answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        read_frame(connection, most=1_000_000)
        connection.sendall(answer)


def why(html: str, *, wait: float = 30, patience: float = 60) -> str:
    """The reason a page is refused with; asks again while it is being tried."""
    deadline = time.monotonic() + patience
    while True:
        try:
            render(html, wait_seconds=wait)
            return "made"
        except NotRenderable as refusal:
            return refusal.code
        except StillWorking:
            assert time.monotonic() < deadline


def still_alive() -> bool:
    return render(f"<html lang='en'><p>alive {time.time()}</p></html>", wait_seconds=30).pdf.startswith(b"%PDF")


# ----------------------------------------------------------------------------------------------------------- templates
def test_a_template_that_names_what_is_not_there_is_an_error() -> None:
    from django.template import Context

    for source in ("{{ nothing }}", "{{ some.nothing }}", "{{ nothing|upper }}", "{{ nothing|default:'x' }}"):
        with pytest.raises(UndefinedName):
            engine().from_string(source).render(Context({"some": {"thing": 1}}))


def test_templates_of_papers_escape_by_themselves() -> None:
    from django.template import Context

    assert engine().from_string("{{ x }}").render(Context({"x": "<b>&\"'"})) == "&lt;b&gt;&amp;&quot;&#x27;"


def test_every_reason_has_its_sentence() -> None:
    assert {reason.value for reason in Reason} | {"seal"} == set(rendering.WHY)  # the seal comes after the drawing
    assert json.loads(json.dumps({"reason": CannotRender(Reason.BROKEN).reason})) == {"reason": "broken"}

"""What every look at a page in the browser begins with and ends in: somebody signed in, nothing wider than the screen."""
from __future__ import annotations

from collections.abc import Callable, Iterable

from django.test import Client
from playwright.sync_api import Page

from clinic.models import User
from tests import factories as make
from tests.browser import check_accessibility, settled


def enter(page: Page, address: str, user: User) -> None:
    """Signed in without typing; `address` is the live server's."""
    client = make.signed_in(Client(), user)
    page.context.add_cookies([{"name": name, "value": one.value, "url": address} for name, one in client.cookies.items()])


def fits(page: Page) -> None:
    """No sideways scrolling at the size the page has now."""
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, f"{page.url} is {wider} px wider than {page.viewport_size}"


def frame_stays(page: Page) -> None:
    """The bar at the top and the rail beside it do not scroll away (on a phone the rail lies at the foot)."""
    tops = page.evaluate(
        """() => {
            scrollTo(0, document.documentElement.scrollHeight);
            const found = [...document.querySelectorAll(".staff > .topbar, .staff > .rail")]
                .map(part => part.getBoundingClientRect())
                .map(box => [Math.round(box.top), Math.round(box.bottom - innerHeight)]);
            scrollTo(0, 0);
            return found;
        }"""
    )
    assert all(0 in edges for edges in tops), f"{page.url} at {page.viewport_size}: {tops}"


def readable_at_every_size(
    page: Page, address: str, sizes: Iterable[tuple[int, int]], look: Callable[[int], object] = lambda width: None
) -> None:
    """Opens `address` and gives it each (width, height); once it is still, it fits and axe finds nothing serious. Then
    `look(width)`. Neither the server nor a script of ours asks for the width, so one load shows what three would."""
    answer = None
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        answer = answer or page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        settled(page)
        fits(page)
        frame_stays(page)
        check_accessibility(page)
        look(width)

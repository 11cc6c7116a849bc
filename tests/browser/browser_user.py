"""A user of a browser, who fails on errors, accessibility faults and pages that are too wide."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from reintegration.demo import password_of

# As root in a small container: no sandbox, no graphics card, no network.
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE, DESK = 360, 1280
HEIGHT = 900
MILLISECONDS = 20_000


def patience() -> None:
    """How long to wait for a page, in milliseconds; longer on a busy machine."""
    expect.set_options(timeout=MILLISECONDS)


class BrowserUser:
    """A page with its own cookies, and the list of its errors."""

    def __init__(self, url: str, page: Page, *, script: bool = True) -> None:
        self.url, self.page = url, page
        self.complaints: list[str] = []
        self._twin = None if script else page.context.browser.new_page()
        page.set_default_timeout(MILLISECONDS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    @classmethod
    @contextmanager
    def at(
        cls, url: str, browser: Browser, *, script: bool = True, width: int = DESK
    ) -> Iterator["BrowserUser"]:
        """Yield a user with a fresh browser; fails at the end if the browser complained."""
        context = browser.new_context(
            java_script_enabled=script, viewport={"width": width, "height": HEIGHT}, locale="en-GB"
        )
        browser_user = cls(url, context.new_page(), script=script)
        try:
            yield browser_user
            assert browser_user.complaints == []
        finally:
            if browser_user._twin:
                browser_user._twin.context.close()
            context.close()

    def _console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def open(self, path: str) -> None:
        """Open a page of the site, which must answer with 200."""
        response = self.page.goto(urljoin(self.url, path))
        assert response is not None
        assert response.status == 200, (path, response.status)

    def sign_in(self, username: str) -> None:
        """Sign in, finding the button by its type, as the page's language may vary."""
        self.open("/accounts/login/")
        self.fill("User name", username)
        self.fill("Password", password_of(username))
        self.press("Sign in")
        expect(self.page.locator("form[action='/accounts/logout/'] button").first).to_be_visible()

    def sign_out(self) -> None:
        self.press("Sign out")
        expect(self.heading("Sign in")).to_be_visible()

    def fill(self, label: str, text: str) -> None:
        self._field(label).fill(text)

    def select(self, label: str, choice: str) -> None:
        self._field(label).select_option(label=choice)

    def _field(self, label: str) -> Locator:
        plain = re.sub(r"([?.()])", r"\\\1", label)
        return self.page.get_by_label(re.compile(rf"^\s*{plain}\s*(\(optional\))?\s*$"))

    def choose(self, question: str, answer: str) -> None:
        """Choose one answer of a group of radio buttons or boxes."""
        group = self.page.locator("fieldset", has=self.page.locator("legend", has_text=question)).last
        group.get_by_label(answer, exact=True).check()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str | re.Pattern) -> None:
        self.page.get_by_role("link", name=name).first.click()

    def heading(self, name: str | re.Pattern) -> Locator:
        return self.page.get_by_role("heading", name=name, exact=isinstance(name, str))

    def look(self, *, twice: bool = False) -> None:
        """Check the page: it fits a phone and a desktop, and axe finds no fault.

        axe checks the current width, or both with `twice`.
        """
        self.page.wait_for_load_state()
        size = self.page.viewport_size or {"width": DESK, "height": HEIGHT}
        for width in (PHONE, DESK):
            self.page.set_viewport_size({"width": width, "height": HEIGHT})
            overflow = self.overflow()
            assert overflow == [], f"{self.page.url} at {width} px: {overflow}"
            if twice or width == size["width"]:
                faults = self.faults()
                assert faults == [], f"{self.page.url} at {width} px: {faults}"
        self.page.set_viewport_size(size)

    def overflow(self) -> list[str]:
        """Return what stands out of the page to the right, if the page scrolls sideways."""
        return self.page.evaluate(
            """() => {
                const root = document.documentElement
                if (root.scrollWidth <= root.clientWidth) return []
                const wide = [...document.body.querySelectorAll('*')]
                    .filter(one => one.getBoundingClientRect().right > root.clientWidth + 0.5)
                return ['scrolls sideways', ...wide.map(one => one.outerHTML.slice(0, 120))]
            }"""
        )

    def faults(self) -> list[str]:
        """Return what axe finds, of any weight, each with its place."""
        found = Axe().run(self._readable()).response["violations"]
        return [
            f"{one['id']} ({one['impact']}): {place['html'][:160]}" for one in found for place in one["nodes"]
        ]

    def _readable(self) -> Page:
        """Return the page; without JavaScript, a copy of it in a browser that can run axe."""
        if self._twin is None:
            return self.page
        html = self.page.content()
        self._twin.route(self.page.url, lambda route: route.fulfill(body=html, content_type="text/html"))
        self._twin.set_viewport_size(self.page.viewport_size)
        self._twin.goto(self.page.url)
        self._twin.unroute(self.page.url)
        return self._twin

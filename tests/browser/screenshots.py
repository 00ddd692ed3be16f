"""
Every state of the pages as pictures: python tests/browser/screenshots.py FOLDER

Light and dark, phone (390 x 844) and desktop (1280 x 800), and the hard cases: 320 px, text at
400 %, right to left, other scripts (fonts-noto-core, fonts-noto-cjk), somebody's brand, paper. Look
at them: no test sees that a page is ugly.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.browser import stage
from tests.oauth import face

CHROMIUM = Path("/usr/bin/chromium")
PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
NARROW = {"width": 320, "height": 568}

#: name -> (address behind http://, User-Agent, whether it is a desktop)
STATES = {
    "going-android": (f"{stage.HOST}/login-callback/?{stage.CODE}", stage.ANDROID, False),
    "going-iphone": (f"{stage.HOST}/login-callback/?{stage.CODE}", stage.IPHONE, False),
    "second-page": (f"{stage.ALTERNATE}/login-callback/?{stage.CODE}", stage.IPHONE, False),
    "going-iphone-scheme": (f"{stage.HOST}/scheme/?{stage.CODE}", stage.IPHONE, False),
    "going-iphone-hold": (f"{stage.LONELY}/alone/?{stage.CODE}", stage.IPHONE, False),
    "going-in-app": (f"{stage.HOST}/scheme/?{stage.CODE}", stage.INSTAGRAM, False),
    "going-several": (f"{stage.HOST}/several/?{stage.CODE}", stage.ANDROID, False),
    "going-unknown": (f"{stage.HOST}/several/?{stage.CODE}", "Unheard-Of/1.0", False),
    "going-long": (
        f"{stage.HOST}/several/?{stage.CODE}&x={'x' * 3900}",
        stage.ANDROID,
        False,
    ),
    "elsewhere": (f"{stage.HOST}/login-callback/?{stage.CODE}", stage.DESKTOP, True),
    "elsewhere-several": (f"{stage.HOST}/several/?{stage.CODE}", stage.DESKTOP, True),
    "cancelled": (f"{stage.HOST}/login-callback/?error=access_denied", stage.ANDROID, False),
    "error": (
        f"{stage.HOST}/login-callback/?error=invalid_client&errCode=10033",
        stage.ANDROID,
        False,
    ),
    "error-desktop": (f"{stage.HOST}/login-callback/?error=server_error", stage.DESKTOP, True),
    "nothing": (f"{stage.HOST}/login-callback/", stage.ANDROID, False),
    "nothing-desktop": (f"{stage.HOST}/login-callback/", stage.DESKTOP, True),
    "damaged": (f"{stage.HOST}/login-callback/?code=a&code=b", stage.ANDROID, False),
    "missing": (f"{stage.HOST}/nowhere", stage.DESKTOP, True),
    "link-android": (f"{stage.HOST}/invite/7", stage.ANDROID, False),
    "link-iphone": (f"{stage.HOST}/invite/7", stage.IPHONE, False),
    "link-desktop": (f"{stage.HOST}/invite/7", stage.DESKTOP, True),
    "product-android": (f"{stage.HOST}/product/7", stage.ANDROID, False),
    "product-iphone": (f"{stage.HOST}/product/7", stage.IPHONE, False),
    "product-second-page": (f"{stage.ALTERNATE}/product/7", stage.IPHONE, False),
    "product-desktop": (f"{stage.HOST}/product/7", stage.DESKTOP, True),
}

#: Seen in each of these languages: right to left, other scripts, long words.
TRANSLATED = ("going-android", "going-iphone-scheme", "elsewhere", "error", "product-desktop")
LANGUAGES = ("ar", "de", "ja", "ko", "ru", "zh-Hans")

#: Seen in somebody's brand.
BRANDED = ("going-android", "link-iphone", "product-desktop", "missing")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        with (
            stage.serving(stage.make_service()) as port,
            stage.browsing(playwright, CHROMIUM, port) as browser,
        ):
            for name, (address, user_agent, is_desktop) in STATES.items():
                size = WIDE if is_desktop else PHONE
                for scheme in ("light", "dark"):
                    shoot(
                        browser, folder / f"{name}-{scheme}.png", address, user_agent, size, scheme
                    )
            several, agent, _ = STATES["going-iphone-scheme"]
            shoot(browser, folder / "narrow.png", several, agent, NARROW, "light")
            # 400 % at 1280 px is 320 px to the style sheet (WCAG 2.2, understanding 1.4.10).
            shoot(
                browser, folder / "zoom.png", several, agent, {"width": 320, "height": 200}, "light"
            )
            shoot(browser, folder / "rtl.png", several, agent, PHONE, "light", turn=True)
            product, desktop, _ = STATES["product-desktop"]
            shoot(browser, folder / "paper.png", product, desktop, WIDE, "light", paper=True)
            shoot_languages(browser, folder)
            shoot_moments(browser, folder)
            shoot(browser, folder / "unfolded.png", several, agent, PHONE, "light", unfold=True)
        shoot_face(playwright, folder)
        with (
            stage.serving(stage.make_service(brand=stage.BRAND)) as port,
            stage.browsing(playwright, CHROMIUM, port) as browser,
        ):
            for name in BRANDED:
                address, agent, is_desktop = STATES[name]
                for scheme in ("light", "dark"):
                    path = folder / f"brand-{name}-{scheme}.png"
                    shoot(browser, path, address, agent, WIDE if is_desktop else PHONE, scheme)
        with (
            stage.serving(stage.make_service(stage.PRETEND_APP)) as port,
            stage.browsing(playwright, CHROMIUM, port) as browser,
        ):
            for scheme in ("light", "dark"):
                address, agent, _ = STATES["elsewhere"]
                path = folder / f"development-{scheme}.png"
                shoot(browser, path, address, agent, WIDE, scheme)


def shoot_languages(browser, folder) -> None:
    for tag in LANGUAGES:
        for name in TRANSLATED:
            address, agent, is_desktop = STATES[name]
            size = WIDE if is_desktop else PHONE
            path = folder / f"{tag}-{name}.png"
            shoot(browser, path, address, agent, size, "light", language=tag)
        narrow, agent, _ = STATES["going-iphone-scheme"]
        path = folder / f"{tag}-narrow.png"
        shoot(browser, path, narrow, agent, NARROW, "dark", language=tag, unfold=True)


#: What the page says after its first moment; nothing really hides a page, so that is simulated.
HIDE, SHOW = (
    f"Object.defineProperty(document, 'visibilityState', {{ value: '{value}', configurable: 1 }});"
    "document.dispatchEvent(new Event('visibilitychange'))"
    for value in ("hidden", "visible")
)
MOMENTS = {
    "still": lambda page: page.clock.fast_forward(3_000),
    "returned": lambda page: (page.evaluate(HIDE), page.evaluate(SHOW)),
    "used": lambda page: (page.evaluate(HIDE), page.reload()),
    "used-in-query": lambda page: (page.evaluate(HIDE), page.goto("about:blank"), visit(page)),
    "expired": lambda page: page.clock.fast_forward(600_000),
    "report": lambda page: (page.click("summary >> nth=-1"), page.click("#copy")),
}


def shoot_moments(browser, folder) -> None:
    for name, act in MOMENTS.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport=PHONE, user_agent=stage.ANDROID, color_scheme=scheme
            )
            # Without a phone an intent: link would stop Chromium; the watcher prevents it.
            context.add_init_script(stage.KEEP + stage.WATCH)
            context.grant_permissions(["clipboard-write"])
            page = context.new_page()
            page.clock.install()
            visit(page)
            page.wait_for_timeout(300)
            act(page)
            page.wait_for_timeout(300)
            page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)
            context.close()


def shoot_face(playwright, folder) -> None:
    """The pages of the standard face, on a phone."""
    stood = face.Stage(origin="http://127.0.0.1")
    state = face.state_of(stood.begin("shop", face.LINK))
    nameless = face.state_of(stood.begin("game", face.GAME))
    paths = {
        "between": f"return?{urlencode({'code': 'abc', 'state': state})}",
        "refused": f"return?{urlencode({'error': 'access_denied', 'state': state})}",
        "lost": f"return?{urlencode({'code': 'abc', 'state': nameless})}",
        "cannot-start": f"authorize?{face.question('nobody')}",
    }
    with (
        stage.serving(face.service(stood), tls=None) as port,
        stage.browsing(playwright, CHROMIUM, 9) as browser,
    ):
        for language in ("en", *LANGUAGES):
            for name, path in paths.items():
                for scheme in ("light", "dark"):
                    context = browser.new_context(
                        viewport=PHONE,
                        user_agent=stage.IPHONE,
                        color_scheme=scheme,
                        extra_http_headers={"Accept-Language": language},
                    )
                    page = context.new_page()
                    page.goto(f"http://127.0.0.1:{port}/oauth/tiktok/{path}")
                    page.screenshot(path=folder / f"face-{language}-{name}-{scheme}.png")
                    context.close()


def visit(page) -> None:
    page.goto(f"https://{stage.HOST}/login-callback/?{stage.CODE}")


def shoot(
    browser,
    path,
    address,
    user_agent,
    size,
    scheme,
    *,
    turn=False,
    unfold=False,
    paper=False,
    language="en",
) -> None:
    context = browser.new_context(
        viewport=size,
        user_agent=user_agent,
        color_scheme=scheme,
        extra_http_headers={"Accept-Language": language},
    )
    context.add_init_script(stage.FORGETFUL)
    page = context.new_page()
    page.goto(f"https://{address}")
    if paper:
        page.emulate_media(media="print")
    if turn:
        page.evaluate("document.documentElement.dir = 'rtl'")
    if unfold:
        page.evaluate("document.querySelector('details').open = true")
    page.screenshot(path=path, full_page=True)
    context.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__)
        raise SystemExit(2)
    main(Path(sys.argv[1]))

"""What every test stands on, and the guards that watch over all of them."""

from __future__ import annotations

import ipaddress
import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

#: Every secret of the suite contains this word, and no test may let one out.
CANARY = "SECRET-"

# A busy machine is no fault of the code: Hypothesis would fail a test for its time alone.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def _refuse_strangers(event, arguments):
    """Only this machine may be spoken to, by name or by address."""
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not _is_here(str(address[0])):
            raise PermissionError(f"a test tried to reach {address[0]}")
    if event == "socket.getaddrinfo" and not _is_here(str(arguments[0] or "localhost")):
        raise PermissionError(f"a test tried to look up {arguments[0]}")


def _is_here(host):
    try:
        return ipaddress.ip_address(host).is_loopback or host in ("0.0.0.0", "::")  # noqa: S104
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


# An audit hook sees every socket of this process, also those of libraries.
sys.addaudithook(_refuse_strangers)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Fail a test whose captured output, logs or traceback hold a secret of the suite."""
    report = yield
    seen = [text for _, text in report.sections] + [str(report.longrepr or "")]
    if call.when == "teardown" and any(CANARY in text for text in seen):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} let a secret out into its output or its log"
    return report


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def chromium_path():
    return _find_program("chromium", "google-chrome")


@pytest.fixture(scope="session")
def firefox_path():
    return _find_program("firefox-esr")


@pytest.fixture(scope="session")
def webkit_path():
    _find_program("Xvfb")
    return _find_program("WebKitWebDriver")


def _find_program(*names):
    """Debian's browsers; without one its tests are skipped, loudly, and in CI they fail."""
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        missing = f"{names[0]} is missing: make setup-system installs it"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return path

"""The rows: each says where its facts come from, and where they do not."""

from __future__ import annotations

import dataclasses
import datetime
from urllib.parse import urlsplit

import pytest

from deeplink.oauth.answer import KNOWN_ERRORS
from deeplink.oauth.providers import APPLE, GITHUB, GOOGLE, PRESETS, TIKTOK, at_sandbox

ROWS = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)


@ROWS
def test_every_row_has_a_source_and_the_day_of_its_check(preset):
    assert urlsplit(preset.source).scheme == "https"
    assert datetime.date.fromisoformat(preset.checked_on) >= datetime.date(2026, 11, 5)


@ROWS
def test_what_is_unverified_names_a_field_of_the_row(preset):
    for name in preset.unverified:
        value = preset
        for part in name.split("."):
            assert part in {field.name for field in dataclasses.fields(value)}
            value = getattr(value, part)


def test_a_proof_that_is_not_documented_does_not_count():
    """Its exchange is then off until the admin accepts that."""
    assert "verifies_pkce" in APPLE.unverified
    assert not APPLE.verifies_pkce


@ROWS
def test_every_symptom_leads_to_an_error_that_we_answer_and_ends_a_sentence(preset):
    for symptom in preset.symptoms:
        assert symptom.error in KNOWN_ERRORS
        assert symptom.word or symptom.description
        assert symptom.advice.endswith(".")


@ROWS
def test_every_row_is_called_over_https(preset):
    urls = (preset.authorize_url, preset.token_url, preset.revoke_url, preset.userinfo_url)
    assert {urlsplit(url).scheme for url in urls if url} == {"https"}


def test_the_sandbox_plays_each_under_a_path_of_its_own():
    base = "http://127.0.0.1:8001"
    assert at_sandbox(TIKTOK, base).token_url == f"{base}/v2/oauth/token/"
    assert at_sandbox(GOOGLE, base).token_url == f"{base}/google/token"
    assert at_sandbox(GITHUB, base).revoke_url == f"{base}/github/applications/{{client_key}}/token"
    assert at_sandbox(APPLE, base).authorize_url == f"{base}/apple/auth/authorize"
    assert at_sandbox(APPLE, base).userinfo_url == ""

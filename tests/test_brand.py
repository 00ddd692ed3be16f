"""Colours: contrast by WCAG's formula, the nearest that passes, and what the pages make of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplink import brand
from deeplink.brand import DARK_SURFACES, LIGHT_SURFACES, Brand


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        # https://webaim.org/resources/contrastchecker/ and WCAG's own examples.
        ("#000000", "#ffffff", 21.0),
        ("#767676", "#ffffff", 4.54),
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#ffffff", 4.0),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_contrast_is_what_wcag_says(one, other, ratio):
    assert brand.contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert brand.contrast(other, one) == brand.contrast(one, other)


def test_the_surfaces_are_those_of_the_style_sheet(root):
    sheet = (root / "templates" / "_style.css").read_text("utf-8")
    light, dark = re.findall(r"--page: (#\w+); --card: (#\w+);", sheet)[:2]  # then comes paper
    assert [light[1].replace("#fff", "#ffffff"), light[0]] == list(LIGHT_SURFACES)
    assert [dark[1], dark[0]] == list(DARK_SURFACES)


colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(colors, st.sampled_from([LIGHT_SURFACES, DARK_SURFACES]))
def test_the_nearest_colour_passes_and_one_that_passes_is_its_own(color, surfaces):
    found = brand.nearest(color, surfaces)
    assert brand.passes(found, surfaces)
    assert found == color or not brand.passes(color, surfaces)


@given(colors)
def test_a_brand_is_readable_in_light_and_dark_and_on_its_buttons(color):
    light = brand.nearest(color, LIGHT_SURFACES)
    sheet = brand.style(Brand(color=light))
    tokens = re.findall(r"--accent: (#\w{6}); --on-accent: (#\w{6}); --tint: (#\w{6});", sheet)
    assert len(tokens) == 2
    for (accent, on, tint), surfaces in zip(tokens, (LIGHT_SURFACES, DARK_SURFACES), strict=True):
        assert brand.contrast(accent, on) >= 4.5
        assert all(brand.contrast(accent, behind) >= 4.5 for behind in (tint, *surfaces))


def test_without_a_colour_the_style_sheet_is_ours():
    assert brand.style(Brand(name="Acme")) == ""

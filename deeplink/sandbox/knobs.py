"""How the pretend TikTok is set: what the command line chose, and what a test may turn later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True, slots=True)
class Knobs:
    """
    One setting of everything about which TikTok's documentation is silent, old or lenient.

    *pkce* "platform" wants a proof from desktop and mobile apps and none on the web;
    "either", "hex" and "base64url" want one of everybody who sent a challenge, "off" of nobody.
    *rotation* "maybe" keeps the refresh token, as the documentation allowed before 2026.
    *field_without_scope* is what the user API does with a field that was not granted.
    *burns* is what uses up a code: success only, or any attempt (not documented).

    With *remembers* whoever allowed the same before is sent on without the page, as TikTok does,
    unless the request says ``disable_auto_auth=1``. *auto* presses Allow whatever that says.
    """

    auto: bool = False
    strict: bool = False
    remembers: bool = False
    error_status: str = "200"
    lifetimes: str = "2026"
    pkce: str = "platform"
    rotation: str = "always"
    field_without_scope: str = "error"
    burns: str = "success"
    user_info_per_minute: int = 600

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is one of: {', '.join(choices)}")
        if type(self.user_info_per_minute) is not int or self.user_info_per_minute < 0:
            raise ValueError("user_info_per_minute is a whole number, 0 or more")
        if not all(type(getattr(self, name)) is bool for name in _SWITCHES):
            raise ValueError("auto, strict and remembers are true or false")

    def turned(self, changes: Mapping[str, object]) -> Knobs:
        """The same knobs with *changes*; refuses an unknown knob or position by ValueError."""
        unknown = sorted(set(changes) - set(asdict(self)))
        if unknown:
            raise ValueError(f"no knob of this name; there are: {', '.join(asdict(self))}")
        return replace(self, **changes)  # type: ignore[arg-type] # __post_init__ checks them

    def as_json(self) -> dict[str, object]:
        return asdict(self)


_SWITCHES = ("auto", "strict", "remembers")

#: The positions of every knob that is a word.
CHOICES: dict[str, tuple[str, ...]] = {
    "error_status": ("200", "rfc"),
    "lifetimes": ("2026", "legacy"),
    "pkce": ("platform", "either", "hex", "base64url", "off"),
    "rotation": ("always", "maybe"),
    "field_without_scope": ("error", "drop"),
    "burns": ("success", "attempt"),
}

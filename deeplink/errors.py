"""
Every error this program raises on purpose, on one page.

::

    DeeplinkError
    ├── ConfigError          the operator's file is wrong; carries every Finding
    ├── LoginError           a login cannot go on; safe to tell the visitor and the app
    │   ├── RequestRefused   the app's request cannot be taken as it is; says what to send
    │   ├── ProviderRefused  the provider said no; its error code at most, never its body
    │   └── ProviderSilent   no usable answer in time
    ├── Unanswered           another server gave no answer that can be used
    ├── TooMany              more than we take; carries retry_after
    │   └── Busy             no room just now, whoever asks
    └── StoreUnavailable     the store cannot be reached

No text contains a token, a code, a body or ``str(cause)``; the cause is chained with ``from``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deeplink.findings import Finding


class DeeplinkError(Exception):
    """The root: whoever catches this has caught everything we raise on purpose."""

    #: The error's name in JSON answers, logs and metrics; it never changes.
    code = "server_error"


class ConfigError(DeeplinkError):
    """The operator's files are wrong; *findings* has every fault, not just the first."""

    code = "config_error"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class LoginError(DeeplinkError):
    """
    A login cannot go on; the text may be shown to the visitor and the app.

    *error* is an RFC 6749 section 5.2 code; *description* says what is wrong and what to do;
    *log_id* is the provider's own name for the failed call, if it gave one.
    """

    code = "login_error"

    def __init__(self, error: str, description: str, *, log_id: str | None = None) -> None:
        self.error = error
        self.description = description
        self.log_id = log_id
        super().__init__(description)


class RequestRefused(LoginError):
    """The app's own request cannot be taken as it is; nothing was sent to the provider."""

    code = "request_refused"


class ProviderRefused(LoginError):
    """The provider said no, definitely: the same question will get the same answer."""

    code = "provider_refused"


class ProviderSilent(LoginError):
    """
    No usable answer from the provider; whether it acted on the request is not known.

    *sent* is False if not a byte of the request has left, so that it certainly did not.
    """

    code = "provider_silent"

    def __init__(
        self, error: str, description: str, *, log_id: str | None = None, sent: bool = True
    ) -> None:
        super().__init__(error, description, log_id=log_id)
        self.sent = sent


class Unanswered(DeeplinkError):
    """
    No answer that can be used. *sent* is False if not a byte of the request has left.

    *fault* is a word of ``outbound.Fault``. The cause is not chained: the texts of
    ``http.client`` quote the other side's first line.
    """

    code = "unanswered"

    def __init__(self, fault: str, *, sent: bool) -> None:
        self.fault = fault
        self.sent = sent
        super().__init__(f"no usable answer: {fault}")


class TooMany(DeeplinkError):
    """More than we take at once; *retry_after* is in seconds."""

    code = "too_many"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"too many requests; try again in {retry_after} s")


class Busy(TooMany):
    """
    No room just now, whoever asks: all seats are taken, or the provider is being spared.

    ``TooMany`` itself says that this client asks too often (429); this one is about us (503).
    """

    code = "busy"


class StoreUnavailable(DeeplinkError):
    """The store of short-lived results cannot be reached."""

    code = "store_unavailable"

"""
A pretend TikTok, so that a login can be tried from start to end on one machine without network.

The law of the room: it is written from TikTok's documentation and the source of TikTok's SDKs,
never from our own client, and imports nothing that talks to TikTok; a mistake in the client can
then not hide behind the same mistake here. It answers loopback only. Where TikTok's behaviour is
not documented the code says so and says which way was chosen.

https://developers.tiktok.com/doc/login-kit-overview
"""

from __future__ import annotations

#: The app that exists when no other client is named. Public on purpose: it opens nothing else.
DEFAULT_CLIENT_KEY = "sandbox-client-key"
DEFAULT_CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - opens nothing but the sandbox

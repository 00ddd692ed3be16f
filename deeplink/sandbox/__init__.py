"""
A pretend TikTok, so that a login can be tried from start to end on one machine without network.

The law of the room: it is written from TikTok's documentation and the source of TikTok's SDKs,
never from our own client, and imports nothing that talks to TikTok; a mistake in the client can
then not hide behind the same mistake here. It answers loopback only. Where TikTok's behaviour is
not documented the code says so and says which way was chosen. The same holds for the other
providers, which are played from rows of data (``vendors``) under a path of their own.

https://developers.tiktok.com/doc/login-kit-overview
"""

from __future__ import annotations

#: The app that exists when no other client is named. Public on purpose: it opens nothing else.
DEFAULT_CLIENT_KEY = "sandbox-client-key"
DEFAULT_CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - opens nothing but the sandbox

#: Whose key signs the secret of a client that has no fixed one, as at Apple; the key itself is
#: ``vendor_keys.default_signing_key``.
DEFAULT_TEAM_ID = "SANDBOX001"
DEFAULT_KEY_ID = "SANDBOXKEY"

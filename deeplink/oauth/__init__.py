"""
The exchange of an authorization code for tokens, and what differs from provider to provider.

A provider is a row of data (``providers``), a login's proof a pair of texts (``pkce``); one verb
each for the code, the refresh token and the revocation (``exchange``).
"""

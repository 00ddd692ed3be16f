"""Association files, the login callback page and the token exchange: one small server."""

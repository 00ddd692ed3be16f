"""
A website's server that logs people in through the standard face, with Authlib and Flask.

    pip install flask authlib requests
    AUTHLIB_INSECURE_TRANSPORT=1 python server_login.py     # beside `make run`

Then open http://127.0.0.1:8081/. AUTHLIB_INSECURE_TRANSPORT is for this machine's plain http only.
"""

import os
import secrets

from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, redirect, session, url_for

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:8000/oauth/tiktok")

app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
oauth = OAuth(app)
oauth.register(
    "tiktok",
    client_id="demo",  # the name of a [clients] table; it has no secret
    server_metadata_url=f"{ISSUER}/.well-known/oauth-authorization-server",
    client_kwargs={
        "scope": "user.info.basic",
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": "none",
    },
)


@app.get("/")
def home():
    if "open_id" in session:
        return f"Signed in as {session['open_id']}. <a href='/logout'>Sign out</a>"
    return "<a href='/login'>Sign in with TikTok</a>"


@app.get("/login")
def login():
    return oauth.tiktok.authorize_redirect(url_for("callback", _external=True))


@app.get("/callback")
def callback():
    try:
        token = oauth.tiktok.authorize_access_token()
    except OAuthError as error:
        return f"Not signed in: {error.error}", 400
    session["open_id"] = token["open_id"]  # keep the tokens where the browser cannot see them
    return redirect("/")


@app.get("/logout")
def logout():
    session.clear()
    return redirect("/")


if __name__ == "__main__":
    app.run("127.0.0.1", 8081)

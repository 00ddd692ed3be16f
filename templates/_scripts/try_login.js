"use strict";
// Starts a login as an app does: a fresh verifier, its SHA-256 in hexadecimal (TikTok's own
// spelling of S256), a state to recognise the answer by.
(async () => {
  const button = document.getElementById("try");
  if (!button) return;
  const login = button.dataset;
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const random = (length) =>
    Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => letters[byte & 63]).join("");

  async function start() {
    // The verifier is kept by this origin, and the callback page sends the login to the redirect
    // URI's origin: start there.
    if (location.origin !== login.origin) {
      location.assign(login.origin + "/#try-login");
      return;
    }
    const verifier = random(64);
    const state = random(22);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
    const challenge = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("pretend-app", JSON.stringify({ verifier, state }));
    const query = new URLSearchParams({
      client_key: login.clientKey,
      response_type: "code",
      scope: login.scope,
      redirect_uri: login.redirectUri,
      state,
      code_challenge: challenge,
      code_challenge_method: "S256",
    });
    location.assign(login.authorizeUrl + "?" + query);
  }

  button.hidden = false;
  button.addEventListener("click", start);
  // Sent here by the button on the same page under another name of this machine.
  if (location.hash === "#try-login") {
    history.replaceState(null, "", location.pathname);
    start();
  }
})();

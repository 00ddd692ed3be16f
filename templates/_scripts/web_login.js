"use strict";
// A login as RFC 6749, RFC 7636 and RFC 9207 have it, for a page without a server: a verifier and a
// state for each login, kept by this tab; the code leaves the address at once.
(async () => {
  const login = document.getElementById("login").dataset;
  const element = (id) => document.getElementById(id);
  const say = (text) => { element("status").textContent = text; };
  const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const random = () => encode(crypto.getRandomValues(new Uint8Array(32)));
  let tokens = null;

  async function start() {
    // The verifier is kept by this origin: be where the answer will arrive.
    if (location.origin !== new URL(login.redirectUri).origin) { location.assign(login.redirectUri); return; }
    const verifier = random();
    const state = random();
    sessionStorage.setItem("web-login " + state, verifier);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
    location.assign(login.issuer + "/authorize?" + new URLSearchParams({
      response_type: "code",
      client_id: login.clientId,
      redirect_uri: login.redirectUri,
      scope: login.scope,
      state,
      code_challenge: encode(digest),
      code_challenge_method: "S256",
    }));
  }

  async function post(path, fields) {
    const body = new URLSearchParams({ client_id: login.clientId, ...fields });
    const answer = await fetch(login.issuer + path, { method: "POST", body });
    const json = await answer.json();
    if (!answer.ok) throw new Error(json.error + ": " + json.error_description);
    return json;
  }

  async function greet(verb) {
    const headers = { Authorization: "Bearer " + tokens.access_token };
    const person = (await (await fetch(login.userinfoUrl, { headers })).json()).data.user;
    say(verb + " " + person.display_name + ".");
    const facts = { "Open id": person.open_id, "Granted scopes": tokens.scope, "Access token lives for": tokens.expires_in + " s" };
    element("facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => {
      const term = document.createElement("dt");
      const detail = document.createElement("dd");
      term.textContent = name;
      detail.textContent = value;
      return [term, detail];
    }));
    show(true);
  }

  function show(isSignedIn) {
    element("facts").hidden = element("refresh").hidden = element("revoke").hidden = !isSignedIn;
    element("start").hidden = isSignedIn;
  }

  async function finish(answer) {
    const verifier = sessionStorage.getItem("web-login " + answer.get("state"));
    if (!verifier) { say("This login was not started in this tab, or was finished already."); return; }
    sessionStorage.removeItem("web-login " + answer.get("state"));
    if (answer.get("iss") !== login.issuer) { say("The answer came from another server than was asked."); return; }
    if (answer.has("error")) { say("Not signed in: " + answer.get("error_description")); return; }
    say("Asking for the tokens …");
    tokens = await post("/token", {
      grant_type: "authorization_code",
      code: answer.get("code"),
      redirect_uri: login.redirectUri,
      code_verifier: verifier,
    });
    await greet("Signed in as");
  }

  async function guarded(step) {
    try { await step(); } catch (error) { say("Not signed in: " + error.message); show(false); }
  }

  show(false);
  element("start").addEventListener("click", () => guarded(start));
  element("refresh").addEventListener("click", () => guarded(async () => {
    tokens = await post("/token", { grant_type: "refresh_token", refresh_token: tokens.refresh_token });
    await greet("Refreshed; still signed in as");
  }));
  element("revoke").addEventListener("click", () => guarded(async () => {
    await post("/revoke", { token: tokens.access_token, token_type_hint: "access_token" });
    show(false);
    say("Signed out: the tokens are worth nothing any more.");
  }));
  if (location.search) {
    const answer = new URLSearchParams(location.search);
    history.replaceState(null, "", location.pathname);
    await guarded(() => finish(answer));
  }
})();

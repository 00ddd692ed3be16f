"use strict";
// Plays the app on the phone: takes the whole link, asks this server for the tokens with the
// verifier it kept, and shows who signed in.
(async () => {
  const app = document.getElementById("app").dataset;
  const status = document.getElementById("status");
  const facts = document.getElementById("facts");
  const actions = document.getElementById("actions");
  const query = location.search;
  // The code leaves the address at once, as it should in any browser.
  history.replaceState(null, "", location.pathname);

  const say = (text) => { status.textContent = text; };
  const post = async (verb, body) => {
    const answer = await fetch(app.api + "/" + verb, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return { ok: answer.ok, status: answer.status, body: await answer.json() };
  };
  const show = (rows) => {
    facts.replaceChildren(...Object.entries(rows).flatMap(([name, value]) => {
      const term = document.createElement("dt");
      const detail = document.createElement("dd");
      term.textContent = name;
      detail.textContent = value;
      return [term, detail];
    }));
    facts.hidden = false;
  };
  const refused = (answer) => {
    actions.hidden = true;
    say("The exchange answered " + answer.status + ": " + answer.body.error_description);
  };

  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem("pretend-app")); } catch { /* none was kept */ }
  if (!query) { say("No login arrived here. Start one on the front page."); return; }
  const parameters = new URLSearchParams(query);
  if (!kept || parameters.get("state") !== kept.state) {
    say("This login was not started here, or was finished already. Start again on the front page.");
    return;
  }
  sessionStorage.removeItem("pretend-app");

  say("Asking this server for the tokens …");
  let tokens = await post("exchange", { redirect_url: app.redirectUri + query, code_verifier: kept.verifier });
  if (!tokens.ok) { refused(tokens); return; }

  async function greet(verb) {
    const answer = await fetch(app.userinfoUrl, { headers: { Authorization: "Bearer " + tokens.body.access_token } });
    const person = (await answer.json()).data.user;
    say(verb + " " + person.display_name + ".");
    show({
      "Name": person.display_name,
      "Open id": person.open_id,
      "Granted scopes": tokens.body.scope,
      "Access token lives for": tokens.body.expires_in + " s",
      "Refresh token lives for": tokens.body.refresh_expires_in + " s",
      "Request id": tokens.body.request_id,
    });
    actions.hidden = false;
  }
  await greet("Signed in as");

  document.getElementById("refresh").addEventListener("click", async () => {
    const answer = await post("refresh", { refresh_token: tokens.body.refresh_token });
    if (!answer.ok) { refused(answer); return; }
    tokens = answer;
    await greet("Refreshed; still signed in as");
  });
  document.getElementById("revoke").addEventListener("click", async () => {
    const answer = await post("revoke", { token: tokens.body.access_token });
    if (!answer.ok) { refused(answer); return; }
    facts.hidden = true;
    actions.hidden = true;
    say("Signed out: the tokens are worth nothing any more.");
  });
})();

"use strict";
// Hands a login to the app: at most one attempt by itself, all else by tap. Where it leads and what
// it says stands in the page's attributes; what may be tried by itself is the link with data-auto.
(async () => {
  const find = (id) => document.getElementById(id);
  const login = find("login"), at = login.dataset;
  const before = history.state;
  // A language that somebody chose stays in the query: a reload asks the server for it again.
  const language = location.search.match(/[?&]lang=[\w-]{2,20}(?=&|$)/)?.[0].replace("&", "?") ?? "";
  const path = location.pathname + language;
  const move = (state, rest = "") => history.replaceState(state, "", path + rest);
  const isVisible = () => document.visibilityState === "visible";
  // A moment: its name, the symbol, title, message, next step. They are lines of an attribute.
  const moment = (name) => [name, ...at[name].split("\n")];
  const show = ([name, symbol, ...texts]) => {
    at.state = name;
    login.querySelector(".symbol path")?.setAttribute("d", symbol);
    ["title", "message", "next"].forEach((id, n) => { find(id).textContent = texts[n]; });
    document.title = texts[0];
  };

  const become = (name) => {
    move(moment(name));
    show(moment(name));
  };

  // The grammar of deeplink/web/callback.py; a test compares the two on the same queries.
  const read = (raw) => {
    const all = new URLSearchParams(raw), told = Object.fromEntries(all);
    const says = (number) => number && !/^ *-?0{1,9} *$/.test(number);
    const refused = told.error || told.error_string || [told.errCode, told.error_code].some(says);
    return raw.length < 4097 && raw.split("&").length < 101 && /^(?:[!$&(-;=?-[\]_a-z~]|%[0-9A-Fa-f]{2})*$/.test(raw)
      && ["code", "state", "error"].every((name) => all.getAll(name).length < 2)
      && !("code" in told && "error" in told)
      && (told.code || refused) && { ...told, raw, refused };
  };

  // The code leaves the query, and with it what servers, logs and referrers are told.
  // A login that came by POST stands in no address, but in the links.
  const link = login.querySelector("a[data-way]");
  const posted = link ? link.getAttribute("href").replace(/^[^?]*\?|#.*/g, "") : "";
  const found = read(location.search.slice(1)) || read(location.hash.slice(1)) || read(posted);
  addEventListener("hashchange", () => location.reload());
  if (!found) {
    move(before);
    if (before) show(before);
    return;
  }
  const { raw } = found, isRefused = found.refused, waiting = find("waiting");
  const cancelled = waiting && found.error === "access_denied";
  const told = isRefused ? before || moment(cancelled ? "cancelled" : "refused") : before;
  move(told, "#" + raw);
  if (waiting) {
    login.replaceChildren(waiting.content);
    at.state = waiting.dataset.state;
    document.title = find("title").textContent;
    if (isRefused) show(told);
  }

  let trying = false, left = false, unloading = false, isFirst = false, key = "";
  let record = { seen: Date.now() };
  const tell = (event) => {
    find("facts").append(" " + event);
    navigator.sendBeacon(at.beacon, event);
  };
  const reveal = () => {
    if (!find("help") || left || !isVisible()) return;
    find("help").hidden = false;
    at.state = "still";
  };
  const attempt = (event, link) => {
    tell(event);
    // The page on the second host goes on by itself; nothing has been handed over yet.
    trying = !isRefused && link.dataset.way !== "second-page";
    setTimeout(() => {
      if (!trying || left || !isVisible()) return;
      tell("failed");
      reveal();
    }, 2500);
  };
  for (const link of login.querySelectorAll("a[data-way]")) {
    if (waiting) link.href = link.getAttribute("href").replace("*", () => raw);
    if (link.dataset.way === "second-page" && !isRefused) {
      link.href = link.href.replace("?", language + "#");
    }
    link.onclick = () => attempt("tapped", link);
  }
  tell("shown");
  const copy = find("copy"), facts = find("facts");
  copy.hidden = false;
  copy.onclick = async () => {
    try {
      await navigator.clipboard.writeText(facts.textContent);
    } catch {
      // Some in-app browsers have no clipboard for pages; then the text is at least selected.
      getSelection().selectAllChildren(facts);
      if (!document.execCommand("copy")) return;
    }
    find("copied").textContent = copy.dataset.done;
  };
  if (isRefused) return;

  find("help").hidden = true;
  setTimeout(reveal, 2500);
  let note = () => sessionStorage.setItem(key, JSON.stringify(record));
  try {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(found.code));
    key = btoa(String.fromCharCode(...new Uint8Array(digest)));
    const kept = JSON.parse(sessionStorage.getItem(key));
    record = kept || record;
    note();
    isFirst = !kept;
  } catch {
    // No storage, or no digests because the page came over plain http: without a memory no visit
    // is the first, and nothing is tried.
    note = () => {};
  }

  const remaining = () => record.seen + at.minutes * 60000 - Date.now();
  const end = () => {
    if (!find("ways")) return;
    find("ways").remove();
    become("expired");
    tell("expired");
  };
  const leave = () => {
    if (!trying || left || unloading) return;
    left = record.handed = true;
    note();
    move(moment("used"));
    tell("left");
  };
  const comeBack = () => {
    if (remaining() <= 0) end();
    else if (left) {
      left = trying = false;
      find("help").hidden = true;
      show(moment("returned"));
      tell("returned");
    }
  };
  document.addEventListener("visibilitychange", () => isVisible() ? comeBack() : leave());
  // A reload or another page in this tab is no evidence of an app, though both hide the page, too.
  addEventListener("pagehide", (event) => {
    unloading = !event.persisted;
    leave();
  });
  addEventListener("pageshow", (event) => event.persisted && comeBack());
  if (remaining() <= 0) return end();
  setTimeout(end, remaining());
  if (record.handed) become("used");
  const automatic = login.querySelector("a[data-auto]");
  const type = performance.getEntriesByType("navigation")[0]?.type;
  if (isFirst && automatic && !before && type === "navigate" && isVisible()) {
    attempt("attempted", automatic);
    location.replace(automatic.href);
  }
})();

// A login with Auth.js by the provider that comes on standard input: node authjs.mjs WEBSITE
import { Auth } from "@auth/core";
import { readFileSync } from "node:fs";
import { walk } from "./browser.mjs";

const [website] = process.argv.slice(2);
// The text is that of docs/clients.md: an object literal.
const provider = (0, eval)(`(${readFileSync(0, "utf8")})`);
const config = { providers: [provider], secret: "SECRET-of-the-website-0123456789", trustHost: true, basePath: "/api/auth" };
const jar = new Map();

async function ask(path, options = {}) {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  const request = new Request(new URL(path, website), { ...options, headers: { cookie, ...options.headers } });
  const answer = await Auth(request, config);
  for (const line of answer.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    jar.set(name, value);
  }
  return answer;
}

async function login(decision) {
  const { csrfToken } = await (await ask("/api/auth/csrf")).json();
  const started = await ask(`/api/auth/signin/${provider.id}`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ csrfToken }),
  });
  const link = await walk(new URL(started.headers.get("location")), { decision });
  const ended = await ask(link);
  const session = await (await ask("/api/auth/session")).json();
  return { link: link.origin + link.pathname, ended: new URL(ended.headers.get("location"), website), session };
}

const denied = await login("access_denied");
const allowed = await login("allow");
console.log(JSON.stringify({
  link: allowed.link,
  name: allowed.session.user.name,
  denied: [denied.ended.searchParams.get("error"), denied.session],
}));

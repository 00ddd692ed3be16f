// The browser's part of a login: follows redirects, keeps this server's cookies, consents or denies.

export async function walk(start, { decision = "allow" } = {}) {
  const jar = new Map();
  const first = await visit(start, jar);
  // The pretend TikTok consents by itself; a denial is what its page posts.
  const denial = { method: "POST", body: new URLSearchParams({ decision }) };
  const second = await visit(first, jar, decision === "allow" ? {} : denial);
  return visit(second, jar);
}

export async function authorizeOnly(start) {
  return visit(start, new Map());
}

async function visit(address, jar, options = {}) {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  const answer = await fetch(address, { redirect: "manual", headers: { cookie }, ...options });
  for (const line of answer.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    jar.set(name, value);
  }
  const location = answer.headers.get("location");
  if (!location) throw new Error(`no redirect from ${new URL(address).pathname}: ${answer.status}`);
  return new URL(location);
}

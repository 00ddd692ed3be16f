// The parts of bench/exchange.py that must not be slower than what they measure.
//
//   node exchange.mjs provider PORT KEY CERT DELAY_MS     a token endpoint over TLS
//   node exchange.mjs proxy PORT PROVIDER_URL CA          a minimal keep-alive proxy, for comparison
//   node exchange.mjs load PORT HOST CONCURRENT WARM SECONDS   apps in closed loops; prints JSON
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";

const TOKENS = JSON.stringify({
  access_token: "act." + "a".repeat(64), expires_in: 7200, open_id: "b".repeat(36),
  refresh_expires_in: 15552000, refresh_token: "rft." + "c".repeat(64),
  scope: "user.info.basic", token_type: "Bearer",
});

function provider(port, key, cert, delay) {
  let calls = 0;
  const server = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (request, response) => {
    request.resume();
    request.on("end", () => {
      calls += 1;
      setTimeout(() => {
        response.writeHead(200, { "Content-Type": "application/json", "Content-Length": TOKENS.length });
        response.end(TOKENS);
      }, Number(delay));
    });
  });
  server.keepAliveTimeout = 120_000;
  server.listen(Number(port), "127.0.0.1", 2048);
}

function proxy(port, url, ca) {
  const agent = new https.Agent({ keepAlive: true, maxSockets: Infinity, ca: fs.readFileSync(ca) });
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const asked = JSON.parse(Buffer.concat(chunks));
      const form = new URLSearchParams({
        client_key: "key", client_secret: "secret", code: asked.code, grant_type: "authorization_code",
        redirect_uri: "http://127.0.0.1/login-callback/", code_verifier: asked.code_verifier,
      }).toString();
      const headers = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": form.length };
      const call = https.request(url, { method: "POST", agent, headers }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => {
          const body = JSON.stringify(JSON.parse(Buffer.concat(parts)));
          response.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length, "Cache-Control": "no-store" });
          response.end(body);
        });
      });
      call.on("error", () => { response.writeHead(502); response.end(); });
      call.end(form);
    });
  });
  server.keepAliveTimeout = 120_000;
  server.listen(Number(port), "127.0.0.1", 2048);
}

function load(port, host, concurrent, warm, seconds) {
  const run = Math.random().toString(36).slice(2);
  const took = [], busy = [], errors = {};
  let number = 0, measuring = false, stopped = false;
  const note = (status, ms) => {
    if (!measuring) return;
    if (status === 200) took.push(ms);
    else if (status === 503) busy.push(ms);
    else errors[status] = (errors[status] ?? 0) + 1;
  };
  const app = () => {
    let received = "", started = 0, socket;
    const ask = () => {
      if (stopped) return socket.destroy();
      const body = JSON.stringify({ code: `code-${run}-${number++}`, code_verifier: "v".repeat(64) });
      received = "";
      started = performance.now();
      socket.write(`POST /api/tiktok/exchange HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    };
    const connect = () => {
      socket = net.connect(Number(port), "127.0.0.1", ask);
      socket.setNoDelay(true);
      socket.on("data", (chunk) => {
        received += chunk.latin1Slice();
        const end = received.indexOf("\r\n\r\n");
        if (end < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
        if (received.length < end + 4 + length) return;
        const status = Number(received.slice(9, 12));
        note(status, performance.now() - started);
        // An app that is told to come back does so when it was told to.
        const pause = /retry-after: (\d+)/i.exec(received)?.[1];
        const closes = /connection: close/i.test(received);
        const next = closes ? () => { socket.destroy(); if (!stopped) connect(); } : ask;
        if (pause) setTimeout(next, Number(pause) * 1000);
        else next();
      });
      socket.on("error", (error) => {
        if (stopped) return;
        note(error.code, 0);
        setTimeout(() => { if (!stopped) connect(); }, 50);
      });
    };
    connect();
  };
  for (let index = 0; index < Number(concurrent); index += 1) setTimeout(app, Math.random() * 200);
  setTimeout(() => { measuring = true; console.log("measuring"); }, Number(warm) * 1000);
  setTimeout(() => {
    stopped = true;
    const at = (list, part) => list.length ? list.sort((a, b) => a - b)[Math.floor((list.length - 1) * part)] : 0;
    console.log(JSON.stringify({
      tokens: took.length, p50: at(took, 0.5), p99: at(took, 0.99), most: at(took, 1),
      busy: busy.length, busy_p99: at(busy, 0.99), errors,
    }));
    process.exit(0);
  }, (Number(warm) + Number(seconds)) * 1000);
}

const [role, ...rest] = process.argv.slice(2);
({ provider, proxy, load })[role](...rest);

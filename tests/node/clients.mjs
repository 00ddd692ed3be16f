// One login by one library, and what it says when things go wrong:
// node clients.mjs LIBRARY ORIGIN [PROVIDER CLIENT SCOPES SCOPE-THAT-IS-NOT-ALLOWED]
import { register } from "node:module";
import { authorizeOnly, walk } from "./browser.mjs";

const [
  library, origin, PROVIDER = "tiktok", CLIENT = "demo", SCOPE = "user.info.basic user.info.profile",
  FORBIDDEN = "video.publish",
] = process.argv.slice(2);
const ISSUER = `${origin}/oauth/${PROVIDER}`;
const REDIRECT = "http://127.0.0.1:45678/callback";

const libraries = {
  async oauth4webapi() {
    const o = await import("oauth4webapi");
    const insecure = { [o.allowInsecureRequests]: true };
    const issuer = new URL(ISSUER);
    const server = await o.processDiscoveryResponse(
      issuer, await o.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
    const client = { client_id: CLIENT };
    const none = o.None();
    const redeem = async (flow, code_verifier) => {
      const parameters = o.validateAuthResponse(server, client, flow.answer, flow.state);
      const answer = await o.authorizationCodeGrantRequest(
        server, client, none, parameters, REDIRECT, code_verifier ?? flow.verifier, insecure);
      return o.processAuthorizationCodeResponse(server, client, answer);
    };
    return {
      async begin(scope = SCOPE) {
        const verifier = o.generateRandomCodeVerifier();
        const state = o.generateRandomState();
        const url = new URL(server.authorization_endpoint);
        url.search = new URLSearchParams({
          client_id: CLIENT, redirect_uri: REDIRECT, response_type: "code", scope, state,
          code_challenge: await o.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
        });
        return { url, verifier, state };
      },
      redeem,
      wrongVerifier: () => o.generateRandomCodeVerifier(),
      async refresh(token) {
        const answer = await o.refreshTokenGrantRequest(server, client, none, token, insecure);
        return o.processRefreshTokenResponse(server, client, answer);
      },
      async revoke(token) {
        await o.processRevocationResponse(await o.revocationRequest(server, client, none, token, insecure));
      },
    };
  },

  async "openid-client"() {
    const c = await import("openid-client");
    const config = await c.discovery(new URL(ISSUER), CLIENT, undefined, c.None(), {
      algorithm: "oauth2", execute: [c.allowInsecureRequests],
    });
    return {
      async begin(scope = SCOPE) {
        const verifier = c.randomPKCECodeVerifier();
        const state = c.randomState();
        const url = c.buildAuthorizationUrl(config, {
          redirect_uri: REDIRECT, scope, state,
          code_challenge: await c.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
        });
        return { url, verifier, state };
      },
      redeem: (flow, verifier) => c.authorizationCodeGrant(config, flow.answer, {
        pkceCodeVerifier: verifier ?? flow.verifier, expectedState: flow.state,
      }),
      wrongVerifier: () => c.randomPKCECodeVerifier(),
      refresh: (token) => c.refreshTokenGrant(config, token),
      revoke: (token) => c.tokenRevocation(config, token),
    };
  },

  async appauth() {
    register("./extensionless.mjs", import.meta.url);
    const { AuthorizationRequest, AuthorizationServiceConfiguration, BaseTokenRequestHandler, RevokeTokenRequest, TokenRequest, setFlag } =
      await import("@openid/appauth");
    const { NodeCrypto } = await import("@openid/appauth/built/src/node_support/crypto_utils.js");
    const { NodeRequestor } = await import("@openid/appauth/built/src/node_support/node_requestor.js");
    setFlag("IS_LOG", false);
    const metadata = await (await fetch(`${ISSUER}/.well-known/oauth-authorization-server`)).json();
    const service = new AuthorizationServiceConfiguration(metadata);
    const handler = new BaseTokenRequestHandler(new NodeRequestor());
    const ask = (fields) => handler.performTokenRequest(service, new TokenRequest({
      client_id: CLIENT, redirect_uri: REDIRECT, code: undefined, refresh_token: undefined, extras: undefined, ...fields,
    }));
    return {
      async begin(scope = SCOPE) {
        const request = new AuthorizationRequest(
          { client_id: CLIENT, redirect_uri: REDIRECT, scope, response_type: "code" }, new NodeCrypto());
        const json = await request.toJson();
        const url = new URL(service.authorizationEndpoint);
        const { extras, internal, ...own } = json;
        url.search = new URLSearchParams({ ...own, ...extras });
        return { url, verifier: internal.code_verifier, state: json.state };
      },
      redeem(flow, verifier) {
        if (flow.answer.searchParams.has("error")) throw { error: flow.answer.searchParams.get("error") };
        return ask({
          grant_type: "authorization_code", code: flow.answer.searchParams.get("code"),
          extras: { code_verifier: verifier ?? flow.verifier },
        }).then(plain);
      },
      wrongVerifier: () => "w".repeat(43),
      refresh: (token) => ask({ grant_type: "refresh_token", refresh_token: token }).then(plain),
      revoke: (token) => handler.performRevokeTokenRequest(
        service, new RevokeTokenRequest({ token, client_id: CLIENT })),
    };
    function plain(response) {
      return {
        access_token: response.accessToken, refresh_token: response.refreshToken,
        expires_in: response.expiresIn, scope: response.scope, token_type: response.tokenType,
      };
    }
  },

  async arctic() {
    const { CodeChallengeMethod, OAuth2Client, generateCodeVerifier, generateState } = await import("arctic");
    const client = new OAuth2Client(CLIENT, null, REDIRECT);
    const plain = (tokens) => tokens.data;
    return {
      begin(scope = SCOPE) {
        const verifier = generateCodeVerifier();
        const state = generateState();
        const url = client.createAuthorizationURLWithPKCE(
          `${ISSUER}/authorize`, state, CodeChallengeMethod.S256, verifier, scope.split(" "));
        return { url, verifier, state };
      },
      redeem(flow, verifier) {
        const answer = flow.answer.searchParams;
        if (answer.get("state") !== flow.state) throw new Error("state");
        if (answer.has("error")) throw { error: answer.get("error") };
        return client.validateAuthorizationCode(`${ISSUER}/token`, answer.get("code"), verifier ?? flow.verifier).then(plain);
      },
      wrongVerifier: () => generateCodeVerifier(),
      refresh: (token) => client.refreshAccessToken(`${ISSUER}/token`, token, []).then(plain),
      revoke: (token) => client.revokeToken(`${ISSUER}/revoke`, token),
    };
  },

  async badgateway() {
    const { OAuth2Client, generateCodeVerifier } = await import("@badgateway/oauth2-client");
    const client = new OAuth2Client({
      server: ISSUER, clientId: CLIENT, authenticationMethod: "client_secret_post",
      discoveryEndpoint: `${ISSUER}/.well-known/oauth-authorization-server`,
    });
    const plain = (t) => ({
      access_token: t.accessToken, refresh_token: t.refreshToken, token_type: "bearer",
      expires_in: minutes((t.expiresAt - Date.now()) / 1000), scope: t.scope?.join(" "),
    });
    return {
      async begin(scope = SCOPE) {
        const verifier = await generateCodeVerifier();
        const state = crypto.randomUUID();
        const url = new URL(await client.authorizationCode.getAuthorizeUri(
          { redirectUri: REDIRECT, state, codeVerifier: verifier, scope: scope.split(" ") }));
        return { url, verifier, state };
      },
      redeem: (flow, verifier) => client.authorizationCode.getTokenFromCodeRedirect(flow.answer.href, {
        redirectUri: REDIRECT, state: flow.state, codeVerifier: verifier ?? flow.verifier,
      }).then(plain),
      wrongVerifier: () => generateCodeVerifier(),
      refresh: (token) => client.refreshToken({ accessToken: "", refreshToken: token, expiresAt: null }).then(plain),
      revoke: (token) => client.revoke({ accessToken: token, refreshToken: null, expiresAt: null }, "access_token"),
    };
  },
};

libraries["oidc-client-ts"] = async () => {
  // A library for OpenID Connect: it asks for openid-configuration, and needs no more than is there.
  const o = await import("oidc-client-ts");
  const client = new o.OidcClient({
    authority: ISSUER, client_id: CLIENT, redirect_uri: REDIRECT, scope: SCOPE,
    stateStore: new o.WebStorageStateStore({ store: new o.InMemoryWebStorage() }),
  });
  const verifiers = new Map();
  const plain = ({ access_token, refresh_token, token_type, scope, expires_in }) =>
    ({ access_token, refresh_token, token_type, scope, expires_in: minutes(expires_in) });
  return {
    async begin(scope = SCOPE) {
      const request = await client.createSigninRequest({ scope });
      return { url: new URL(request.url), state: request.state };
    },
    async redeem(flow, verifier) {
      // It forgets a login at its first end; whoever replays the code has kept the state.
      const kept = verifiers.get(flow.state.id) ?? flow.state.toStorageString();
      verifiers.set(flow.state.id, kept);
      const stored = JSON.parse(kept);
      if (verifier) stored.code_verifier = verifier;
      await client.settings.stateStore.set(flow.state.id, JSON.stringify(stored));
      return client.processSigninResponse(flow.answer.href).then(plain);
    },
    wrongVerifier: () => "w".repeat(43),
    refresh: (token) => client.useRefreshToken({
      state: { refresh_token: token, scope: SCOPE, profile: {}, session_state: null },
      timeoutInSeconds: 20,
    }),
    revoke: (token) => client.revokeToken(token, "access_token"),
  };
};

libraries["simple-oauth2"] = async () => {
  // It knows no public clients: it sends Basic with an empty password. Nor does it know PKCE.
  const { AuthorizationCode } = await import("simple-oauth2");
  const { createHash, randomBytes } = await import("node:crypto");
  const path = new URL(ISSUER).pathname;
  const client = new AuthorizationCode({
    client: { id: CLIENT, secret: "" },
    auth: {
      tokenHost: origin, tokenPath: `${path}/token`, authorizePath: `${path}/authorize`,
      revokePath: `${path}/revoke`,
    },
  });
  const tokensOf = (token) => token.token;
  const fail = (error) => { throw error.data?.payload ?? error; };
  return {
    begin(scope = SCOPE) {
      const verifier = randomBytes(32).toString("base64url");
      const code_challenge = createHash("sha256").update(verifier).digest("base64url");
      const state = randomBytes(16).toString("hex");
      const url = new URL(client.authorizeURL({
        redirect_uri: REDIRECT, scope: scope.split(" "), state, code_challenge, code_challenge_method: "S256",
      }));
      return { url, verifier, state };
    },
    redeem(flow, verifier) {
      const answer = flow.answer.searchParams;
      if (answer.has("error")) throw { error: answer.get("error") };
      return client.getToken({
        code: answer.get("code"), redirect_uri: REDIRECT, code_verifier: verifier ?? flow.verifier,
      }).then(tokensOf, fail);
    },
    wrongVerifier: () => "w".repeat(43),
    refresh: (token) => client.createToken({ refresh_token: token }).refresh().then(tokensOf, fail),
    revoke: (token) => client.createToken({ access_token: token }).revoke("access_token"),
  };
};

/** What is left of a time, for libraries that count it down: in whole minutes, as seconds. */
function minutes(seconds) {
  return Math.round(seconds / 60) * 60;
}

/** The OAuth error in whatever a library throws. */
function wordOf(error) {
  const found = error?.error ?? error?.code ?? error?.cause?.error ?? error?.oauth2Code ?? error?.message;
  const word = typeof found === "string" ? found : String(error);
  return error?.error ?? error?.oauth2Code ?? error?.cause?.error ?? (error?.cause?.get?.("error")) ?? word;
}

async function refusal(step) {
  try { await step(); } catch (error) { return wordOf(error); }
  return "no error";
}

const client = await libraries[library]();
const login = async () => {
  const flow = await client.begin();
  return { ...flow, answer: await walk(flow.url) };
};

const flow = await login();
const tokens = await client.redeem(flow);
const again = await refusal(() => client.redeem(flow));
const fresh = await client.refresh(tokens.refresh_token);
// A provider that does not rotate sends none; the old one goes on (RFC 6749 section 6).
const successor = fresh.refresh_token ?? tokens.refresh_token;
const newest = await client.refresh(successor);
// Until the new token was presented, the old one was answered again: a lost answer is no lost login.
const stale = await refusal(() => client.refresh(tokens.refresh_token));
await client.revoke(newest.access_token);
const revoked = await refusal(() => client.refresh(newest.refresh_token ?? successor));
const other = await login();
const wrongVerifier = await client.wrongVerifier();
const wrong = await refusal(() => client.redeem(other, wrongVerifier));
const owner = await client.redeem(other);
const denied = await client.begin();
denied.answer = await walk(denied.url, { decision: "access_denied" });
const greedy = await client.begin(`${SCOPE} ${FORBIDDEN}`);
greedy.answer = await authorizeOnly(greedy.url);

console.log(JSON.stringify({
  token_type: tokens.token_type.toLowerCase(),
  scope: tokens.scope,
  expires_in: tokens.expires_in,
  rotated: successor !== tokens.refresh_token && fresh.access_token !== tokens.access_token,
  replayed_code: again,
  old_refresh_token: stale,
  refresh_after_revocation: revoked,
  wrong_verifier: wrong,
  owner_after_wrong_verifier: typeof owner.access_token,
  denied: await refusal(() => client.redeem(denied)),
  scope_not_allowed: await refusal(() => client.redeem(greedy)),
}));

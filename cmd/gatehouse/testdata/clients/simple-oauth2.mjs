import { failure, given, tell } from "./given.mjs";
import { ClientCredentials } from "simple-oauth2";

const clientOf = (secret, authorizationMethod, tokenPath) =>
  new ClientCredentials({
    client: { id: given.client_id, secret },
    auth: { tokenHost: given.issuer, tokenPath, revokePath: "/oauth2/revoke" },
    options: { authorizationMethod },
  });

async function use(authorizationMethod, tokenPath) {
  const client = clientOf(given.client_secret, authorizationMethod, tokenPath);
  const made = await client.getToken({ scope: ["api:read", "api:write"] });
  const headers = { Authorization: `Bearer ${made.token.access_token}` };
  const self = await fetch(new URL("/v1/self", given.issuer), { headers });
  await made.revoke("access_token");
  const after = await fetch(new URL("/v1/self", given.issuer), { headers });
  const refused = await failure(() =>
    clientOf("btcs_" + "0".repeat(40), authorizationMethod, tokenPath).getToken({}),
  );
  return {
    type: made.token.token_type,
    lifetime: made.token.expires_in,
    scope: made.token.scope,
    expired: made.expired(),
    self: self.status,
    after: after.status,
    wrong: { status: refused.output?.statusCode, error: refused.data?.payload?.error },
  };
}

tell({
  header: await use("header", "/oauth2/token"),
  body: await use("body", "/oauth2/token"),
  betatesting: await use("body", "/api/external/v2/oauth/token"),
});

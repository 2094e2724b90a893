import { failure, given, tell } from "./given.mjs";
import * as client from "openid-client";

const discover = (secret, method) =>
  client.discovery(new URL(given.issuer), given.client_id, undefined, method(secret), {
    algorithm: "oauth2",
    execute: [client.allowInsecureRequests],
  });

async function use(method) {
  const config = await discover(given.client_secret, method);
  const tokens = await client.clientCredentialsGrant(config, { scope: "api:read" });
  const before = await client.tokenIntrospection(config, tokens.access_token);
  const self = await client.fetchProtectedResource(config, tokens.access_token, new URL("/v1/self", given.issuer), "GET");
  await client.tokenRevocation(config, tokens.access_token);
  const after = await client.tokenIntrospection(config, tokens.access_token);
  const wrong = await discover("btcs_" + "0".repeat(40), method);
  const refused = await failure(() => client.clientCredentialsGrant(wrong));
  const tooWide = await failure(() => client.clientCredentialsGrant(config, { scope: "api:everything" }));
  return {
    issuer: config.serverMetadata().issuer === given.issuer,
    type: tokens.token_type,
    lifetime: tokens.expires_in,
    scope: tokens.scope,
    self: self.status,
    before: { active: before.active, scope: before.scope, mine: before.client_id === given.client_id },
    after,
    wrong: { status: refused.status, error: refused.error ?? refused.cause?.[0]?.scheme },
    tooWide: { status: tooWide.status, error: tooWide.error },
  };
}

tell({ basic: await use(client.ClientSecretBasic), post: await use(client.ClientSecretPost) });

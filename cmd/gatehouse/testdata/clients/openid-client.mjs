import { failure, given, tell } from "./given.mjs";
import { newKey, registered } from "./keypair.mjs";
import * as client from "openid-client";

const discover = (auth) =>
  client.discovery(new URL(given.issuer), given.client_id, undefined, auth, {
    algorithm: "oauth2",
    execute: [client.allowInsecureRequests],
  });

async function use(method, right, other) {
  const config = await discover(method(right));
  const tokens = await client.clientCredentialsGrant(config, { scope: "api:read" });
  const before = await client.tokenIntrospection(config, tokens.access_token);
  const self = await client.fetchProtectedResource(config, tokens.access_token, new URL("/v1/self", given.issuer), "GET");
  await client.tokenRevocation(config, tokens.access_token);
  const after = await client.tokenIntrospection(config, tokens.access_token);
  const wrong = await discover(method(other));
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

const secrets = [given.client_secret, "btcs_" + "0".repeat(40)];
tell({
  basic: await use(client.ClientSecretBasic, ...secrets),
  post: await use(client.ClientSecretPost, ...secrets),
  key: await use(client.PrivateKeyJwt, await registered(), (await newKey()).private),
});

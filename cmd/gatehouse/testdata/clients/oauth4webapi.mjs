import { failure, given, tell } from "./given.mjs";
import { newKey, registered } from "./keypair.mjs";
import * as oauth from "oauth4webapi";

const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(given.issuer);
const as = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }),
);
const client = { client_id: given.client_id };
const accessToken = "urn:ietf:params:oauth:token-type:access_token";

async function use(method, right, other) {
  const auth = method(right);
  const introspect = async (token) =>
    oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token, insecure));
  const grant = async (auth, parameters) =>
    oauth.processClientCredentialsResponse(
      as,
      client,
      await oauth.clientCredentialsGrantRequest(as, client, auth, parameters, insecure),
    );
  const exchange = async (parameters) =>
    oauth.processGenericTokenEndpointResponse(
      as,
      client,
      await oauth.genericTokenEndpointRequest(
        as,
        client,
        auth,
        "urn:ietf:params:oauth:grant-type:token-exchange",
        parameters,
        insecure,
      ),
    );

  const tokens = await grant(auth, { scope: "api:read api:write" });
  const lesser = await exchange({
    subject_token: tokens.access_token,
    subject_token_type: accessToken,
    scope: "api:read",
    resource: given.issuer,
  });
  const wider = await failure(() =>
    exchange({ subject_token: lesser.access_token, subject_token_type: accessToken, scope: "api:write" }),
  );
  const self = await oauth.protectedResourceRequest(
    lesser.access_token,
    "GET",
    new URL("/v1/self", issuer),
    undefined,
    undefined,
    insecure,
  );
  const before = await introspect(lesser.access_token);
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, lesser.access_token, insecure));
  const after = await introspect(lesser.access_token);
  const refused = await failure(() => grant(method(other), {}));
  return {
    type: tokens.token_type,
    lifetime: tokens.expires_in,
    scope: tokens.scope,
    exchanged: { type: lesser.token_type, scope: lesser.scope, issued: lesser.issued_token_type },
    wider: { status: wider.status, error: wider.error },
    self: self.status,
    before: { active: before.active, scope: before.scope, mine: before.client_id === given.client_id },
    after,
    wrong: { status: refused.status, error: refused.error ?? refused.cause?.[0]?.scheme },
  };
}

const secrets = [given.client_secret, "btcs_" + "0".repeat(40)];
tell({
  basic: await use(oauth.ClientSecretBasic, ...secrets),
  post: await use(oauth.ClientSecretPost, ...secrets),
  key: await use(oauth.PrivateKeyJwt, await registered(), (await newKey()).private),
});

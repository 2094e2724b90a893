import { failure, given, tell } from "./given.mjs";
import { createRemoteJWKSet, jwtVerify } from "jose";

const keys = createRemoteJWKSet(new URL("/oauth2/jwks", given.issuer));
const options = {
  issuer: given.issuer,
  audience: given.issuer,
  typ: "at+jwt",
  algorithms: [given.algorithm],
  requiredClaims: ["sub", "client_id", "iat", "exp", "jti", "scope"],
};
const { payload, protectedHeader } = await jwtVerify(given.token, keys, options);
const refused = [];
for (const token of given.altered) {
  refused.push((await failure(() => jwtVerify(token, keys, options))) instanceof Error);
}
const otherAudience = await failure(() => jwtVerify(given.token, keys, { ...options, audience: "https://else.example" }));
tell({
  algorithm: protectedHeader.alg,
  scope: payload.scope,
  subject: payload.sub,
  lifetime: payload.exp - payload.iat,
  refused,
  otherAudience: otherAudience.code,
});

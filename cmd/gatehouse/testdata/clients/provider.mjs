// An OpenID Connect provider that others wrote. It says where it is, and for each line it reads whom it knows now: an
// object of logins, each with the claims of an account. People sign in on its own pages.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { once } from "node:events";
import Provider from "oidc-provider";

const [redirect, secret, method = "client_secret_basic"] = process.argv.slice(2);
let accounts = {};

const server = createServer().listen(0, "127.0.0.1");
await once(server, "listening");
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{ client_id: "gatehouse", client_secret: secret, redirect_uris: [redirect], token_endpoint_auth_method: method }],
  clientAuthMethods: [method],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  pkce: { required: () => true },
  cookies: { keys: ["of a test"] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
  // Nobody is asked whether this server may know their address.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});
server.on("request", provider.callback());
console.log(issuer);

for await (const line of createInterface({ input: process.stdin })) {
  accounts = JSON.parse(line);
  console.log("known");
}
server.close();

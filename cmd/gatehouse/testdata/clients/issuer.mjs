// An issuer of identity tokens as CI has one. It says where it is, and for each line of claims answers with a token: of
// what it signs itself, but for the claims. Whatever is null is left out.
import { createInterface } from "node:readline";
import { OAuth2Server } from "oauth2-mock-server";

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
await server.start(0, "127.0.0.1");
server.issuer.url = `http://127.0.0.1:${server.address().port}`;
console.log(server.issuer.url);

for await (const line of createInterface({ input: process.stdin })) {
  const { claims } = JSON.parse(line);
  const token = await server.issuer.buildToken({
    scopesOrTransform: (_, payload) => {
      Object.assign(payload, claims);
      for (const name of Object.keys(payload)) if (payload[name] === null) delete payload[name];
    },
  });
  console.log(token);
}
await server.stop();

// A receiver as people write it: it prints where it listens, reads the secret of its webhook from standard input, and
// takes what the library of Standard Webhooks says is from there.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

let webhook;
const server = createServer(async (request, response) => {
  try {
    const told = webhook.verify(await text(request), request.headers);
    response.writeHead(200).end(told.type);
  } catch (error) {
    response.writeHead(401).end(error.message);
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/hook`));
createInterface({ input: process.stdin })
  .on("line", (secret) => {
    webhook = new Webhook(secret);
    console.log("ready");
  })
  .on("close", () => process.exit());

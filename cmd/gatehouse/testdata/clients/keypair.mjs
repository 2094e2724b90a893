import { given } from "./given.mjs";
import { exportJWK, generateKeyPair } from "jose";

const kid = "mine";

// newKey is a private key as PrivateKeyJwt of both libraries takes it.
export async function newKey() {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  return { private: { key: privateKey, kid }, public: { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" } };
}

// registered is the private half of a new key of the client.
export async function registered() {
  const headers = { Authorization: `Bearer ${given.admin}`, "Content-Type": "application/json" };
  const list = await (await fetch(new URL("/v1/credentials", given.issuer), { headers })).json();
  const { id } = list.items.find((item) => item.client_id === given.client_id);
  const key = await newKey();
  const answer = await fetch(new URL(`/v1/credentials/${id}/jwks`, given.issuer), {
    method: "PUT",
    headers,
    body: JSON.stringify({ keys: [key.public] }),
  });
  if (answer.status !== 200) throw new Error(`the key is not registered: ${answer.status} ${await answer.text()}`);
  return key.private;
}

// What every client here begins and ends with: one JSON document from standard input, one JSON line of results.
import { webcrypto } from "node:crypto";
import { json } from "node:stream/consumers";

// Node.js 18 has them, but not as globals.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;

// issuer, client_id, client_secret, admin (a token that may register the client's keys); for verifiers also token, altered (tokens with one character changed) and algorithm
export const given = await json(process.stdin);

export function tell(results) {
  console.log(JSON.stringify(results));
}

// failure runs something that should fail, and returns how it did.
export async function failure(fn) {
  try {
    await fn();
  } catch (error) {
    return error;
  }
  return {};
}

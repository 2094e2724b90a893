// A typed client of the Gatehouse API. The types come from the OpenAPI document; the calls are those of openapi-fetch.
import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, operations, paths } from "./schema.js";

/** What a failed call answers (RFC 9457). */
export type Problem = components["schemas"]["Problem"];

/** A call that failed. `code` tells one failure from another; `requestId` finds it in the server's log. */
export class GatehouseError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly requestId: string | undefined;

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `the server answered ${status}`);
    this.name = "GatehouseError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.field = problem.field;
    this.requestId = problem.request_id;
  }
}

export interface Options {
  /** Where the server is, such as https://keys.example.com. */
  baseUrl: string;
  /** The secret of the credential that makes the calls. */
  credential: string;
  /** How often a call is repeated that may be: 2 unless said. */
  retries?: number;
  /** The longest pause before a repeat, in milliseconds: 30 s unless said. */
  longestPause?: number;
  fetch?: (request: Request) => Promise<Response>;
}

/** The calls of the API, by method and path. A call that fails throws a GatehouseError. */
export function gatehouse(options: Options): Client<paths> {
  const client = createClient<paths>({
    baseUrl: options.baseUrl,
    redirect: "error", // no answer is a redirect, and a credential follows none
    fetch: repeating(options.fetch ?? ((request) => fetch(request)), options.retries ?? 2, options.longestPause ?? 30_000),
  });
  client.use(presenting(options.credential), failing);
  return client;
}

const presenting = (credential: string): Middleware => ({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${credential}`);
    return request;
  },
});

const failing: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return;
    let problem: Partial<Problem> = {};
    try {
      problem = (await response.clone().json()) as Partial<Problem>;
    } catch {
      // a proxy on the way answers as it likes
    }
    throw new GatehouseError(response.status, problem);
  },
};

/** Repeats what changes nothing, or carries an Idempotency-Key, when the server says later or can't be reached. */
function repeating(send: (request: Request) => Promise<Response>, retries: number, longest: number) {
  return async (request: Request): Promise<Response> => {
    const repeatable = request.method === "GET" || request.method === "HEAD" || request.headers.has("Idempotency-Key");
    for (let left = repeatable ? retries : 0; ; left--) {
      const attempt = left > 0 ? request.clone() : request;
      let pause = 250 * 2 ** (retries - left);
      try {
        const response = await send(attempt);
        if (left === 0 || (response.status !== 429 && response.status !== 503)) return response;
        pause = Number(response.headers.get("Retry-After") ?? "1") * 1000;
        if (!(pause <= longest)) return response;
      } catch (cause) {
        if (left === 0 || request.signal.aborted) throw cause;
      }
      await new Promise((resume) => setTimeout(resume, pause));
    }
  };
}

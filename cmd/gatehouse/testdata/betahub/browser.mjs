// What a browser does for a page of the server: addresses without a host are of this one, and the cookie goes along.
const { SERVER, COOKIE } = process.env;
const plain = globalThis.fetch;
globalThis.fetch = (address, init = {}) => plain(new URL(address, SERVER), { ...init, headers: { ...init.headers, cookie: COOKIE } });

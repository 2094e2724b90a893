// An authenticator: it reads what the QR code says, and shows the code of now and the next one.
import { parse } from "@otplib/uri";
import { generate } from "otplib";
import { given, tell } from "./given.mjs";

const { type, label, params } = parse(given.uri);
const epoch = Math.floor(Date.now() / 1000);
const { secret, period, digits, algorithm } = params;
const code = (at) => generate({ secret, period, digits, algorithm, epoch: at });
tell({ type, label, issuer: params.issuer, secret, codes: [await code(epoch), await code(epoch + period)] });

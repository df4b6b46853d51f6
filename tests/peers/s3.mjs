// An S3 server (s3rver) behind the signature check that it lacks for version 4:
// every request is signed again by the signer of Amazon's own SDK, and has to
// come out the same; what was stored has to have the hash that was signed.
//
//     node s3.mjs FOLDER PORT ACCESS_KEY_ID SECRET [BUCKET]...

import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import { Sha256 } from "@aws-crypto/sha256-js";
import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";

const require = createRequire(import.meta.url);
const S3rver = require("s3rver");
const S3Error = require("s3rver/lib/models/error");
const accounts = require("s3rver/lib/models/account");

const [folder, port, accessKeyId, secretAccessKey, ...buckets] = process.argv.slice(2);
const REGION = "us-east-1";
const MAX_SKEW_MS = 15 * 60 * 1000;

const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey },
    region: REGION,
    service: "s3",
    sha256: Sha256,
    uriEscapePath: false,
});

function refuse(code, message) {
    throw new S3Error(code, message);
}

function date(text) {
    const [, year, month, day, hour, minute, second] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(text);
    return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function compare(given, computed) {
    if (given.length !== computed.length || !timingSafeEqual(Buffer.from(given), Buffer.from(computed)))
        refuse("SignatureDoesNotMatch",
               "The request signature we calculated does not match the signature you provided.");
}

function asRequest(ctx, headers, query) {
    return new HttpRequest({ method: ctx.method, protocol: "http:", hostname: ctx.hostname,
                             path: decodeURI(ctx.path), query, headers });
}

async function checkHeader(ctx) {
    const [, credential, names, signature] =
        /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
            .exec(ctx.get("Authorization")) ?? refuse("AuthorizationHeaderMalformed", "What is this?");
    const [id, , region] = credential.split("/");
    const signed = names.split(";");

    if (id !== accessKeyId)
        refuse("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
    if (region !== REGION)
        refuse("AuthorizationHeaderMalformed", `the region '${region}' is wrong; expecting '${REGION}'`);
    for (const name of Object.keys(ctx.headers)) { // Amazon demands these
        if ((name === "host" || name.startsWith("x-amz-")) && !signed.includes(name))
            refuse("AccessDenied", `There were headers present in the request which were not signed: ${name}`);
    }
    const at = date(ctx.get("X-Amz-Date"));
    if (Math.abs(Date.now() - at) > MAX_SKEW_MS)
        refuse("RequestTimeTooSkewed", "The difference between the request time and the server's time is too large.");
    const headers = Object.fromEntries(signed.map(name => [name, ctx.get(name)]));
    const again = await signer.sign(asRequest(ctx, headers, { ...ctx.query }), { signingDate: at });
    compare(signature, /Signature=([0-9a-f]+)/.exec(again.headers.authorization)[1]);
}

async function checkQuery(ctx) {
    const query = Object.fromEntries(Object.entries(ctx.query).filter(([name]) => !name.startsWith("X-Amz-")));
    const at = date(ctx.query["X-Amz-Date"]);
    const expiresIn = Number(ctx.query["X-Amz-Expires"]);

    if (Date.now() > at.getTime() + expiresIn * 1000)
        refuse("AccessDenied", "Request has expired");
    const payload = "x-amz-content-sha256";
    const again = await signer.presign(
        asRequest(ctx, { host: ctx.get("Host"), [payload]: "UNSIGNED-PAYLOAD" }, query),
        { signingDate: at, expiresIn, unsignableHeaders: new Set([payload]), unhoistableHeaders: new Set([payload]) });
    compare(ctx.query["X-Amz-Signature"], again.query["X-Amz-Signature"]);
}

async function checkStored(ctx) {
    const data = await readFile(join(folder, decodeURI(ctx.path)) + "._S3rver_object");
    if (createHash("sha256").update(data).digest("hex") !== ctx.get("x-amz-content-sha256"))
        refuse("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.");
}

accounts.DUMMY_ACCOUNT.createKeyPair(accessKeyId, secretAccessKey);
const server = new S3rver({ directory: folder, address: "127.0.0.1", port: Number(port), silent: true,
                            vhostBuckets: false, configureBuckets: buckets.map(name => ({ name, configs: [] })) });
server.middleware.unshift(async (ctx, next) => {
    if (ctx.query["X-Amz-Signature"])
        await checkQuery(ctx);
    else if (ctx.get("Authorization"))
        await checkHeader(ctx);
    else if (ctx.path !== "/")
        refuse("AccessDenied", "Access Denied");
    await next();
    if (ctx.method === "PUT" && ctx.status === 200)
        await checkStored(ctx);
});
await server.run();

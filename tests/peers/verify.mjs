// Verifies a webhook with the library of standardwebhooks.com.
//
//     node verify.mjs SECRET <{"headers":{…},"body":"…"}
//
// Prints what the library returns; exits with 1 and its reason when it refuses.

import { text } from "node:stream/consumers";

import { Webhook } from "standardwebhooks";

const { headers, body } = JSON.parse(await text(process.stdin));
try {
    console.log(JSON.stringify(new Webhook(process.argv[2]).verify(body, headers)));
} catch (error) {
    console.error(error.message);
    process.exitCode = 1;
}

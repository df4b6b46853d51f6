// Receives callbacks: npm install standardwebhooks; node receive.mjs 8090
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.CALLBACK_SECRET); // whsec_…
const seen = new Set(); // yours: a table with webhook-id as its key

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const told = webhook.verify(Buffer.concat(chunks).toString(), request.headers);
    if (!seen.has(request.headers["webhook-id"])) console.log(told.type, told.data.jobId, told.data.url);
    seen.add(request.headers["webhook-id"]);
    response.writeHead(204).end();
  } catch {
    response.writeHead(401).end();
  }
}).listen(Number(process.argv[2] ?? 8090), "127.0.0.1");

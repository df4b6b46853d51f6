// Submits pages and hears of all of them: npm install ws; node websocket.mjs URL…
import WebSocket from "ws";

const api = process.env.SHOTFLEET_API_URL ?? "http://127.0.0.1:8080";
const key = process.env.SHOTFLEET_API_KEY;
const headers = { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) };

const answer = await fetch(`${api}/v1/captures`, {
  method: "POST", headers,
  body: JSON.stringify({ captures: process.argv.slice(2).map((url) => ({ url })) }),
});
if (!answer.ok) throw new Error((await answer.json()).detail);
const { captures } = await answer.json();
const waiting = new Set(captures.filter((c) => c.jobId).map((c) => c.jobId));

const socket = new WebSocket(api.replace(/^http/, "ws") + "/v1/live", { headers });
socket.on("open", () => socket.send(JSON.stringify({ subscribe: [...waiting] })));
socket.on("message", (text) => {
  const { event, data } = JSON.parse(text);
  if (!data?.jobId) return; // that we are subscribed
  console.log(event, data.url, data.image ? api + data.image.url : "");
  if (["completed", "failed", "cancelled"].includes(data.status)) waiting.delete(data.jobId);
  if (waiting.size === 0) socket.close();
});

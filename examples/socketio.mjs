// Submits a page and waits for its picture: npm install socket.io-client; node socketio.mjs URL
import { io } from "socket.io-client";

const api = process.env.SHOTFLEET_API_URL ?? "http://127.0.0.1:8080";
const key = process.env.SHOTFLEET_API_KEY;
const headers = { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) };

const answer = await fetch(`${api}/v1/captures`, {
  method: "POST", headers, body: JSON.stringify({ url: process.argv[2] }),
});
if (!answer.ok) throw new Error((await answer.json()).detail);
const { jobId } = await answer.json();

const socket = io(api, { extraHeaders: key ? { Authorization: `Bearer ${key}` } : {} });
socket.on("connect", () => socket.emit("subscribe", jobId));
socket.on("screenshot-ready", (capture) => {
  console.log("screenshot-ready", api + capture.image.url);
  socket.close();
});
socket.on("failed", (capture) => {
  console.error(capture.error.code, capture.error.message);
  socket.close();
  process.exitCode = 1;
});

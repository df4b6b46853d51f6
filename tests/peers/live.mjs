// live URL JSON - what `ws` hears after it has sent JSON, a line for each message.
import WebSocket from "ws";

const [url, text] = process.argv.slice(2);
const socket = new WebSocket(url);
socket.on("open", () => socket.send(text));
socket.on("message", (data) => console.log(String(data)));
socket.on("close", (code) => console.log(JSON.stringify({ closed: code })));
process.stdin.on("data", () => socket.close(1000));
process.stdin.on("end", () => process.exit(0));

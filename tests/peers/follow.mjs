// follow URL TRANSPORTS SECONDS JSON - what the official socket.io-client hears.
//
// Connects with `auth` and emits each of `emit` of the JSON; prints one line of
// JSON for each event that comes, {"event", "args"}, and one for each answer.
import { io } from "socket.io-client";

const [url, transports, seconds, text] = process.argv.slice(2);
const { auth, extraHeaders, emit } = JSON.parse(text);
const say = (event, ...args) => console.log(JSON.stringify({ event, args }));

const socket = io(url, {
  transports: transports.split(","), auth, extraHeaders, reconnectionDelay: 200,
});
socket.on("connect", () => {
  say("connect", socket.io.engine.transport.name);
  for (const [name, ...args] of emit) socket.emit(name, ...args, (answer) => say("ack", answer));
});
socket.io.engine.on("upgrade", (transport) => say("upgrade", transport.name));
socket.on("connect_error", (error) => say("connect_error", error.message, error.data));
socket.on("disconnect", (reason) => say("disconnect", reason));
socket.onAny((event, ...args) => say(event, ...args));
process.stdin.on("data", () => { socket.close(); process.exit(0); });
process.stdin.on("end", () => process.exit(0));
setTimeout(() => process.exit(0), seconds * 1000);

// Submits a page and hears of every change: node sse.mjs https://example.com/
const api = process.env.SHOTFLEET_API_URL ?? "http://127.0.0.1:8080";
const key = process.env.SHOTFLEET_API_KEY;
const headers = { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) };

const answer = await fetch(`${api}/v1/captures`, {
  method: "POST", headers, body: JSON.stringify({ url: process.argv[2] }),
});
if (!answer.ok) throw new Error((await answer.json()).detail);
const { jobId } = await answer.json();

// In a browser `new EventSource(…)` does this; it also connects again.
const events = await fetch(`${api}/v1/captures/${jobId}/events`, { headers });
let text = "";
for await (const chunk of events.body.pipeThrough(new TextDecoderStream())) {
  const parts = (text + chunk).split("\n\n");
  text = parts.pop();
  for (const part of parts) {
    const data = part.match(/^data: ?(.*)$/m)?.[1];
    if (!data) continue; // a heart-beat
    const capture = JSON.parse(data);
    console.log(capture.status, capture.image ? api + capture.image.url : "");
  }
}

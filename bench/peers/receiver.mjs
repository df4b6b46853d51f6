// What is usually built in place of ingest: Express takes the webhook, checks
// its signature and hands it to BullMQ, which keeps it in Redis.
//
//     PORT=… REDIS_PORT=… WEBHOOK_SECRET=… node receiver.mjs
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Queue } from 'bullmq'
import express from 'express'

const { PORT, REDIS_PORT, WEBHOOK_SECRET } = process.env
const MAX_AGE_MS = 300_000

const queue = new Queue('webhooks', {
  connection: { host: '127.0.0.1', port: Number(REDIS_PORT) },
})

function isAuthentic(request) {
  const timestamp = request.get('X-Screenshotly-Timestamp') ?? ''
  const signature = request.get('X-Screenshotly-Signature') ?? ''
  const expected = createHmac('sha256', WEBHOOK_SECRET)
    .update(`${timestamp}.`).update(request.body).digest('hex')
  return signature.length === expected.length
    && timingSafeEqual(Buffer.from(signature), Buffer.from(expected))
    && Math.abs(Date.now() - Number(timestamp)) <= MAX_AGE_MS
}

const app = express()
app.disable('x-powered-by')
app.disable('etag')
app.post('/webhooks/screenshotly',
  express.raw({ type: 'application/json', limit: '1mb' }),
  async (request, response) => {
    if (!isAuthentic(request))
      return response.status(401).json({ error: 'invalid signature' })
    let event
    try {
      event = JSON.parse(request.body)
    } catch {
      return response.status(400).json({ error: 'the body is not JSON' })
    }
    const { jobId, attempt } = request.query
    const job = await queue.add('webhook', { jobId, attempt, event })
    response.json({ receipt: job.id })
  })
app.listen(Number(PORT), '127.0.0.1')

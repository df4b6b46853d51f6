// What is usually built in place of the worker: a BullMQ worker that records
// each event in a transaction of its own.
//
//     REDIS_PORT=… DATABASE_URL=… node recorder.mjs
//
// Queues a failure for each of the jobs on the first line, says "ready", waits
// for a line, records them, says how long that took, and ends with one more line.
import { createInterface } from 'node:readline'
import { Queue, Worker } from 'bullmq'
import pg from 'pg'

// The best of what was tried on two cores: 20/10, 50/20, 100/20, 200/50.
const CONCURRENCY = 50
const CONNECTIONS = 20

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) }
const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: CONNECTIONS,
})

async function record({ id, data }) {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const { rowCount } = await client.query({
      name: 'deliver',
      text: `insert into deliveries (entry_id, day, job_id, attempt, provider,
                                     source, event, outcome, ip, received_at)
             values ($1, entry_day($1), $2, $3, $4, 'webhook', 'failed',
                     'recorded', $5, $6)
             on conflict do nothing`,
      values: [`bullmq:${data.receivedMs}-${id}-${data.jobId}`, data.jobId, data.attempt,
        data.provider, data.ip, new Date(data.receivedMs)],
    })
    if (rowCount > 0)
      await client.query({
        name: 'fail',
        text: `update jobs set status = 'failed', error = $3, error_code = $4,
                   failed_at = now(), next_check_at = null
               where id = $1 and attempt = $2
                 and status in ('queued', 'submitted')`,
        values: [data.jobId, data.attempt, data.event.data.error,
          data.event.data.errorCode],
      })
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

async function fill(queue, ids) {
  for (let i = 0; i < ids.length; i += 1000)
    await queue.addBulk(ids.slice(i, i + 1000).map(jobId => ({
      name: 'webhook',
      data: {
        jobId, attempt: 1, provider: 'screenshotly', ip: '127.0.0.1',
        receivedMs: Date.now(),
        event: {
          event: 'screenshot.failed',
          data: { jobId, error: 'the selector matches nothing',
            errorCode: 'SELECTOR_NOT_FOUND' },
        },
      },
      opts: { removeOnComplete: true },
    })))
}

// Works until `count` more jobs have been recorded.
async function work(count) {
  const worker = new Worker('results', record,
    { connection, concurrency: CONCURRENCY, autorun: false })
  const started = process.hrtime.bigint()
  let done = 0
  await new Promise((resolve, reject) => {
    worker.on('completed', () => { if (++done === count) resolve() })
    worker.on('failed', (_, error) => reject(error))
    worker.run()
  })
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  await worker.close()
  return seconds
}

const queue = new Queue('results', { connection })
const input = createInterface({ input: process.stdin })
const lines = input[Symbol.asyncIterator]()
const next = async () => (await lines.next()).value ?? ''

const ids = (await next()).split(' ')
const warm = Math.floor(ids.length / 5) // node compiles what is hot
await fill(queue, ids.slice(0, warm))
await work(warm)
await fill(queue, ids.slice(warm))
console.log('ready')
await next()
const seconds = await work(ids.length - warm)
console.log(JSON.stringify({ count: ids.length - warm, seconds }))
await next()
input.close()
await queue.close()
await pool.end()

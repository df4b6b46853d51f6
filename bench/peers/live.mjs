// What is usually built in place of api's live events: socket.io with a room for
// each job, fed from the same stream, with the same documents in one query for
// each read.
//
//     REDIS_PORT=… DATABASE_URL=… PORT=… node live.mjs
import { createServer } from 'node:http'
import Redis from 'ioredis'
import pg from 'pg'
import { Server } from 'socket.io'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const redis = new Redis(Number(process.env.REDIS_PORT))
const http = createServer()
const io = new Server(http, { serveClient: false })

function documents(ids) {
  return pool.query({
    name: 'documents',
    text: 'select id::text, status, document from capture_documents where id = any ($1::uuid[])',
    values: [ids],
  })
}

io.on('connection', (socket) => {
  socket.on('subscribe', async (job) => {
    socket.join(job)
    const { rows } = await documents([job])
    for (const row of rows) socket.emit(row.status, JSON.parse(row.document))
  })
})

let position = '$'
async function read() {
  const answer = await redis.xread('COUNT', 500, 'BLOCK', 5000, 'STREAMS', 'shotfleet:live', position)
  if (answer) {
    const [[, entries]] = answer
    position = entries.at(-1)[0]
    const ids = [...new Set(entries.map(([, fields]) => fields[1]))]
    const { rows } = await documents(ids)
    for (const row of rows) io.to(row.id).emit(row.status, JSON.parse(row.document))
  }
  setImmediate(read)
}

http.listen(Number(process.env.PORT), '127.0.0.1', read)

// Drives Baileys by JSON lines: orders come on stdin, events go to stdout. Credentials stay in this process.
//   {"do":"connect","connection":1,"url":"ws://…","account":"a","options":{…}}   {"do":"code","number":"628…"}
//   {"do":"number","number":"628…"}   {"do":"text","to":"628…@s.whatsapp.net","text":"…","id":"3EB0…"}
//   {"do":"read","from":"628…@s.whatsapp.net","id":"3EB0…"}   {"do":"logout"}   {"do":"end"}
// Every event says which connection it is of; orders go to the newest.
import { createInterface } from 'node:readline'
import makeWASocket, { Browsers, initAuthCreds, makeCacheableSignalKeyStore } from '@whiskeysockets/baileys'

const logger = { level: 'silent', child: () => logger }
for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) logger[level] = () => {}

for (const level of ['log', 'info', 'warn', 'error', 'debug']) console[level] = () => {} // libsignal writes to stdout

const tell = (event, details = {}) => process.stdout.write(JSON.stringify({ event, ...details }) + '\n')

const accounts = new Map()

function authOf(name) {
  if (!accounts.has(name)) {
    const data = new Map()
    const keys = {
      get: async (type, ids) => Object.fromEntries(ids.map((id) => [id, data.get(`${type}/${id}`)]).filter(([, value]) => value)),
      set: async (all) => {
        for (const [type, values] of Object.entries(all)) {
          for (const [id, value] of Object.entries(values)) {
            if (value) data.set(`${type}/${id}`, value)
            else data.delete(`${type}/${id}`)
          }
        }
      },
    }
    accounts.set(name, { creds: initAuthCreds(), keys, sent: new Map() })
  }
  return accounts.get(name)
}

let socket
let current = 0

function connect({ connection, url, account, options = {} }) {
  current = connection
  const say = (event, details) => tell(event, { connection, ...details })
  const { creds, keys, sent } = authOf(account)
  socket = makeWASocket({
    waWebSocketUrl: url,
    auth: { creds, keys: makeCacheableSignalKeyStore(keys, logger) },
    logger,
    browser: Browsers.ubuntu('Chrome'),
    shouldSyncHistoryMessage: () => false,
    connectTimeoutMs: 5000,
    defaultQueryTimeoutMs: 5000,
    getMessage: async (key) => sent.get(key.id),
    ...options,
  })
  const mine = socket
  mine.sent = sent
  mine.ev.on('creds.update', (update) => Object.assign(creds, update))
  mine.ev.on('connection.update', (update) => {
    if (update.qr) say('qr', { qr: update.qr })
    if (update.isNewLogin) say('new_login')
    if (update.receivedPendingNotifications) say('caught_up')
    if (update.connection === 'open') say('open', { me: creds.me, platform: creds.platform })
    if (update.connection === 'close') {
      const error = update.lastDisconnect?.error
      say('close', { code: error?.output?.statusCode ?? null, message: String(error?.message ?? '') })
    }
  })
  mine.ev.on('messages.upsert', ({ messages }) => {
    for (const { key, message, messageStubType, status } of messages) {
      const text = message?.conversation ?? message?.extendedTextMessage?.text ?? null
      say('message', { from: key.remoteJid, fromMe: key.fromMe, id: key.id, text, stub: messageStubType ?? null })
      if (key.fromMe && status) say('status', { id: key.id, status }) // updates may be merged into a message that waits
    }
  })
  mine.ev.on('messages.update', (updates) => {
    for (const { key, update } of updates) say('status', { from: key.remoteJid, id: key.id, status: update.status ?? null, stub: update.messageStubType ?? null, text: update.message?.conversation ?? update.message?.extendedTextMessage?.text ?? null })
  })
}

const orders = {
  connect,
  code: async ({ number }) => tell('code', { connection: current, code: await socket.requestPairingCode(number) }),
  logout: () => socket.logout(),
  end: () => socket.end(undefined),
  number: async ({ number }) => tell('number', { connection: current, found: await socket.onWhatsApp(number) }),
  text: async ({ to, text, id }) => {
    const message = await socket.sendMessage(to, { text }, { messageId: id })
    socket.sent.set(id, message.message)
    tell('sent', { connection: current, id })
  },
  read: ({ from, id }) => socket.readMessages([{ remoteJid: from, id }]),
}

process.on('unhandledRejection', (error) => tell('unhandled', { connection: current, message: String(error?.message ?? error) }))

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const order = JSON.parse(line)
    try {
      await orders[order.do](order)
    } catch (error) {
      tell('error', { connection: current, do: order.do, message: String(error?.message ?? error) })
    }
  })
  .on('close', () => process.exit(0))

tell('ready')

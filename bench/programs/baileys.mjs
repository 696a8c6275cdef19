// Sessions of Baileys, all in this process, with credentials that the simulator made.
//
//     node --expose-gc bench/programs/baileys.mjs <url>     then lines {"credentials": [...]}: log these in

import { logIn, serve } from './baileys_session.mjs'

const [url] = process.argv.slice(2)
const sockets = []

// Keys are kept elsewhere, as ours are: what is weighed is the session, not its database.
const noKeys = { get: async () => ({}), set: async () => {} }

globalThis.gc()
await serve(async order => {
	sockets.push(...(await Promise.all(order.credentials.map(row => logIn(row, url, noKeys, { syncFullHistory: false })))))
	globalThis.gc() // so that only what is held is weighed
	return { open: sockets.length }
})

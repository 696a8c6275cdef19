// Sessions of Baileys, all in this process, that write to many people.
//
//     node bench/programs/baileys_blast.mjs <url>
//     {"do":"log in","credentials":[…]}       then {"do":"send","people":["628…",…]}: {"seconds":s,"messages":n}
//
// Its keys are in memory, so that no disk slows it down (ours write theirs to the database). A message counts once the
// server has acknowledged it. Each session sends one message after the other, as ours do.

import { logIn, serve } from './baileys_session.mjs'

const [url] = process.argv.slice(2)
const sessions = []

// Everything that Baileys gives to be kept, by kind and id.
function memoryStore() {
	const kinds = {}
	return {
		get: async (kind, ids) => Object.fromEntries(ids.map(id => [id, kinds[kind]?.get(id)])),
		set: async changes => {
			for (const [kind, values] of Object.entries(changes)) {
				const kept = (kinds[kind] ??= new Map())
				for (const [id, value] of Object.entries(values)) value == null ? kept.delete(id) : kept.set(id, value)
			}
		}
	}
}

async function begin(row) {
	const acknowledged = new Map()
	const options = { shouldSyncHistoryMessage: () => false, markOnlineOnConnect: false }
	const socket = await logIn(row, url, memoryStore(), options, made => {
		made.ws.on('CB:ack,class:message', node => acknowledged.get(node.attrs.id)?.(node.attrs))
	})
	sessions.push({ socket, acknowledged })
}

let number = 0
async function write({ socket, acknowledged }, person) {
	const id = '3EB0' + (++number).toString(16).toUpperCase().padStart(18, '0')
	const ack = new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new Error('no ack')), 60_000)
		acknowledged.set(id, attrs => {
			clearTimeout(timer)
			acknowledged.delete(id)
			attrs.error ? reject(new Error(`refused: ${attrs.error}`)) : resolve()
		})
	})
	await socket.sendMessage(`${person}@s.whatsapp.net`, { text: `Halo ${person}! Diskon 20% hari ini.` }, { messageId: id })
	await ack
}

const orders = {
	'log in': async order => {
		for (const row of order.credentials) await begin(row)
		return { open: sessions.length }
	},
	send: async order => {
		const began = performance.now()
		await Promise.all(sessions.map(async (session, place) => {
			for (let index = place; index < order.people.length; index += sessions.length) await write(session, order.people[index])
		}))
		return { seconds: (performance.now() - began) / 1000, messages: order.people.length }
	}
}

await serve(order => orders[order.do](order))

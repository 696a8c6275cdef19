// Sessions of Baileys, all in this process, that write to many people.
//
//     node bench/programs/baileys_blast.mjs <url> <folder>
//     {"do":"log in","credentials":[…]}       then {"do":"send","people":["628…",…]}: {"seconds":s,"messages":n}
//
// Its keys are on disk the way that Baileys itself offers, one folder for each session; a message counts once the
// server has acknowledged it. Each session sends one message after the other, as ours do.

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import makeWASocket, { makeCacheableSignalKeyStore, proto, useMultiFileAuthState } from '../../tests/interop/node_modules/@whiskeysockets/baileys/lib/index.js'

const [url, folder] = process.argv.slice(2)
const silent = { level: 'silent', child: () => silent, trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} }
for (const level of ['log', 'info', 'warn', 'error', 'debug']) console[level] = () => {} // libsignal writes to stdout
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex')
const sessions = []

const say = answer => process.stdout.write(JSON.stringify(answer) + '\n')
const bytes = value => Buffer.from(value.base64, 'base64')

function keyPair(value) {
	const secret = bytes(value)
	const key = createPrivateKey({ key: Buffer.concat([PKCS8_X25519, secret]), format: 'der', type: 'pkcs8' })
	return { private: secret, public: createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32) }
}

function credentials(row) {
	return {
		noiseKey: keyPair(row.noise_private),
		pairingEphemeralKeyPair: keyPair(row.noise_private),
		signedIdentityKey: keyPair(row.identity_private),
		signedPreKey: {
			keyPair: keyPair(row.signed_pre_key_private),
			signature: bytes(row.signed_pre_key_signature),
			keyId: row.signed_pre_key_id
		},
		registrationId: row.registration_id,
		advSecretKey: row.adv_secret.base64,
		processedHistoryMessages: [],
		nextPreKeyId: 101,
		firstUnuploadedPreKeyId: 101,
		accountSyncCounter: 1,
		accountSettings: { unarchiveChats: false },
		registered: true,
		account: proto.ADVSignedDeviceIdentity.decode(bytes(row.signed_device_identity)),
		me: { id: row.jid, lid: row.lid, name: row.display_name || 'Gerai' },
		platform: row.platform
	}
}

async function logIn(row, place) {
	const { state, saveCreds } = await useMultiFileAuthState(join(folder, String(place)))
	const creds = Object.assign(state.creds, credentials(row))
	await new Promise((resolve, reject) => {
		const socket = makeWASocket({
			auth: { creds, keys: makeCacheableSignalKeyStore(state.keys, silent) },
			waWebSocketUrl: url,
			version: [2, 3000, 1045649367],
			logger: silent,
			shouldSyncHistoryMessage: () => false,
			markOnlineOnConnect: false
		})
		const session = { socket, acknowledged: new Map() }
		sessions.push(session)
		socket.ev.on('creds.update', saveCreds)
		socket.ws.on('CB:ack,class:message', node => session.acknowledged.get(node.attrs.id)?.(node.attrs))
		socket.ev.on('connection.update', update => {
			if (update.connection === 'open') resolve()
			if (update.connection === 'close') reject(update.lastDisconnect?.error ?? new Error('closed'))
		})
	})
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
		for (const [place, row] of order.credentials.entries()) await logIn(row, place)
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

say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
	const order = JSON.parse(line)
	try {
		say(await orders[order.do](order))
	} catch (error) {
		say({ error: String(error?.message ?? error) })
	}
}
process.exit(0)

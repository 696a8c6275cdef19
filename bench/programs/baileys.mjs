// Sessions of Baileys, all in this process, with credentials that the simulator made.
//
//     node --expose-gc bench/programs/baileys.mjs <url>     then lines {"credentials": [...]}: log these in

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { createInterface } from 'node:readline'
import makeWASocket, { makeCacheableSignalKeyStore, proto } from '../../tests/interop/node_modules/@whiskeysockets/baileys/lib/index.js'

const [url] = process.argv.slice(2)
const silent = { level: 'silent', child: () => silent, trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} }
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex')
const sockets = []

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

// Keys are kept elsewhere, as ours are: what is weighed is the session, not its database.
const noKeys = () => ({ get: async () => ({}), set: async () => {} })

const logIn = row => new Promise((resolve, reject) => {
	const socket = makeWASocket({
		auth: { creds: credentials(row), keys: makeCacheableSignalKeyStore(noKeys(), silent) },
		waWebSocketUrl: url,
		version: [2, 3000, 1045649367],
		logger: silent,
		syncFullHistory: false
	})
	sockets.push(socket)
	socket.ev.on('connection.update', update => {
		if (update.connection === 'open') resolve()
		if (update.connection === 'close') reject(update.lastDisconnect?.error ?? new Error('closed'))
	})
})

globalThis.gc()
say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
	await Promise.all(JSON.parse(line).credentials.map(logIn))
	globalThis.gc() // so that only what is held is weighed
	say({ open: sockets.length })
}
process.exit(0)

// What the programs that run sessions of Baileys share: their keys, their logins, and lines of JSON in and out.

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { createInterface } from 'node:readline'
import makeWASocket, { makeCacheableSignalKeyStore, proto } from '../../tests/interop/node_modules/@whiskeysockets/baileys/lib/index.js'

const silent = { level: 'silent', child: () => silent, trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} }
for (const level of ['log', 'info', 'warn', 'error', 'debug']) console[level] = () => {} // libsignal writes to stdout
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex')

const say = answer => process.stdout.write(JSON.stringify(answer) + '\n')
const bytes = value => Buffer.from(value.base64, 'base64')

function keyPair(value) {
	const secret = bytes(value)
	const key = createPrivateKey({ key: Buffer.concat([PKCS8_X25519, secret]), format: 'der', type: 'pkcs8' })
	return { private: secret, public: createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32) }
}

// Credentials as the simulator makes them, in the words of Baileys.
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

// A session whose keys are in `store`, behind the cache that Baileys' users put before theirs. `made` gets the socket
// before it connects. Gives it once it is open.
export const logIn = (row, url, store, options = {}, made = () => {}) =>
	new Promise((resolve, reject) => {
		const socket = makeWASocket({
			auth: { creds: credentials(row), keys: makeCacheableSignalKeyStore(store, silent) },
			waWebSocketUrl: url,
			version: [2, 3000, 1045649367],
			logger: silent,
			...options
		})
		made(socket)
		socket.ev.on('connection.update', update => {
			if (update.connection === 'open') resolve(socket)
			if (update.connection === 'close') reject(update.lastDisconnect?.error ?? new Error('closed'))
		})
	})

// Answer one line after the other until there are no more.
export async function serve(obey) {
	say({ ready: true })
	for await (const line of createInterface({ input: process.stdin })) {
		try {
			say(await obey(JSON.parse(line)))
		} catch (error) {
			say({ error: String(error?.message ?? error) })
		}
	}
	process.exit(0)
}

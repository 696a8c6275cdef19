// Other implementations of what the Python side does, driven by lines of JSON: libsignal for sessions, Baileys for
// messages and media. Bytes travel as hexadecimal.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

globalThis.console = new console.Console(process.stderr); // libsignal chats on the standard output

const require = createRequire(new URL("../../../interop/package.json", import.meta.url));
const libsignal = require("libsignal");
const { curve, keyhelper, ProtocolAddress, SessionBuilder, SessionCipher } = libsignal;
const baileys = (file) => import(pathToFileURL(require.resolve("@whiskeysockets/baileys").replace("index.js", file)));
const ADDRESS = new ProtocolAddress("peer", 0);

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => Buffer.from(text, "hex");

class Party {
  identity = curve.generateKeyPair();
  registrationId = keyhelper.generateRegistrationId();
  signed = keyhelper.generateSignedPreKey(this.identity, 5);
  preKeys = new Map([1, 2, 3].map((id) => [id, keyhelper.generatePreKey(id).keyPair]));
  session = undefined;

  // what libsignal asks its storage for
  loadSession = async () => this.session;
  storeSession = async (_, session) => void (this.session = session);
  isTrustedIdentity = async () => true;
  loadPreKey = async (id) => this.preKeys.get(id);
  removePreKey = async (id) => void this.preKeys.delete(id);
  loadSignedPreKey = async () => this.signed.keyPair;
  getOurRegistrationId = async () => this.registrationId;
  getOurIdentity = async () => this.identity;

  bundle = () => ({
    registrationId: this.registrationId,
    identity: hex(this.identity.pubKey),
    signedId: this.signed.keyId,
    signed: hex(this.signed.keyPair.pubKey),
    signature: hex(this.signed.signature),
    preKeyId: 1,
    preKey: hex(this.preKeys.get(1).pubKey),
  });
}

let party = new Party();
const cipher = () => new SessionCipher(party, ADDRESS);
const media = await baileys("Utils/messages-media.js");
const generics = await baileys("Utils/generics.js");
const { proto } = await baileys("../WAProto/index.js");

const answers = {
  fresh: async () => (party = new Party()).bundle(),
  begin: async (bundle) => {
    await new SessionBuilder(party, ADDRESS).initOutgoing({
      registrationId: bundle.registrationId,
      identityKey: bytes(bundle.identity),
      signedPreKey: {
        keyId: bundle.signedId,
        publicKey: bytes(bundle.signed),
        signature: bytes(bundle.signature),
      },
      preKey: bundle.preKey && { keyId: bundle.preKeyId, publicKey: bytes(bundle.preKey) },
    });
    const { identity, signed, signature } = bundle;
    return { verified: curve.verifySignature(bytes(identity), bytes(signed), bytes(signature)) };
  },
  encrypt: async ({ plaintext }) => {
    const { type, body } = await cipher().encrypt(bytes(plaintext));
    return { kind: type === 3 ? "pkmsg" : "msg", data: Buffer.isBuffer(body) ? hex(body) : hex(Buffer.from(body, "binary")) };
  },
  decrypt: async ({ kind, data }) => {
    const decrypt = kind === "pkmsg" ? "decryptPreKeyWhisperMessage" : "decryptWhisperMessage";
    return { plaintext: hex(await cipher()[decrypt](bytes(data))) };
  },
  encryptMedia: async ({ data, kind }) => {
    const made = await media.encryptedStream(bytes(data), kind);
    return {
      body: hex(await readFile(made.encFilePath)),
      mediaKey: hex(made.mediaKey),
      sha256: hex(made.fileSha256),
      encSha256: hex(made.fileEncSha256),
      length: made.fileLength,
    };
  },
  decryptMedia: async ({ body, kind, mediaKey }) => {
    const keys = await media.getMediaKeys(bytes(mediaKey), kind);
    const url = `data:application/octet-stream;base64,${bytes(body).subarray(0, -10).toString("base64")}`;
    const chunks = [];
    for await (const chunk of await media.downloadEncryptedContent(url, keys)) chunks.push(chunk);
    return { data: hex(Buffer.concat(chunks)) };
  },
  readMessage: async ({ padded }) => {
    const message = proto.Message.decode(generics.unpadRandomMax16(bytes(padded)));
    return proto.Message.toObject(message, { bytes: String, longs: Number });
  },
  writeMessage: async (message) => ({ padded: hex(generics.encodeWAMessage(proto.Message.fromObject(message))) }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...details } = JSON.parse(line);
  let answer;
  try {
    answer = await answers[ask](details);
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}

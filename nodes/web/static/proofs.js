// Proofs of log entries, checked again in the reader's browser: C2SP tlog-proof, tlog-checkpoint, tlog-cosignature,
// tlog-policy. The proofs are read from the server; the keys are those that the page names.
const HEADER = "c2sp.org/tlog-proof@v1";
const LOG = 1, COSIGNATURE = 4; // signature types of C2SP signed-note
const CHECKS = ["entry", "inclusion", "log", "witnesses"];
const utf8 = text => new TextEncoder().encode(text);
const hex = bytes => [...bytes].map(one => one.toString(16).padStart(2, "0")).join("");
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(parts)));

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function base64(text) {
  const found = atob(text);
  if (btoa(found) !== text) throw new Error("base64");
  return Uint8Array.from(found, one => one.charCodeAt(0));
}

const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

function parseProof(text) {
  const end = text.indexOf("\n\n");
  const [header, extra, index, ...path] = text.slice(0, end).split("\n");
  if (end < 0 || header !== HEADER || !extra.startsWith("extra ") || !/^index (0|[1-9][0-9]*)$/.test(index)) throw new Error("proof");
  return { entry: base64(extra.slice(6)), index: BigInt(index.slice(6)), path: path.map(base64), ...parseNote(text.slice(end + 2)) };
}

function parseNote(note) {
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, end + 1), [origin, size, root] = text.split("\n");
  const lines = note.slice(end + 2).trimEnd().split("\n").map(line => {
    const [dash, name, signature] = line.split(" "), content = base64(signature);
    if (dash !== "—" || content.length < 5) throw new Error("signature line");
    return { name, keyId: content.slice(0, 4), signature: content.slice(4) };
  });
  return { text, origin, size: BigInt(size), root: base64(root), lines };
}

async function parseKey(vkey) {
  const [, name, keyId, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey), content = base64(encoded);
  if (hex((await sha256(utf8(name + "\n"), content)).slice(0, 4)) !== keyId) throw new Error("key id");
  return { name, keyId, type: content[0], raw: content.slice(1) };
}

async function parsePolicy(text) {
  const policy = { logs: [], witnesses: new Map(), groups: [], quorum: null };
  for (const line of text.split("\n")) {
    const [word, ...rest] = line.split(" ");
    if (word === "log") policy.logs.push(await parseKey(rest[0]));
    if (word === "witness") policy.witnesses.set(rest[0], await parseKey(rest[1]));
    if (word === "group") policy.groups.push({ name: rest[0], threshold: Number(rest[1]), members: rest.slice(2) });
    if (word === "quorum" && rest[0] !== "none") policy.quorum = rest[0];
  }
  return policy;
}

// RFC 9162, 2.1.3.2.
async function rootFrom({ entry, index, size, path }) {
  if (index >= size) return null;
  let fn = index, sn = size - 1n, root = await sha256(new Uint8Array([0]), entry);
  for (const sibling of path) {
    if (sn === 0n) return null;
    if (fn & 1n || fn === sn) {
      root = await sha256(new Uint8Array([1]), sibling, root);
      while (fn !== 0n && !(fn & 1n)) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      root = await sha256(new Uint8Array([1]), root, sibling);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n ? root : null;
}

async function verified(key, message, signature) {
  const imported = await crypto.subtle.importKey("raw", key.raw, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, signature, message);
}

const linesBy = (key, lines) => lines.filter(line => line.name === key.name && hex(line.keyId) === key.keyId);

async function logSigned(proof, policy) {
  const [key] = policy.logs.filter(one => one.type === LOG && one.name === proof.origin);
  const lines = key ? linesBy(key, proof.lines) : [];
  const held = await Promise.all(lines.map(line => verified(key, utf8(proof.text), line.signature)));
  return held.length && held.every(Boolean) ? "holds" : "fails";
}

async function quorumCosigned(proof, policy) {
  const met = new Set();
  for (const [name, key] of policy.witnesses) {
    for (const { signature } of linesBy(key, proof.lines)) {
      const time = new DataView(signature.buffer, signature.byteOffset, 8).getBigUint64(0);
      const message = utf8(`cosignature/v1\ntime ${time}\n${proof.text}`);
      if (key.type !== COSIGNATURE || !(await verified(key, message, signature.slice(8)))) return "fails";
      met.add(name);
    }
  }
  for (const { name, threshold, members } of policy.groups) {
    if (members.filter(member => met.has(member)).length >= threshold) met.add(name);
  }
  return met.has(policy.quorum) ? "holds" : "waiting";
}

// The entry is the one that the page shows, and its own bytes say what the page says of it.
function entryShown(proof, shown) {
  const entry = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(proof.entry));
  const says = entry.node === shown.log && entry.type === shown.type && entry.at === shown.at;
  return says && proof.index === BigInt(shown.index) && (entry.evidence ?? "") === shown.evidence ? "holds" : "fails";
}

async function check(text, policyText, shown, signatures) {
  const proof = parseProof(text), policy = await parsePolicy(policyText), root = await rootFrom(proof);
  const leads = root !== null && same(root, proof.root) && hex(root) === shown.root && proof.size === BigInt(shown.size);
  return {
    computed: root === null ? "" : hex(root),
    entry: entryShown(proof, shown),
    inclusion: leads && proof.origin === shown.origin ? "holds" : "fails",
    log: signatures ? await logSigned(proof, policy) : "unable",
    witnesses: signatures ? await quorumCosigned(proof, policy) : "unable",
  };
}

const worst = found => ["fails", "unable", "waiting"].find(one => CHECKS.some(name => found[name] === one)) ?? "holds";
const broken = Object.fromEntries(CHECKS.map(name => [name, "fails"]));

async function knowsEd25519() {
  return verified({ raw: new Uint8Array(32) }, new Uint8Array(), new Uint8Array(64)).then(() => true, () => false);
}

async function checkPage(summary) {
  const words = document.getElementById("proof-words").content;
  const say = (cell, word) => {
    cell.replaceChildren(words.querySelector(`[data-word=${word}]`).cloneNode(true));
    cell.dataset.state = word;
  };
  summary.replaceChildren(words.querySelector("[data-word=checking]").cloneNode(true));
  if (!window.isSecureContext || !crypto.subtle) return say(summary, "insecure");
  const answer = await fetch(summary.dataset.proofs), { proofs } = await answer.json();
  const signatures = await knowsEd25519();
  let holding = 0;
  for (const step of document.querySelectorAll("[data-proof]")) {
    const { proof } = proofs.find(one => one.log === step.dataset.log && String(one.index) === step.dataset.index);
    const policy = document.getElementById(`policy-${step.dataset.policy}`).textContent;
    const found = await check(proof, policy, step.dataset, signatures).catch(() => broken);
    for (const name of CHECKS) say(step.querySelector(`[data-check=${name}]`), found[name]);
    say(step.querySelector("[data-check=all]"), worst(found));
    step.querySelector("[data-computed]").textContent = found.computed ?? "";
    holding += worst(found) === "holds";
  }
  say(summary, signatures ? "counted" : "unsigned");
  summary.querySelector("[data-holding]").textContent = holding;
}

const summary = document.querySelector("[data-proofs]");
if (summary) {
  checkPage(summary).catch(() => {
    summary.replaceChildren(document.getElementById("proof-words").content.querySelector("[data-word=unread]").cloneNode(true));
    summary.dataset.state = "unread";
  });
}

// Passkeys: the page hands the browser a challenge that the desk made, and gives the answer back.
const decode = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), one => one.charCodeAt(0));
const encode = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function post(address, body, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers["X-Form-Token"] = token;
  const answer = await fetch(address, { method: "POST", headers, body: body === undefined ? null : JSON.stringify(body) });
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.detail);
  return document;
}

async function assertion(asked) {
  const found = await navigator.credentials.get({ publicKey: {
    challenge: decode(asked.challenge),
    rpId: asked.rp_id,
    allowCredentials: asked.credentials.map(id => ({ type: "public-key", id: decode(id) })),
    userVerification: "required",
  } });
  return {
    credential_id: encode(found.rawId),
    client_data: encode(found.response.clientDataJSON),
    authenticator_data: encode(found.response.authenticatorData),
    signature: encode(found.response.signature),
  };
}

async function registration(asked, label) {
  const made = await navigator.credentials.create({ publicKey: {
    challenge: decode(asked.challenge),
    rp: { id: asked.rp_id, name: asked.rp_id },
    user: { id: crypto.getRandomValues(new Uint8Array(32)), name: label, displayName: label },
    pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }],
    excludeCredentials: asked.credentials.map(id => ({ type: "public-key", id: decode(id) })),
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
    attestation: "none",
  } });
  return {
    id: encode(made.rawId),
    client_data: encode(made.response.clientDataJSON),
    authenticator_data: encode(made.response.getAuthenticatorData()),
  };
}

// A statement of the officer's: asked for at the address, answered there with the passkey that the registry lists.
async function state(address, body, token) {
  const asked = await post(`${address}/challenge`, body, token);
  const proof = await assertion({ ...asked, credentials: [asked.credential] });
  await post(address, { handle: asked.handle, proof }, token);
}

const acts = {
  async enrol() {
    const [code, label] = ["code", "label"].map(name => document.getElementById(name).value.trim());
    const asked = await post("/api/enrolments/challenge", { code });
    const { id, ...parts } = await registration(asked, label);
    const proof = await assertion({ ...asked, credentials: [id] });
    await post("/api/enrolments/passkey", { code, handle: asked.handle, label, registration: parts, proof });
  },
  async login() {
    const asked = await post("/api/login/challenge");
    await post("/api/login", { proof: await assertion(asked) });
  },
  async "step-up"(token) {
    const asked = await post("/api/session/step-up/challenge", undefined, token);
    await post("/api/session/step-up", { handle: asked.handle, proof: await assertion(asked) }, token);
  },
  async add(token) {
    const label = document.getElementById("label").value.trim();
    const asked = await post("/api/passkeys/challenge", undefined, token);
    const { id, ...parts } = await registration(asked, label);
    const proof = await assertion({ ...asked, credentials: [id] });
    await post("/api/passkeys", { handle: asked.handle, label, registration: parts, proof }, token);
  },
  async approve(token, { case: number }) {
    await state(`/api/candidates/${number}/approval`, undefined, token);
  },
  async withdraw(token, { case: number }) {
    const reason = document.getElementById("reason").value.trim();
    await state(`/api/candidates/${number}/withdrawal`, { reason }, token);
  },
  async "approve-withdrawal"(token, { case: number }) {
    await state(`/api/candidates/${number}/withdrawal/approval`, undefined, token);
  },
};

export function offerPasskeys() {
  if (!window.PublicKeyCredential) return;
  for (const button of document.querySelectorAll("[data-passkey]")) {
    const told = button.parentElement.querySelector("[data-passkey-problem]");
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      told.hidden = true;
      try {
        await acts[button.dataset.passkey](button.dataset.token, button.dataset);
        location.assign(button.dataset.next);
      } catch (problem) {
        if (problem.message && problem.name === "Error") told.textContent = problem.message;
        told.hidden = false;
        button.disabled = false;
        told.focus();
      }
    });
  }
}

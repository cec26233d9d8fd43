// What a page does for a passkey, and nothing else; run by the driver as the body of an asynchronous function.
const [ceremony, asked, done] = arguments;
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const challenge = bytes(asked.challenge);
const create = () => ({
  challenge,
  rp: { name: "minimal" },
  user: { id: new Uint8Array(16), name: "officer", displayName: "officer" },
  pubKeyCredParams: [{ type: "public-key", alg: asked.algorithm }],
  authenticatorSelection: { userVerification: "required", residentKey: "required" },
});
const get = () => ({
  challenge,
  userVerification: "required",
  allowCredentials: [{ type: "public-key", id: bytes(asked.credential_id) }],
});
const created = (found) => ({
  client_data: text(found.response.clientDataJSON),
  authenticator_data: text(found.response.getAuthenticatorData()),
});
const got = (found) => ({
  credential_id: text(found.rawId),
  client_data: text(found.response.clientDataJSON),
  authenticator_data: text(found.response.authenticatorData),
  signature: text(found.response.signature),
});
const answer =
  ceremony === "create"
    ? navigator.credentials.create({ publicKey: create() }).then(created)
    : navigator.credentials.get({ publicKey: get() }).then(got);
answer.then(done, (error) => done({ error: String(error) }));

// Reads a registry with tuf-js, which nobody here wrote: from the first root to every file asked for.
// node read_registry.cjs MODULES BASE_URL FOLDER PATH…   FOLDER/metadata/root.json is the first root
// Prints {"root": VERSION, "files": {PATH: SHA-256}} or {"refused": NAME OF THE ERROR}.
const [modules, base, folder, ...paths] = process.argv.slice(2);
const { createRequire } = require("node:module");
const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { Updater } = createRequire(`${modules}/`)("tuf-js");

async function read() {
  const updater = new Updater({
    metadataDir: `${folder}/metadata`,
    metadataBaseUrl: `${base}/metadata`,
    targetDir: `${folder}/targets`,
    targetBaseUrl: `${base}/targets`,
    config: { fetchRetries: 0, fetchTimeout: 10000 },
  });
  await updater.refresh();
  const files = {};
  for (const path of paths) {
    const info = await updater.getTargetInfo(path);
    if (info === undefined) continue;
    const file = await updater.downloadTarget(info, `${folder}/targets/${path.replaceAll("/", "-")}`);
    files[path] = createHash("sha256").update(readFileSync(file)).digest("hex");
  }
  const root = JSON.parse(readFileSync(`${folder}/metadata/root.json`, "utf-8"));
  return { root: root.signed.version, files };
}

read()
  .catch((error) => ({ refused: error.name === "Error" ? error.constructor.name : error.name, message: error.message }))
  .then((answer) => console.log(JSON.stringify(answer)));

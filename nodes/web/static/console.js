// Enhancements only: every page works without them, but a passkey, which needs the browser's own interface.
import { initAll } from "./govuk.js";
import { offerPasskeys } from "./passkey.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();
offerPasskeys();

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

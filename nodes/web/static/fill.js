// A file chosen here fills the text beside it; nothing is sent before its form is.
for (const part of document.querySelectorAll("[data-fill]")) {
  const chooser = part.querySelector("input[type=file]");
  const text = document.getElementById(part.dataset.fill);
  part.hidden = false;
  chooser.addEventListener("change", async () => {
    if (chooser.files.length === 1) text.value = await chooser.files[0].text();
  });
}

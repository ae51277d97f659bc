// Small comforts; every page works without them.
"use strict";

// Copy buttons stand hidden in the page, because without scripts they could do nothing.
function showCopyButtons(root) {
  for (const button of root.querySelectorAll("button[data-copy][hidden]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    return; // no clipboard outside https and localhost; the whole value stands in the title
  }
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1500);
});

document.addEventListener("DOMContentLoaded", () => showCopyButtons(document));
document.addEventListener("htmx:load", (event) => showCopyButtons(event.target));

// MLflow's client prints addresses in the form of its own site, /#/experiments/ID/runs/ID. They lead to the page that shows it here.
function followMlflow() {
  const [, experiment, run] = location.hash.match(/^#\/experiments\/([0-9a-f-]{36})(?:\/runs\/([0-9a-f-]{36}))?\/?$/) ?? [];
  const home = document.querySelector("a.brand");
  if (experiment && home) location.replace(home.href + (run ? `runs/${run}/` : `runs/?experiment=${experiment}`));
}
document.addEventListener("DOMContentLoaded", followMlflow);
window.addEventListener("hashchange", followMlflow);

// What is drawn anew while somebody reads keeps open what they opened. Each such part has an id.
let opened = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  opened = [...event.detail.target.querySelectorAll("details[open][id]")].map((one) => one.id);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
});

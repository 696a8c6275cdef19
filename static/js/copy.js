/* A button that copies the text of a field, named by `data-copy`; the field is selected whenever it is entered. */
"use strict";
(() => {
  const G = window.Gerai;

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.focus({ preventScroll: true });
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      return G.toast(button.dataset.wordSelected); // only https and this machine's own addresses may copy
    }
    G.toast(button.dataset.wordCopied);
  });

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false; // without scripts it would do nothing
    const field = document.getElementById(button.dataset.copy);
    field.addEventListener("focus", () => field.select());
  }
})();

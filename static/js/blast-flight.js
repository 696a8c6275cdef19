/* The look before sending: WhatsApp is asked about the numbers while the person already reads. */
"use strict";
(async () => {
  const flight = document.getElementById("flight");
  if (!flight || !flight.dataset.asks) return;
  const off = flight.querySelector("[data-asking-off]");
  const asking = flight.querySelector("[data-asking]");
  off.hidden = true;
  asking.hidden = false;
  try {
    const response = await fetch(flight.dataset.asks, { redirect: "manual", signal: AbortSignal.timeout(20000) });
    if (window.Gerai.isLoggedOut(response)) return window.Gerai.toLogin();
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    flight.replaceChildren(...[...page.body.childNodes].map((node) => document.adoptNode(node)));
    const found = flight.querySelector("[data-send]");
    for (const button of document.querySelectorAll("[name=do]")) {
      button.disabled = !("canStart" in found.dataset);
      if ("sends" in button.dataset) button.textContent = found.dataset.send;
    }
  } catch {
    off.hidden = false;
    asking.hidden = true;
  }
})();

/* The linking of a phone: in a dialog over the page, or on the linking page itself. */
"use strict";
(() => {
  const G = window.Gerai;
  const dialog = document.getElementById("link-dialog");
  const body = document.querySelector("[data-link-body]");
  if (!body) return;

  const AWAITING_MS = 1500; // the next QR stands well before the last one ends
  const RESTING_MS = 5000;
  const parser = new DOMParser();
  let url = body.dataset.url || "";
  let drawn = "";
  let timer = 0;
  let asked = 0;

  const isShown = () => !document.hidden && (!dialog || dialog.open);

  function essence(root) {
    const copy = root.cloneNode(true);
    for (const time of copy.querySelectorAll("time[data-rel]")) time.textContent = "";
    for (const token of copy.querySelectorAll("input[name=csrfmiddlewaretoken]")) token.remove();
    return copy.innerHTML;
  }

  async function ask() {
    clearTimeout(timer);
    if (!url || !isShown()) return;
    const mine = ++asked;
    let wait = RESTING_MS;
    try {
      const response = await fetch(url, { redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(8000) });
      if (mine !== asked) return;
      if (G.isLoggedOut(response)) return G.toLogin();
      if (response.ok) {
        const page = parser.parseFromString(await response.text(), "text/html");
        if (mine !== asked) return;
        const now = essence(page.body);
        if (now !== drawn) show(page.body, now);
        wait = isAwaiting() ? AWAITING_MS : RESTING_MS;
      }
    } catch {
      wait = 2000;
    }
    if (mine === asked) timer = setTimeout(ask, wait);
  }

  const state = () => body.querySelector("[data-state]");
  const isAwaiting = () => state() && ["qr", "code", "preparing", "connecting"].includes(state().dataset.state);

  function show(fresh, now) {
    const before = state() ? state().dataset.state : "";
    const focused = body.contains(document.activeElement) && document.activeElement.dataset.fk;
    drawn = now;
    body.replaceChildren(...[...fresh.childNodes].map((node) => document.adoptNode(node)));
    const after = state() ? state().dataset.state : "";
    const same = focused && [...body.querySelectorAll("[data-fk]")].find((part) => part.dataset.fk === focused);
    if (same) same.focus({ preventScroll: true });
    else if (before && before !== after) body.querySelector("h2").focus({ preventScroll: true });
    announce(before, after);
    turn();
  }

  function announce(before, after) {
    const box = document.getElementById("announce");
    const word = body.querySelector(".solo-word");
    if (box && before && before !== after && word) box.textContent = word.textContent;
  }

  /* The ring: how long this QR lasts. It begins full when the QR is first seen. */
  let ringFor = "";
  let ringFrom = 0;
  function turn() {
    const part = state();
    if (!part || !part.dataset.expires) return;
    const ends = Date.parse(part.dataset.expires);
    if (ringFor !== part.dataset.expires) {
      ringFor = part.dataset.expires;
      ringFrom = Math.max(1, ends - G.now());
    }
    const left = Math.max(0, ends - G.now());
    const ring = part.querySelector("[data-ring]");
    if (ring) ring.setAttribute("stroke-dashoffset", String(100 - Math.min(100, (100 * left) / ringFrom)));
    const words = part.querySelector("[data-countdown]");
    if (words) words.textContent = G.fill(words.dataset.countdown, { n: Math.ceil(left / 1000) });
  }
  setInterval(turn, 250);

  function open(page) {
    url = page.replace(/\/link$/, "/qr");
    drawn = "";
    body.replaceChildren();
    dialog.showModal();
    ask();
  }

  if (dialog) {
    document.addEventListener("gerai:link", (event) => {
      event.preventDefault();
      open(event.detail);
    });
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-opens-link]");
      if (link && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        open(link.getAttribute("href"));
      }
      if (event.target.closest("[data-link-done]") && dialog.open) {
        event.preventDefault();
        dialog.close();
      }
      if (event.target === dialog) dialog.close(); // pressed beside it
    });
    dialog.addEventListener("close", () => {
      clearTimeout(timer);
      asked += 1;
      body.replaceChildren(); // nobody should find a QR in a closed dialog
      document.body.append(document.getElementById("toasts"));
    });
  } else {
    drawn = essence(body);
    timer = setTimeout(ask, isAwaiting() ? AWAITING_MS : RESTING_MS);
    turn();
    G.line(body.dataset.socket, (data) => {
      const isOurs = data.type === "changed" && (!data.outletId || data.outletId === body.dataset.outlet);
      if (isOurs || data.type === "hello" || data.type === "closed") ask();
    });
  }
  document.addEventListener("gerai:wish", () => ask());
  document.addEventListener("gerai:changed", (event) => {
    if (!event.detail || url.includes(`/${event.detail}/`)) ask(); // without a name: so many that all are meant
  });
  document.addEventListener("visibilitychange", () => ask());
})();

/* Keeps a page of statuses true: asks the server for the same drawing again and exchanges the cells that differ. */
"use strict";
(() => {
  const G = window.Gerai;
  const live = document.getElementById("live");
  if (!live) return;

  const EVERY_MS = Number(live.dataset.every) || 10000;
  const RETRY_MS = 3000;
  const HIDDEN_EVERY_MS = 60000;
  const HINT_MS = 60; // hints that come together are answered by one fetch
  const BLAST_HINT_MS = 500; // a blast changes with every message
  const SILENT_MS = 14000; // one missed refresh and a little
  const READING_MS = 20000;
  const parser = new DOMParser();
  const reduced = matchMedia("(prefers-reduced-motion: reduce)");
  const $ = (id) => document.getElementById(id);

  let drawn = new Map(); // cell -> what the server last drew there
  let etag = "";
  let answeredAt = performance.now();
  let lastTime = "";
  let touchedAt = -Infinity;
  let fetching = null;
  let again = false;
  let resort = false;
  let timer = 0;
  let hint = 0;

  /* --- comparing and exchanging --- */

  // What differs from one drawing to the next although nothing changed: relative words and form tokens.
  function essence(cell) {
    const copy = cell.cloneNode(true);
    for (const time of copy.querySelectorAll("time[data-rel]")) time.textContent = "";
    for (const token of copy.querySelectorAll("input[name=csrfmiddlewaretoken]")) token.remove();
    return copy.className + "|" + copy.hidden + "|" + copy.getAttribute("aria-current") + "|" + copy.innerHTML;
  }

  function remember(root) {
    for (const cell of root.querySelectorAll("[data-cell]")) drawn.set(cell.dataset.cell, essence(cell));
  }

  function exchange(old, fresh) {
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    const key = active && active.closest("[data-fk]") && active.closest("[data-fk]").dataset.fk;
    const open = [...old.querySelectorAll("details[open][data-fk]")].map((part) => part.dataset.fk);
    old.className = fresh.className;
    old.hidden = fresh.hidden;
    old.replaceChildren(...[...fresh.childNodes].map((node) => document.adoptNode(node)));
    for (const part of old.querySelectorAll("details[data-fk]")) part.open = open.includes(part.dataset.fk);
    for (const expander of old.querySelectorAll("[data-expands]")) showExpanded(expander);
    if (active) {
      const same = key && [...old.querySelectorAll("[data-fk]")].find((part) => part.dataset.fk === key);
      const target = same || old.querySelector("button, a[href], summary");
      if (target) target.focus({ preventScroll: true });
    }
  }

  function glow(cell) {
    if (!cell.hasAttribute("data-glow") || reduced.matches || document.hidden) return;
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--glow").trim() || "#ffe9a8";
    // to whatever the cell has of its own
    cell.animate([{ backgroundColor: colour, offset: 0 }], { duration: 1800, easing: "ease-out" });
  }

  function patchCells(root, fresh) {
    const changed = new Set();
    const olds = new Map([...root.querySelectorAll("[data-cell]")].map((cell) => [cell.dataset.cell, cell]));
    for (const cell of fresh.querySelectorAll("[data-cell]")) {
      const key = cell.dataset.cell;
      const now = essence(cell);
      const old = olds.get(key);
      if (!old || drawn.get(key) === now) continue;
      drawn.set(key, now);
      exchange(old, cell);
      glow(old);
      changed.add(key.split(":")[0]);
    }
    return changed;
  }

  // A page with several lists of rows names them, and they may be empty.
  const listOf = (row) => (row.closest("[data-list]") || live).dataset.list;
  const rowsOf = (root, list) => [...root.querySelectorAll("[data-row]")].filter((row) => listOf(row) === list);

  function patchRows(fresh) {
    const mayMove = resort || (!isReading() && !live.querySelector("[aria-expanded=true]"));
    patchList(fresh, undefined, null, mayMove);
    for (const place of live.querySelectorAll("[data-list]")) patchList(fresh, place.dataset.list, place, mayMove);
    resort = false;
  }

  function patchList(fresh, list, place, mayMove) {
    const olds = new Map(rowsOf(live, list).map((row) => [row.dataset.row, row]));
    const news = rowsOf(fresh, list);
    const wanted = new Set(news.map((row) => row.dataset.row));
    for (const [id, row] of olds) {
      if (!wanted.has(id)) row.remove();
    }
    let before = null;
    const first = rowsOf(live, list)[0];
    const parent = place || (first ? first.parentNode : null);
    for (const row of news) {
      let here = olds.get(row.dataset.row);
      if (here) here.className = row.className;
      else if (parent) {
        here = document.adoptNode(row);
        remember(here);
        if (before) before.after(here);
        else parent.append(here);
      }
      before = here || before;
    }
    if (mayMove && parent) {
      const order = rowsOf(live, list);
      const rows = new Map(order.map((row) => [row.dataset.row, row]));
      const sorted = [...wanted].map((id) => rows.get(id)).filter(Boolean);
      if (sorted.some((row, i) => row !== order[i])) {
        const active = document.activeElement;
        for (const row of sorted) parent.append(row);
        if (active && active !== document.activeElement) active.focus({ preventScroll: true });
      }
    }
  }

  const isReading = () =>
    performance.now() - touchedAt < READING_MS || (live.contains(document.activeElement) && !document.hidden);

  function show(html) {
    const page = parser.parseFromString(html, "text/html");
    const fresh = page.querySelector("[data-shape]");
    const old = live.querySelector("[data-shape]");
    if (!fresh) throw new Error("not the expected part");
    if (!old || old.dataset.shape !== fresh.dataset.shape) {
      live.replaceChildren(document.adoptNode(fresh));
      drawn = new Map();
      remember(live);
    } else {
      const said = announced(live);
      const changed = patchCells(live, fresh);
      // patchCells moved nodes out of `fresh`; its rows are still there, for order and for new ones
      patchRows(fresh);
      old.dataset.problems = fresh.dataset.problems;
      for (const id of changed) refreshDetails(id);
      // A note of what was done says nothing any more once the state is another one.
      if (changed.has("state")) for (const note of document.querySelectorAll(".notes .note-success")) note.remove();
      if (announced(live) !== said) $("announce").textContent = announced(live);
    }
    G.tick(live);
    G.badge(Number(live.querySelector("[data-shape]").dataset.problems) || 0);
  }

  const announced = (root) =>
    [...root.querySelectorAll("[data-announce] span:not([aria-hidden]), [data-announce] p")]
      .map((part) => part.textContent.trim()).join(" ");

  /* --- asking --- */

  async function refresh() {
    if (fetching) {
      again = true;
      return fetching;
    }
    clearTimeout(timer);
    fetching = ask();
    const isAnswered = await fetching.finally(() => { fetching = null; });
    fresh();
    if (again && isAnswered) {
      again = false;
      return refresh();
    }
    again = false;
    timer = setTimeout(refresh, document.hidden ? HIDDEN_EVERY_MS : isAnswered ? EVERY_MS : RETRY_MS);
  }

  /* Gives whether the server answered. */
  async function ask() {
    let response = null;
    let html = "";
    try {
      response = await fetch(live.dataset.url + location.search.replace(/([?&])open=[^&]*&?/, "$1"), {
        headers: etag ? { "If-None-Match": etag } : {},
        redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(8000),
      });
      if (!G.isLoggedOut(response) && response.status !== 304) html = await response.text();
    } catch {
      return false;
    }
    if (G.isLoggedOut(response)) {
      G.toLogin();
      return true;
    }
    if (response.status !== 304) {
      if (!response.ok) return false;
      show(html);
      etag = response.headers.get("ETag") || "";
    }
    answered(response.headers.get("X-Gerai-At"));
    return true;
  }

  function answered(at) {
    answeredAt = performance.now();
    if (at) {
      G.setServerTime(at);
      lastTime = clock(at);
      const last = $("last-refresh");
      if (last) last.textContent = G.fill(last.dataset.word, { time: lastTime });
    }
    fresh();
  }

  function clock(at) {
    const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: live.dataset.zone }).format(new Date(at));
  }

  function fresh() {
    const age = performance.now() - answeredAt;
    const silent = age > SILENT_MS || !navigator.onLine;
    const box = $("data-age");
    if (box) box.textContent = G.fill(box.dataset.word, { age: G.age(age / 1000) });
    const banner = $("silence");
    live.classList.toggle("is-old", silent);
    if (silent && banner.hidden) {
      banner.textContent = G.fill(banner.dataset.word, { time: lastTime || clock(live.querySelector("[data-at]").dataset.at) });
    }
    banner.hidden = !silent;
  }

  /* --- being told: a hint says that something changed, never what --- */

  function heard(data) {
    if (data.type === "hello" || data.type === "closed") soon();
    if (data.type === "changed") {
      document.dispatchEvent(new CustomEvent("gerai:changed", { detail: data.outletId }));
      soon();
    }
    if (data.type === "blast" && isShown(data.blastId)) soon(BLAST_HINT_MS);
  }

  /* A page that shows blasts names the one it shows, or none for all of them. */
  function isShown(blast) {
    const shown = live.dataset.blasts;
    return shown !== undefined && (!shown || !blast || blast === shown);
  }

  function soon(wait = HINT_MS) {
    if (hint) return;
    hint = setTimeout(() => {
      hint = 0;
      refresh();
    }, document.hidden ? 2000 : wait);
  }

  /* --- opened rows --- */

  function showExpanded(expander) {
    const part = $(expander.dataset.expands);
    if (part) expander.setAttribute("aria-expanded", String(!part.hidden));
  }

  async function loadDetails(box) {
    try {
      const response = await fetch(box.dataset.details, { redirect: "manual", signal: AbortSignal.timeout(8000) });
      if (G.isLoggedOut(response)) return G.toLogin();
      if (!response.ok) return;
      const page = parser.parseFromString(await response.text(), "text/html");
      const now = essence(page.body);
      if (box.dataset.drawn === now) return;
      box.dataset.drawn = now;
      exchangeDetails(box, page.body);
      G.tick(box);
    } catch {
      /* the row stays as it is; the next change asks again */
    }
  }

  function exchangeDetails(box, body) {
    const active = box.contains(document.activeElement) && document.activeElement.closest("[data-fk]");
    box.replaceChildren(...[...body.childNodes].map((node) => document.adoptNode(node)));
    const same = active && [...box.querySelectorAll("[data-fk]")].find((part) => part.dataset.fk === active.dataset.fk);
    if (same) same.focus({ preventScroll: true });
  }

  function refreshDetails(id) {
    const row = [...live.querySelectorAll("[data-row]")].find((part) => part.dataset.row === id);
    const box = row && row.querySelector("[data-details]");
    if (box && box.offsetParent !== null) loadDetails(box);
  }

  live.addEventListener("click", (event) => {
    const expander = event.target.closest("[data-expands]");
    const isOther = !expander && event.target.closest("a, button, input, label, summary");
    const main = expander || isOther ? null : event.target.closest("tr.row-main");
    const link = expander || (main && !getSelection().toString() && main.querySelector("[data-expands]"));
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const part = $(link.dataset.expands);
    part.hidden = !part.hidden;
    showExpanded(link);
    if (!part.hidden) loadDetails(part.querySelector("[data-details]"));
  });
  live.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target.matches("[data-expands]")) {
      event.preventDefault();
      event.target.click();
    }
  });
  live.addEventListener("toggle", (event) => {
    if (event.target.matches("details[data-loads]") && event.target.open) {
      loadDetails(event.target.querySelector("[data-details]"));
    }
  }, true);

  /* --- the page's life --- */

  for (const type of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    addEventListener(type, () => { touchedAt = performance.now(); }, { passive: true });
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  addEventListener("online", refresh);
  addEventListener("offline", fresh);
  addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
  document.addEventListener("gerai:wish", refresh);

  const button = $("refresh");
  if (button) button.addEventListener("click", (event) => {
    event.preventDefault();
    resort = true;
    etag = ""; // also puts the order right
    button.classList.add("is-turning");
    refresh().finally(() => button.classList.remove("is-turning"));
  });

  let ticked = Date.now();
  setInterval(() => {
    const gap = Date.now() - ticked;
    ticked = Date.now();
    fresh();
    if (gap > 5000 && !document.hidden) refresh(); // the machine slept: what stands here is old
  }, 1000);

  remember(live);
  G.setServerTime(live.querySelector("[data-at]").dataset.at);
  G.tick(live);
  G.badge(Number(live.querySelector("[data-shape]").dataset.problems) || 0);
  fresh();
  timer = setTimeout(refresh, EVERY_MS);
  G.line(live.dataset.socket, heard);
})();

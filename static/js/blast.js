/* Composing a blast: the list is checked as it is given, the preview follows the text, outlets show their state live. */
"use strict";
(() => {
  const G = window.Gerai;
  const form = document.getElementById("compose");
  if (!form) return;

  const TYPING_MS = 400;
  const OUTLETS_MS = 10000;
  const HINT_MS = 60; // hints that come together are answered by one fetch
  const parser = new DOMParser();
  const $ = (id) => document.getElementById(id);
  const words = form.dataset;
  const body = $("id_body");
  let samples = "";
  let asked = 0;

  /* --- asking, with the progress of what is sent --- */

  function post(url, data, { accept = "text/html", isSlow = false } = {}) {
    // More than the server reads: it would hang up in the middle, which looks like a bad connection.
    const size = [...data.values()].reduce((sum, value) => sum + (value.size || 0), 0);
    if (size > Number(words.limit)) return Promise.resolve({ status: 413, responseText: "" });
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("POST", url);
      request.setRequestHeader("Accept", accept);
      request.timeout = 120000;
      if (isSlow) {
        request.upload.addEventListener("progress", (event) => {
          if (event.lengthComputable) progress(Math.round((event.loaded / event.total) * 100));
        });
        request.upload.addEventListener("load", () => progress(100));
      }
      request.addEventListener("loadend", () => {
        if (isSlow) progress(null);
        if (new URL(request.responseURL || url, location.href).pathname.startsWith("/login")) G.toLogin();
        resolve(request);
      });
      request.send(data);
    });
  }

  function progress(percent) {
    const box = $("upload");
    box.hidden = percent === null;
    if (percent === null) return;
    box.querySelector("progress").value = percent;
    $("upload-words").textContent = percent < 100 ? G.fill(words.wordSending, { n: percent }) : words.wordReading;
  }

  /* What the server said against it, else that it did not work. */
  function refusal(answer) {
    if (answer.status === 413) return words.wordTooLarge;
    try { return JSON.parse(answer.responseText).error.message; } catch { return words.wordFailed; }
  }

  function put(box, html) {
    const page = parser.parseFromString(html, "text/html");
    box.replaceChildren(...[...page.body.childNodes].map((node) => document.adoptNode(node)));
  }

  /* --- the list --- */

  function isGiven() {
    return $("id_text").value.trim() !== "" || $("id_file").files.length > 0;
  }

  async function check() {
    const mine = (asked += 1);
    if (!isGiven()) {
      $("list-result").replaceChildren();
      took();
      return;
    }
    const data = new FormData(form);
    data.delete("attachment");
    const answer = await post(form.dataset.check, data, { accept: "application/json", isSlow: true });
    if (mine !== asked) return; // a later list was given meanwhile
    if (answer.status !== 200) return G.toast(refusal(answer), { isOk: false });
    put($("list-result"), answer.responseText);
    took();
  }

  /* The chips and the rows of the preview come with the checked list. */
  function took() {
    const found = $("list-result").querySelector("[data-listing]");
    if (found) {
      $("chips").replaceChildren(...found.cloneNode(true).childNodes);
      samples = found.dataset.samples;
    } else samples = "";
    $("problems-file").hidden = !found || !Number(found.dataset.problems);
    preview();
  }

  /* --- the preview --- */

  let drawing = 0;
  async function preview() {
    const mine = (drawing += 1);
    const data = new FormData();
    for (const name of ["csrfmiddlewaretoken", "blast"]) {
      const field = form.elements[name];
      if (field) data.append(name, field.value);
    }
    data.append("body", body.value);
    data.append("samples", samples);
    for (const field of form.querySelectorAll("input[name=outlets]:checked, input[name=assignment]:checked")) {
      data.append(field.name, field.value);
    }
    const answer = await post(form.dataset.preview, data);
    if (mine === drawing && answer.status === 200) put($("preview"), answer.responseText);
  }

  function later(act) {
    let timer = 0;
    return () => {
      clearTimeout(timer);
      timer = setTimeout(act, TYPING_MS);
    };
  }
  const checkSoon = later(check);
  body.addEventListener("input", later(preview));
  $("id_text").addEventListener("input", checkSoon);
  $("id_file").addEventListener("change", check);
  $("check").addEventListener("click", (event) => {
    event.preventDefault();
    check();
  });
  // A variable that a row lacks is a problem of the list, and whether foreign numbers count is, too.
  body.addEventListener("change", () => { if (isGiven()) check(); });
  $("id_foreign").addEventListener("change", () => { if (isGiven()) check(); });
  form.addEventListener("change", (event) => { if (["outlets", "assignment"].includes(event.target.name)) preview(); });

  $("chips").addEventListener("click", (event) => {
    const chip = event.target.closest("[data-chip]");
    if (!chip) return;
    const mark = `{${chip.dataset.chip}}`;
    body.setRangeText(mark, body.selectionStart, body.selectionEnd, "end");
    body.focus();
    body.dispatchEvent(new Event("input"));
  });

  /* Files can be dropped on their fields by the browser itself; the field says that it would take them. */
  for (const field of form.querySelectorAll("input[type=file]")) {
    for (const type of ["dragenter", "dragover"]) field.addEventListener(type, () => field.classList.add("is-over"));
    for (const type of ["dragleave", "drop"]) field.addEventListener(type, () => field.classList.remove("is-over"));
  }

  /* A time was given: so it is meant. */
  $("id_start_at").addEventListener("input", () => {
    form.querySelector("input[name=when][value=at]").checked = true;
  });
  $("id_move_to").addEventListener("change", () => {
    if ($("id_move_to").value) form.querySelector("input[name=on_unhealthy][value=MOVE]").checked = true;
  });

  /* --- saving: the files stay where they are if something is wrong --- */

  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!button || button.value !== "save") return;
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    form.setAttribute("aria-busy", "true");
    const answer = await post(location.href, new FormData(form, button), { accept: "application/json", isSlow: true });
    delete form.dataset.busy;
    form.removeAttribute("aria-busy");
    let said = {};
    try { said = JSON.parse(answer.responseText); } catch { /* said below */ }
    if (said.ok && said.link) return location.assign(said.link);
    if (!said.errors) return G.toast(refusal(answer), { isOk: false });
    for (const place of form.querySelectorAll("[data-error]")) {
      place.textContent = (said.errors[place.dataset.error] || []).join(" ");
      if (place.dataset.error === "all") place.hidden = !place.textContent;
    }
    if (said.listing) {
      put($("list-result"), said.listing);
      took();
    }
    const first = [...form.querySelectorAll("[data-error]")].find((place) => place.textContent);
    if (first) {
      const step = first.closest(".step") || first;
      step.scrollIntoView({ block: "start" });
      const field = step.querySelector("input:not([type=hidden]), textarea, select");
      if (field) field.focus({ preventScroll: true });
    }
  });

  /* --- the outlets' live state --- */

  let timer = 0;
  let isAsking = false;
  let again = false;

  // One question at a time: an older answer never overwrites a newer one.
  async function askOutlets() {
    if (isAsking) {
      again = true;
      return;
    }
    clearTimeout(timer);
    isAsking = true;
    again = false;
    try {
      const response = await fetch(form.dataset.outlets, {
        redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(8000),
      });
      if (G.isLoggedOut(response)) return G.toLogin();
      if (response.ok) showOutlets(parser.parseFromString(await response.text(), "text/html"));
    } catch { /* the next time */ }
    isAsking = false;
    timer = setTimeout(askOutlets, again ? HINT_MS : OUTLETS_MS);
  }

  function showOutlets(page) {
    for (const fresh of page.querySelectorAll("[data-pick]")) {
      const old = [...form.querySelectorAll("[data-pick]")].find((p) => p.dataset.pick === fresh.dataset.pick);
      const here = old && old.querySelector("[data-pick-state]");
      const there = fresh.querySelector("[data-pick-state]");
      if (here && here.innerHTML !== there.innerHTML) here.replaceWith(document.adoptNode(there));
    }
  }

  function soon() {
    if (isAsking) {
      again = true;
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(askOutlets, HINT_MS);
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) askOutlets(); });
  G.line(form.dataset.socket, (data) => { if (["hello", "changed", "closed"].includes(data.type)) soon(); });
  timer = setTimeout(askOutlets, OUTLETS_MS);
  if (isGiven()) check();
  else took();
})();

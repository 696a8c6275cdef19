/* Shared by all pages: relative times, forms that are sent without leaving the page, and the notes about them. */
"use strict";
(() => {
  const words = document.getElementById("words").dataset;
  const G = (window.Gerai = {});

  /* Words come from the server, in the reader's language, with {n} or {time} where a value goes. */
  G.fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);

  G.age = (seconds) => {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return G.fill(words.wordS, { n: s });
    return relative(-s);
  };

  /* `seconds` from now: negative in the past. */
  function relative(seconds) {
    const ahead = seconds > 2; // a moment that rounding puts a little ahead is now
    const s = Math.abs(seconds);
    if (s < 60) return ahead ? words.wordSoon : words.wordNow;
    const [unit, size] = s >= 86400 ? ["D", 86400] : s >= 3600 ? ["H", 3600] : ["Min", 60];
    return G.fill(words[(ahead ? "wordIn" : "word") + unit], { n: Math.floor(s / size) });
  }

  /* The clocks of phones are often wrong: ages are counted by the server's clock. */
  let skew = 0;
  G.setServerTime = (iso) => {
    const at = Date.parse(iso);
    if (!Number.isNaN(at)) skew = at - Date.now();
  };
  G.now = () => Date.now() + skew;

  G.tick = (root) => {
    for (const time of (root || document).querySelectorAll("time[data-rel]")) {
      const text = relative(Math.round((Date.parse(time.dateTime) - G.now()) / 1000));
      if (time.textContent !== text) time.textContent = text;
    }
  };

  G.toast = (message, { isOk = true, undo = null } = {}) => {
    const box = document.getElementById("toasts");
    const note = document.createElement("div");
    note.className = "toast-note" + (isOk ? "" : " is-bad");
    const text = document.createElement("p");
    text.textContent = message;
    note.append(text);
    if (undo) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "toast-undo";
      button.textContent = undo.label;
      button.addEventListener("click", () => {
        note.remove();
        G.send(undo.url, new FormData());
      });
      note.append(button);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "toast-close";
    close.setAttribute("aria-label", words.wordClose);
    close.textContent = "✕";
    close.addEventListener("click", () => note.remove());
    note.append(close);
    while (box.children.length > 2) box.firstChild.remove();
    // A dialog covers the page and its notes: they are said inside it.
    const dialog = document.querySelector("dialog[open]");
    if (dialog && box.parentNode !== dialog) dialog.append(box);
    else if (!dialog && box.parentNode !== document.body) document.body.append(box);
    box.append(note);
    setTimeout(() => note.remove(), undo ? 10000 : 7000);
  };

  function csrf() {
    const field = document.querySelector("input[name=csrfmiddlewaretoken]");
    return field ? field.value : "";
  }

  /* Whoever is logged out meanwhile is sent to the login page, which leads back here. */
  G.isLoggedOut = (response) => response.type === "opaqueredirect" || response.status === 401;
  G.toLogin = () => location.reload();

  G.send = async (url, data) => {
    let answer = null;
    try {
      const response = await fetch(url, {
        method: "POST",
        body: new URLSearchParams(data),
        headers: { Accept: "application/json", "X-CSRFToken": csrf() },
        redirect: "manual",
        signal: AbortSignal.timeout(15000),
      });
      if (G.isLoggedOut(response)) return G.toLogin();
      answer = await response.json();
    } catch {
      answer = { ok: false, message: words.wordFailed };
    }
    const message = answer.message || (answer.error && answer.error.message) || words.wordFailed;
    // Where the dialog goes on with it, the dialog says it.
    if (!answer.ok || !answer.link) G.toast(message, { isOk: Boolean(answer.ok), undo: answer.undo });
    document.dispatchEvent(new CustomEvent("gerai:wish", { detail: answer }));
    return answer;
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-wish]");
    if (!form) return;
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    form.setAttribute("aria-busy", "true");
    const menu = form.closest("details.menu");
    const answer = await G.send(form.action, new FormData(form, event.submitter));
    delete form.dataset.busy;
    form.removeAttribute("aria-busy");
    if (menu) menu.open = false;
    if (answer && answer.ok && answer.link && !form.hasAttribute("data-stays")) {
      const opens = new CustomEvent("gerai:link", { detail: answer.link, cancelable: true });
      if (document.dispatchEvent(opens)) location.assign(answer.link);
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-submits]")) event.target.form.requestSubmit();
  });

  /* Menus close on Escape and when something else is pressed. */
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  setInterval(() => G.tick(), 10000);
})();

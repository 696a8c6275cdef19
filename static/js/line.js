/* The line on which the server says that something changed, never what: whoever hears it asks again. */
"use strict";
(() => {
  const FIRST_RETRY_MS = 500;
  const LAST_RETRY_MS = 30000;
  const DEAD_MS = 45000; // three ticks of the server were not heard
  const ASLEEP_MS = 20000; // the same after the machine slept: the line is likely dead without knowing

  /* Keeps a WebSocket to `path`. `heard` is called with each message:
     - "hello": from now on nothing is missed, and what changed before it is to be asked
     - "changed", "blast": as the server says them
     - "closed": once for each loss; a closed line may mean a closed account, which the next fetch finds out */
  window.Gerai.line = (path, heard) => {
    let socket = null;
    let tries = 0;
    let heardAt = 0;
    let lookedAt = Date.now();

    function listen() {
      const scheme = location.protocol === "https:" ? "wss://" : "ws://";
      socket = new WebSocket(scheme + location.host + path);
      socket.addEventListener("open", () => { heardAt = performance.now(); });
      socket.addEventListener("message", (event) => {
        heardAt = performance.now();
        let data = {};
        try { data = JSON.parse(event.data); } catch { return; }
        if (data.type === "hello") tries = 0;
        heard(data);
      });
      socket.addEventListener("close", () => {
        socket = null;
        tries += 1;
        const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(tries, 7)) * (0.5 + Math.random() / 2);
        setTimeout(listen, wait);
        if (tries === 1) heard({ type: "closed" });
      });
    }

    setInterval(() => {
      const gap = Date.now() - lookedAt;
      lookedAt = Date.now();
      const silence = performance.now() - heardAt;
      if (socket && socket.readyState === WebSocket.OPEN && silence > (gap > 5000 ? ASLEEP_MS : DEAD_MS)) socket.close();
    }, 1000);
    listen();
  };
})();

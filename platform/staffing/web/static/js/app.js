// Improves pages that already work: theme, menus, running timer, focus and announcements after a swap, single keys, idle sign-out.
(() => {
  "use strict";

  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const store = {
    get(key) { try { return localStorage.getItem("relief." + key); } catch { return null; } },
    set(key, value) {
      try { value === null ? localStorage.removeItem("relief." + key) : localStorage.setItem("relief." + key, value); } catch { /* not kept */ }
    },
  };

  const say = (text) => {
    const live = find("#live");
    if (!live || !text) return;
    live.textContent = "";
    setTimeout(() => { live.textContent = text; }, 50); // the empty moment makes a repeated sentence heard again
  };

  // ---- theme ----
  const themes = { "": "Light or dark: as the device", light: "Light", dark: "Dark" };
  const showTheme = () => all("[data-theme-switch]").forEach((button) => {
    button.hidden = false;
    find("[data-theme-word]", button).textContent = themes[document.documentElement.dataset.theme ?? ""];
  });
  const nextTheme = () => {
    const order = Object.keys(themes);
    const next = order[(order.indexOf(document.documentElement.dataset.theme ?? "") + 1) % order.length];
    if (next) document.documentElement.dataset.theme = next;
    else delete document.documentElement.dataset.theme;
    store.set("theme", next || null);
    showTheme();
  };

  // ---- the running timer: counts on from what the server wrote, so a wrong clock on the device does no harm ----
  const timers = new WeakMap();
  const tick = () => all("[data-timer-since]").forEach((clock) => {
    if (!timers.has(clock)) {
      const written = /^(\d+):(\d\d):(\d\d)$/.exec(clock.textContent.trim());
      const elapsed = written ? (+written[1] * 3600 + +written[2] * 60 + +written[3]) * 1000 : Date.now() - Date.parse(clock.dataset.timerSince);
      timers.set(clock, Date.now() - elapsed);
    }
    const seconds = Math.max(0, Math.floor((Date.now() - timers.get(clock) + 300) / 1000));
    const two = (n) => String(n).padStart(2, "0");
    clock.textContent = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  });

  // ---- after a swap, and once after loading ----
  const told = new WeakSet();
  const settle = () => {
    const announcements = all("[data-announce]").filter((item) => !told.has(item));
    announcements.forEach((item) => told.add(item));
    say(announcements.map((item) => item.dataset.announce).join(" "));

    const target = all("[data-focus]").find((item) => !told.has(item));
    if (target) {
      all("[data-focus]").forEach((item) => told.add(item));
      if (target.tabIndex < 0 && !target.hasAttribute("tabindex")) target.tabIndex = -1;
      target.focus();
    }
    scrollers();
    keys.refresh();
    showTheme();
    tick();
  };

  // What scrolls sideways must be reachable by keyboard; what does not scroll must not be a stop.
  const scrollers = () => all("[data-scroller]").forEach((box) => {
    if (box.scrollWidth > box.clientWidth + 1) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", find("caption", box)?.textContent ?? "Table");
    } else {
      ["tabindex", "role", "aria-label"].forEach((name) => box.removeAttribute(name));
    }
  });

  // ---- J, K, A, R on lists of decisions ----
  const keys = {
    row: null,
    place: 0,
    on: () => store.get("keys") !== "off",
    rows: () => all("[data-keys] [data-key-row], [data-keys][data-key-row]"),
    refresh() {
      const rows = keys.rows();
      all("[data-keys-hint]").forEach((hint) => {
        hint.hidden = rows.length === 0;
        const button = find("[data-keys-switch]", hint);
        button.textContent = keys.on() ? "Turn single keys off" : "Turn single keys on";
        button.setAttribute("aria-pressed", String(keys.on()));
      });
      // The decided row is gone: its place is taken by the next one, so that A A A works through the list.
      if (keys.row && !keys.row.isConnected) keys.go(rows[Math.min(keys.place, rows.length - 1)]);
    },
    go(row) {
      all(".key-current").forEach((item) => item.classList.remove("key-current"));
      keys.row = row ?? null;
      if (!row) return;
      keys.place = keys.rows().indexOf(row);
      row.classList.add("key-current");
      row.tabIndex = -1;
      row.focus({ preventScroll: true });
      row.scrollIntoView({ block: "nearest" });
    },
    press(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || !keys.on() || find("dialog[open]")) return;
      if (event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]")) return;
      const rows = keys.rows();
      if (!rows.length) return;
      const key = event.key.toLowerCase();
      const here = rows.indexOf(event.target.closest("[data-key-row]") ?? keys.row);
      if (key === "j" || key === "k") {
        keys.go(rows[Math.max(0, Math.min(rows.length - 1, here < 0 ? 0 : here + (key === "j" ? 1 : -1)))]);
      } else if ((key === "a" || key === "r") && here >= 0) {
        const control = find(`[data-key="${key}"]`, rows[here]);
        if (!control) return;
        keys.row = rows[here];
        keys.place = here;
        control.click();
        if (control.matches("summary")) find("textarea, input:not([type=hidden]), button", control.parentElement)?.focus();
      } else return;
      event.preventDefault();
    },
  };

  // ---- idle: the server ends the session; here is the warning, shared by all tabs ----
  const idle = {
    limit: Number(document.body.dataset.idle || 0) * 1000,
    last: Date.now(),
    touch() { idle.last = Date.now(); store.set("contact", String(idle.last)); },
    async keep() {
      const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited") || "{}");
      try {
        const answer = await fetch("/session/keep", { method: "POST", headers, credentials: "same-origin", redirect: "manual" });
        if (answer.ok) return idle.touch();
        if ([0, 401, 403].includes(answer.status)) idle.leave();
      } catch { /* no network: the clock goes on */ }
    },
    leave() { location.replace(location.pathname + location.search); },
    watch() {
      const dialog = find("#idle");
      if (!dialog) return;
      idle.last = Math.max(idle.last, Number(store.get("contact")) || 0);
      const left = idle.limit - (Date.now() - idle.last);
      if (left <= 0) return idle.leave();
      if (left <= Math.min(120_000, idle.limit / 2)) {
        if (!dialog.open) dialog.showModal();
        const seconds = Math.ceil(left / 1000);
        find("[data-idle-left]", dialog).textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      } else if (dialog.open) dialog.close();
    },
    // Somebody who types a long note is not idle: tell the server now and then.
    active() {
      if (!find("#idle")?.open && Date.now() - idle.last > idle.limit / 4) {
        idle.last = Date.now();
        idle.keep();
      }
    },
  };

  // ---- wiring ----
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-switch]")) nextTheme();
    if (event.target.closest("[data-idle-stay]")) idle.keep().then(idle.watch);
    if (event.target.closest("[data-keys-switch]")) {
      store.set("keys", keys.on() ? "off" : null);
      keys.refresh();
    }
    all("details[data-menu][open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = event.target.closest("details[open]:is([data-menu], .confirm)") ?? find("details[data-menu][open]");
      if (open) {
        open.open = false;
        find("summary", open).focus();
      }
    } else keys.press(event);
  });

  document.addEventListener("htmx:after:swap", () => setTimeout(settle));
  document.addEventListener("htmx:error", () => say("That did not reach the server. Nothing was changed; please try again."));
  addEventListener("resize", scrollers);
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); }); // never show a kept page after sign-out

  if (idle.limit) {
    idle.touch();
    setInterval(idle.watch, 1000);
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, idle.active, { passive: true });
    document.addEventListener("htmx:after:request", idle.touch);
  }
  setInterval(tick, 1000);
  settle();
})();

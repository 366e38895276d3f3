// Small comforts on top of pages that work without any script: nothing here is needed, nothing is sent elsewhere.
"use strict";

(() => {
  const KEEP_DAYS = 14;
  const words = document.getElementById("words")?.dataset ?? {};

  // What was typed into an open form is kept in this browser until it is sent, and offered again.
  function keep(form) {
    const key = `iew:${location.pathname}:${form.dataset.keep}`;
    const fields = () => [...form.elements].filter((e) => e.name && !["hidden", "password", "file", "submit"].includes(e.type));
    const state = () => fields().map((e) => [e.name, e.type === "checkbox" || e.type === "radio" ? [e.value, e.checked] : e.value]);
    const first = JSON.stringify(state());
    let dirty = false;

    const stored = read(key);
    if (stored && stored.state !== first && !form.parentElement.querySelector(".error-summary")) offer(form, key, stored, fields);

    let timer;
    form.addEventListener("input", () => {
      dirty = JSON.stringify(state()) !== first;
      clearTimeout(timer);
      timer = setTimeout(() => write(key, { state: JSON.stringify(state()), at: Date.now() }), 600);
    });
    form.addEventListener("submit", () => {
      dirty = false;
      clearTimeout(timer);
      write(key, { state: JSON.stringify(state()), at: Date.now() });
      sessionStorage.setItem("iew:sent", key);
    });
    window.addEventListener("beforeunload", (event) => {
      if (dirty) event.preventDefault();
    });
  }

  function read(key) {
    try {
      const stored = JSON.parse(localStorage.getItem(key) ?? "null");
      if (stored && Date.now() - stored.at < KEEP_DAYS * 86400e3) return stored;
      localStorage.removeItem(key);
    } catch { /* a browser that keeps nothing simply offers nothing */ }
    return null;
  }

  function write(key, value) {
    try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* as above */ }
  }

  function offer(form, key, stored, fields) {
    const notice = document.createElement("div");
    notice.className = "notice restore";
    notice.setAttribute("role", "status");
    const text = document.createElement("p");
    text.textContent = words.restore ?? "";
    const again = button(words.again, "small", () => {
      const values = JSON.parse(stored.state);
      fields().forEach((field, place) => {
        const [name, value] = values[place] ?? [];
        if (name !== field.name) return;
        if (Array.isArray(value)) field.checked = value[1] && field.value === value[0] ? true : field.value === value[0] ? false : field.checked;
        else field.value = value;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      });
      notice.remove();
    });
    const drop = button(words.drop, "second small", () => { localStorage.removeItem(key); notice.remove(); });
    notice.append(text, again, drop);
    form.before(notice);
  }

  function button(label, className, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = className;
    made.textContent = label ?? "";
    made.addEventListener("click", action);
    return made;
  }

  // A form that was accepted leads to another page; then what was kept is done with.
  const sent = sessionStorage.getItem("iew:sent");
  if (sent && !document.querySelector(".error-summary")) {
    try { localStorage.removeItem(sent); } catch { /* nothing was kept */ }
    sessionStorage.removeItem("iew:sent");
  }

  function count(counter) {
    const box = document.getElementById(counter.dataset.counter);
    const longest = Number(box.dataset.longest);
    const pattern = words.left ?? "";
    const show = () => {
      const left = longest - [...box.value].length;
      counter.textContent = pattern.replace("{n}", left.toLocaleString(document.documentElement.lang));
      counter.classList.toggle("over", left < 0);
    };
    box.addEventListener("input", show);
    show();
  }

  // While one types a search, terms, schools and titles are offered below the box: a combobox, by keys and by mouse.
  function complete(box) {
    const list = document.getElementById(box.dataset.list);
    const kinds = list.dataset;
    let timer;
    let active = -1;

    const options = () => [...list.children];
    const open = () => !list.hidden;
    function close() {
      clearTimeout(timer);
      list.hidden = true;
      box.setAttribute("aria-expanded", "false");
      point(-1);
    }
    function point(at) {
      active = at;
      options().forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
      const option = options()[at];
      if (!option) return box.removeAttribute("aria-activedescendant");
      box.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    }
    function take(option) {
      box.value = option.dataset.text;
      close();
      box.form.requestSubmit();
    }
    function offer(items) {
      list.replaceChildren(...items.map((item, place) => {
        const option = document.createElement("li");
        const [text, kind] = [document.createElement("bdi"), document.createElement("span")];
        Object.assign(option, { id: `${list.id}-${place}`, role: "option" });
        option.dataset.text = text.textContent = item.text;
        kind.textContent = kinds[item.kind.replace(/_(.)/g, (_, letter) => letter.toUpperCase())] ?? "";
        option.append(text, " ", kind);
        return option;
      }));
      list.hidden = items.length === 0;
      box.setAttribute("aria-expanded", String(open()));
      point(-1);
    }
    async function ask() {
      const typed = box.value.trim();
      const address = `${box.dataset.complete}?q=${encodeURIComponent(typed)}&lang=${box.dataset.lang}`;
      try {
        const reply = await fetch(address, { headers: { Accept: "application/json" } });
        if (box.value.trim() !== typed || document.activeElement !== box) return;
        offer(reply.ok ? (await reply.json()).items : []);
      } catch { close(); /* without a network there is nothing to offer */ }
    }

    box.addEventListener("input", () => {
      clearTimeout(timer);
      const typed = box.value.trim();
      if (typed.length > (/^[\x00-\x7f]*$/.test(typed) ? 1 : 0)) timer = setTimeout(ask, 120);
      else close();
    });
    box.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const count = options().length;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && open()) {
        event.preventDefault();
        point((active + 1 + step + count + 1) % (count + 1) - 1);
      } else if (step === 1 && box.value.trim()) {
        event.preventDefault();
        ask();
      } else if (event.key === "Enter" && open() && active >= 0) {
        event.preventDefault();
        take(options()[active]);
      } else if (event.key === "Escape" && open()) {
        event.preventDefault();
        close();
      }
    });
    box.addEventListener("blur", close);
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target.closest("li");
      if (option) take(option);
    });
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" })) {
      box.setAttribute(name, value);
    }
  }

  // A form that is on its way is not sent a second time by an impatient click.
  function once(form) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sending) return event.preventDefault();
      form.dataset.sending = "yes";
      setTimeout(() => delete form.dataset.sending, 8000);
    });
  }

  function enhance(root) {
    root.querySelectorAll("form[data-once]").forEach(once);
    root.querySelectorAll("form[data-keep]").forEach(keep);
    root.querySelectorAll("[data-counter]").forEach(count);
    root.querySelectorAll("[data-complete]").forEach(complete);
    root.querySelectorAll("[data-print]").forEach((b) => { b.hidden = false; b.addEventListener("click", () => window.print()); });
    // selects that lead on by themselves have a button for browsers without script
    root.querySelectorAll("select[data-go]").forEach((s) => {
      s.addEventListener("change", () => s.form.requestSubmit());
      s.form.querySelector("[data-go-button]")?.setAttribute("hidden", "");
    });
  }

  enhance(document);
  document.querySelector(".error-summary")?.focus();
  document.addEventListener("htmx:afterSettle", (event) => enhance(event.target));
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sending]").forEach((f) => delete f.dataset.sending));
})();

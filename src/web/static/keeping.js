// Keeps what is typed into an article: in this browser with every keystroke, at the desk every few seconds, until it is saved. Says who else is
// at it. What is kept is nobody's article: readers see what was saved. Without this file, what was typed is saved by pressing a button.

const form = document.querySelector("form[data-keep]");
if (form) addEventListener("DOMContentLoaded", () => keep(form));

function keep(form) {
  const told = form.querySelector("[data-keeping]");
  const others = document.querySelector("[data-others]");
  const mine = `article:${form.dataset.who}:`;
  let key = mine + form.dataset.keep;
  const NAMES = ["title", "standfirst", "byline", "topics", "body_markdown", "canonical_url", "image_url", "image_alt", "origin_note", "notes"];
  const fields = NAMES.map((name) => form.elements[name]).filter(Boolean);
  const values = () => Object.fromEntries(fields.map((field) => [field.name, field.value]));
  const same = (one) => fields.every((field) => (one[field.name] ?? field.value).trim() === field.value.trim());
  let edits = 0;
  let sent = 0;
  let busy = null;
  let timer = 0;
  let leaving = false;

  // What was kept by a page that has gone, unless it was saved. What was sent and came back is kept in the place of what was kept before that;
  // what was typed after it, on a page that is loaded again, is offered.
  try {
    const { holds } = form.dataset;
    const saved = sessionStorage.getItem("article-saved");
    if (saved && holds === "saved" && location.search.includes("done=saved")) localStorage.removeItem(saved);
    sessionStorage.removeItem("article-saved");
    const isNew = form.dataset.keep.startsWith("new-");
    const there = Object.keys(localStorage).filter((one) => one === key || (isNew && one.startsWith(`${mine}new-`)));
    for (const one of there) {
      const before = read(one);
      if (!before || (holds === "saved" && same(before.values))) localStorage.removeItem(one);
      else if (holds === "sent" && one === key && before.at <= Number(sessionStorage.getItem("article-sent"))) store();
      else if (!same(before.values)) offer(before, one);
    }
  } catch {
    // No storage: what the desk kept is offered by the page itself.
  }

  form.addEventListener("input", (event) => {
    if (!fields.includes(event.target)) return;
    edits += 1;
    store();
    say("Kept in this browser.");
    clearTimeout(timer);
    timer = setTimeout(send, 2500);
  });
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    leaving = true;
    if (read(key)) store();
    put("article-sent", String(Date.now()));
    clearTimeout(timer);
    busy?.abort();
    const acts = ["publish", "draft", "ready", "withdraw"];
    if (acts.includes(event.submitter?.value)) put("article-saved", key);
    setTimeout(() => (leaving = false), 10000);
  });
  addEventListener("pageshow", () => (leaving = false));
  addEventListener("online", () => send());
  // Others see that somebody is here for as long as the page is looked at.
  if (!form.dataset.keep.startsWith("new-")) {
    send();
    setInterval(() => document.visibilityState === "visible" && send(), 20000);
  }

  function store() {
    try {
      localStorage.setItem(key, JSON.stringify({ values: values(), version: form.elements.version.value, at: Date.now() }));
    } catch {
      // No room, or no storage: the desk keeps it all the same.
    }
  }

  function read(one) {
    try {
      return JSON.parse(localStorage.getItem(one));
    } catch {
      return null;
    }
  }

  function say(words) {
    if (told.textContent !== words) told.textContent = words;
  }

  function put(name, value) {
    try {
      sessionStorage.setItem(name, value);
    } catch {
      // As without this file.
    }
  }

  async function send() {
    clearTimeout(timer);
    if (leaving || busy) return;
    const now = edits;
    const body = new URLSearchParams(new FormData(form));
    for (const name of ["known", "act"]) body.delete(name);
    if (now > sent) body.set("typed", "yes");
    busy = new AbortController();
    try {
      const answer = await fetch("/desk/articles/keep", { method: "POST", body, redirect: "manual", signal: busy.signal });
      if (answer.type === "opaqueredirect" || answer.status === 403) return signedOut();
      if (!answer.ok) throw new Error(String(answer.status));
      const said = await answer.json();
      if (now > sent) say(`Kept at ${said.at}, not saved yet.`);
      sent = now;
      tell(said);
    } catch (error) {
      if (error.name !== "AbortError" && edits > sent) say("The desk cannot be reached. What you type is kept in this browser, and at the desk as soon as it can be.");
    } finally {
      busy = null;
    }
    if (edits > sent && !leaving) timer = setTimeout(send, 2500);
  }

  function tell({ others: names, is_old: isOld }) {
    const words = [...names];
    if (isOld) words.push("Somebody saved another version since you opened this. Save, and you see both before anything is put in the place of the other.");
    others.hidden = words.length === 0;
    if (others.textContent.trim() === words.join("\n")) return;
    others.replaceChildren(...words.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
  }

  /** Signed in again in another tab, the page goes on with the new session, if it is the same person's. */
  async function signedOut() {
    told.replaceChildren("You are signed out. What you type is kept in this browser: ");
    const link = Object.assign(document.createElement("a"), { href: "/desk", target: "_blank", rel: "noopener", textContent: "sign in again in another tab" });
    told.append(link, ", and go on here.");
    try {
      const answer = await fetch("/desk/articles/new", { redirect: "manual" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("input[name=csrf]")?.value;
      if (!fresh) return;
      if (page.querySelector("form[data-keep]")?.dataset.who !== form.dataset.who) {
        told.textContent = "Somebody else is signed in here now. What you type is kept in this browser for you, and offered to you when you have signed in again.";
        return;
      }
      for (const field of document.querySelectorAll("input[name=csrf]")) field.value = fresh;
      told.textContent = "You are signed in again.";
    } catch {
      // It is asked again with the next keystroke.
    }
  }

  function offer(before, from) {
    const piece = from.slice(mine.length);
    const kept = document.querySelector(`[data-kept="${piece}"]`);
    if (kept) kept.hidden = true;
    const notice = document.createElement("div");
    notice.className = "notice warn";
    notice.setAttribute("role", "status");
    const words = document.createElement("p");
    words.textContent = `There is newer text of yours in this browser that was not saved: you typed it until ${new Date(before.at).toLocaleString()}.`;
    const actions = document.createElement("div");
    actions.className = "actions";
    const button = (text, act) => {
      const one = Object.assign(document.createElement("button"), { type: "button", className: "second", textContent: text });
      one.addEventListener("click", () => {
        act();
        notice.remove();
      });
      actions.append(one);
    };
    button("Take it", () => {
      for (const field of fields) field.value = before.values[field.name] ?? field.value;
      form.elements.version.value = before.version;
      form.elements.piece.value = piece;
      key = from;
      form.dispatchEvent(new Event("input", { bubbles: true }));
      (form.elements.body_markdown ?? form.elements.title).dispatchEvent(new Event("input", { bubbles: true }));
    });
    button("Throw it away", () => {
      localStorage.removeItem(from);
      kept?.remove();
      const body = new URLSearchParams({ csrf: form.elements.csrf.value, piece });
      fetch("/desk/articles/throw-away", { method: "POST", body, redirect: "manual" }).catch(() => {});
    });
    notice.append(words, actions);
    form.before(notice);
  }
}

// What is typed at the desk is not lost: whoever presses another button of the page, or goes away, is asked first; and what was sent
// after a session had ended comes back where it was typed, once its writer has signed in again. It stays in this tab of the browser.
// Without this file nothing is asked, and what was typed is found by going back.

const KEY = "sent";
const forms = [...document.querySelectorAll("main form[method=post]")];
const who = () => document.querySelector(".desk-who a")?.textContent.trim() ?? "";
const path = (form) => new URL(form.getAttribute("action") || location.href, location.href).pathname;
let leaving = false;
// The page that is looked at. One that comes back with a mistake stands at the address to which it was sent.
let here = location.pathname + location.search;

document.addEventListener("submit", (event) => {
  const form = event.target;
  const others = forms.filter((one) => one !== form && unsaved(one));
  if (others.length > 0 && !confirm(`What you typed under “${name(others[0])}” is not saved, and is lost if you go on. Go on?`)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  leaving = true;
  // Whoever goes leaves nothing of what they typed in this browser: the desk has it.
  if (path(form) === "/desk/sign-out") sweep();
  // A file that is taken away leaves the page as it is.
  setTimeout(() => (leaving = false), 2000);
  keep(form);
}, true);
addEventListener("beforeunload", (event) => {
  if (!leaving && forms.some(unsaved)) event.preventDefault();
});
addEventListener("pageshow", () => (leaving = false));
takeUp();

/** Whether something was typed that no answer has yet. One that saves itself says when it did. */
function unsaved(form) {
  return form.dataset.saved !== "yes" && (typed(form) !== undefined || form.querySelector(".wrong") !== null);
}

/** The first field that does not hold what it came with. */
function typed(form) {
  return [...form.elements].find((field) => {
    if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
    if (field.type === "select-one") {
      return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
    }
    return ("defaultValue" in field) && !["hidden", "submit", "button", "password"].includes(field.type) && field.value !== field.defaultValue;
  });
}

/** What the page calls the place where something was typed. */
function name(form) {
  const field = typed(form) ?? form.querySelector(".wrong input, .wrong textarea") ?? form;
  const place = field.closest("section")?.querySelector("h2") ?? field.labels?.[0] ?? document.querySelector("h1");
  return place.textContent.trim();
}

/** Articles that were typed and not saved wait at the desk for their writer. */
function sweep() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("article:")) localStorage.removeItem(key);
  } catch {
    // No storage, so nothing is in it.
  }
}

/** Keeps what is sent until its answer is here. Passwords are not kept. */
function keep(form) {
  if (!forms.includes(form)) return put(null);
  // Whoever signs in again wants back what waits for them.
  if (form.querySelector("input[type=password]")) return kept()?.lost ? undefined : put(null);
  const all = [...new FormData(form)].filter(([field]) => field !== "csrf");
  // No page may choose a file for somebody.
  const fields = all.filter(([, value]) => typeof value === "string");
  const files = all.length > fields.length;
  const same = forms.filter((one) => path(one) === path(form));
  put({ page: here, who: who(), form: path(form), at: same.indexOf(form), fields, files });
}

function put(sent) {
  try {
    if (sent) sessionStorage.setItem(KEY, JSON.stringify(sent));
    else sessionStorage.removeItem(KEY);
  } catch {
    // No room, or no storage: then it is as without this file.
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

/** What was sent last was answered; or nobody was signed in, and then it waits for them. */
function takeUp() {
  const sent = kept();
  const lost = document.querySelector("[data-lost]");
  if (lost) return sent && found(lost, sent);
  if (!sent || document.body.classList.contains("door")) return;
  if (sent.lost && sent.who === who() && sent.page !== here) return;
  if (!sent.lost && sent.form === location.pathname) here = sent.page;
  put(null);
  if (sent.lost && sent.who === who()) bring(sent);
}

/** The page that says that nothing was saved. */
function found(lost, sent) {
  put({ ...sent, lost: true });
  lost.hidden = false;
  for (const link of lost.querySelectorAll("a")) link.href = sent.page;
  for (const other of document.querySelectorAll("[data-by-hand]")) other.hidden = true;
  const next = document.querySelector("input[name=next]");
  if (next) next.value = sent.page;
}

/** Puts what was typed back where it was. */
function bring(sent) {
  const form = forms.filter((one) => path(one) === sent.form)[sent.at];
  const told = document.createElement("p");
  told.className = "notice warn";
  told.setAttribute("role", "status");
  told.tabIndex = -1;
  if (form) {
    const back = sent.files ? "What you typed is back, but not the file: choose it once more" : "What you typed is back: look at it";
    told.textContent = `You were signed out before this was saved. ${back}, then send it again.`;
    fill(form, sent.fields);
    for (let fold = form.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    form.prepend(told);
  } else {
    const words = sent.fields.map(([, value]) => value).filter((value) => /\s/.test(value.trim()));
    told.textContent = `You were signed out before this was saved, and its place is not there any more. You had typed: ${words.join(" · ")}`;
    document.querySelector("main").prepend(told);
  }
  told.focus();
  form?.dispatchEvent(new Event("input", { bubbles: true }));
}

function fill(form, fields) {
  const values = group(fields);
  for (const [field, pairs] of values) {
    const places = [...form.elements].filter((one) => one.name === field);
    const boxes = places.filter((one) => ["checkbox", "radio"].includes(one.type));
    for (const box of boxes) box.checked = pairs.some(([, value]) => value === box.value);
    const others = places.filter((one) => !boxes.includes(one) && one.type !== "submit");
    // What was seen beside it: whoever changed the same meanwhile is noticed as before.
    const hidden = others.some((one) => one.type === "hidden");
    if (hidden && (!/^(seen|version|based_on)/.test(field) || others.length !== pairs.length)) continue;
    others.forEach((one, at) => {
      if (pairs[at]) one.value = pairs[at][1];
    });
  }
  for (const box of form.querySelectorAll("input[type=checkbox]")) {
    if (!values.has(box.name)) box.checked = false;
  }
}

function group(fields) {
  const values = new Map();
  for (const pair of fields) values.set(pair[0], [...(values.get(pair[0]) ?? []), pair]);
  return values;
}

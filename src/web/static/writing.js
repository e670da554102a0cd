// Makes writing an article pleasant: a row of buttons, a preview beside the text or behind it, find, the whole screen, and pasting that keeps
// what was meant. The text stays what it is, a field of a form: without this file everything is written by hand, and Preview is a button.
// The letter of an edition has its buttons for words alone: its preview is the edition's.

for (const editor of document.querySelectorAll("[data-editor]")) begin(editor);

function begin(editor) {
  const area = editor.querySelector("textarea");
  const form = area.form;
  const isLetter = editor.dataset.editor === "letter";
  const told = editor.querySelector("[data-told]");
  const count = editor.querySelector("[data-count]");
  // It is another one after signing in again.
  const csrf = () => form.elements.csrf.value;
  const preview = editor.querySelector(".preview");
  const shown = preview?.querySelector("[data-preview]");

  // Buttons.
  const bar = document.createElement("div");
  bar.className = "writing-bar";
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Writing");
  bar.setAttribute("aria-controls", area.id);
  const tool = (words, sign, act, key) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tool";
    button.textContent = sign;
    button.title = key ? `${words} (${/mac|iphone|ipad/i.test(navigator.platform) ? "⌘" : "Ctrl+"}${key.toUpperCase()})` : words;
    button.setAttribute("aria-label", words);
    if (key) button.setAttribute("aria-keyshortcuts", `Control+${key.toUpperCase()} Meta+${key.toUpperCase()}`);
    button.addEventListener("click", () => act(button));
    bar.append(button);
    return button;
  };
  const keys = new Map();
  const marked = (words, sign, act, key) => {
    if (key) keys.set(key, act);
    tool(words, sign, act, key);
  };
  marked("Bold", "B", () => mark("**"), "b");
  marked("Italic", "I", () => mark("*"), "i");
  marked("Link", "Link", link, "k");
  marked("Heading", "H", () => lines("## ", /^#{1,6} /));
  marked("List", "List", () => lines("- ", /^[-*+] /));
  marked("Numbered list", "Numbered list", () => lines((at) => `${at + 1}. `, /^\d+[.)] /));
  marked("Quotation", "“ ”", () => lines("> ", /^> ?/));
  let find, beside, whole;
  if (!isLetter) {
    marked("Footnote", "Footnote", note);
    tool("Picture", "Picture", choose);
    find = tool("Find in the text", "Find", () => seek(true));
    beside = tool("Preview", "Preview", () => turn("with-preview", beside));
    whole = tool("Whole screen", "Whole screen", () => turn("whole", whole));
    find.setAttribute("aria-expanded", "false");
    for (const button of [beside, whole]) button.setAttribute("aria-pressed", "false");
  }
  const tools = [...bar.children];
  const rove = (to) => tools.forEach((one) => (one.tabIndex = one === to ? 0 : -1));
  rove(tools[0]);
  bar.addEventListener("focusin", (event) => rove(event.target));
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = tools.indexOf(document.activeElement);
    const to = event.key === "Home" ? 0 : event.key === "End" ? tools.length - 1 : step && (at + step + tools.length) % tools.length;
    if (to === undefined) return;
    event.preventDefault();
    tools[to].focus();
  });
  area.before(bar);
  editor.classList.add("alive");
  // The button of the form does the same where it is pressed.
  form.querySelector("[data-preview-button]")?.remove();

  area.addEventListener("keydown", (event) => {
    const act = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && keys.get(event.key.toLowerCase());
    if (act) {
      event.preventDefault();
      act();
    } else if (event.key === "Enter" && !event.isComposing && !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey) {
      goOn(event);
    }
  });
  editor.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && whole && editor.classList.contains("whole")) turn("whole", whole);
  });

  /** Puts text in the place of what is chosen, so that undo knows of it. */
  function put(text, from = area.selectionStart, to = area.selectionEnd) {
    area.focus();
    area.setSelectionRange(from, to);
    if (text === "" ? document.execCommand("delete") : document.execCommand("insertText", false, text)) return;
    area.setRangeText(text, from, to, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Marks what is chosen, or takes the mark away. */
  function mark(sign) {
    let [from, to] = [area.selectionStart, area.selectionEnd];
    const text = area.value;
    while (from < to && /\s/.test(text[from])) from += 1;
    while (to > from && /\s/.test(text[to - 1])) to -= 1;
    const words = text.slice(from, to);
    const one = sign.length;
    const other = (at) => sign === "*" && text[at] === "*";
    if (text.slice(from - one, from) === sign && text.slice(to, to + one) === sign && !(other(from - 2) && !other(from - 3))) {
      put(words, from - one, to + one);
      area.setSelectionRange(from - one, to - one);
    } else {
      put(sign + words + sign, from, to);
      area.setSelectionRange(from + one, to + one);
    }
  }

  function link() {
    const [from, to] = [area.selectionStart, area.selectionEnd];
    const words = area.value.slice(from, to);
    if (/^https?:\/\/\S+$/.test(words)) {
      put(`[](${words})`, from, to);
      area.setSelectionRange(from + 1, from + 1);
    } else {
      put(`[${words}](https://)`, from, to);
      const at = from + words.length + 3;
      if (words) area.setSelectionRange(at, at + 8);
      else area.setSelectionRange(from + 1, from + 1);
    }
  }

  /** Begins each line that is chosen with a sign, or takes it away. */
  function lines(sign, is) {
    const text = area.value;
    const from = text.lastIndexOf("\n", area.selectionStart - 1) + 1;
    const end = text.indexOf("\n", Math.max(from, area.selectionEnd - 1));
    const to = end < 0 ? text.length : end;
    const all = text.slice(from, to).split("\n");
    const off = all.every((line) => is.test(line) || (!line.trim() && all.length > 1));
    let number = 0;
    const changed = all.map((line) => {
      if (off) return line.replace(is, "");
      if (!line.trim() && all.length > 1) return line;
      const begins = typeof sign === "string" ? sign : sign(number++);
      return begins + line.replace(/^(#{1,6} |[-*+] |\d+[.)] |> ?)/, "");
    }).join("\n");
    put(changed, from, to);
    area.setSelectionRange(all.length > 1 ? from : from + changed.length, from + changed.length);
  }

  function note() {
    const used = [...area.value.matchAll(/\[\^(\d+)\]/g)].map((one) => Number(one[1]));
    const number = Math.max(0, ...used) + 1;
    put(`[^${number}]`, area.selectionEnd, area.selectionEnd);
    const end = area.value.length;
    const gap = area.value.endsWith("\n\n") ? "" : area.value.endsWith("\n") ? "\n" : "\n\n";
    put(`${gap}[^${number}]: `, end, end);
    look(area.value.length, area.value.length);
  }

  /** A new line of a list or a quotation begins as the one before; an empty one ends it. */
  function goOn(event) {
    const at = area.selectionStart;
    if (at !== area.selectionEnd) return;
    const from = area.value.lastIndexOf("\n", at - 1) + 1;
    const line = area.value.slice(from, at);
    const begins = /^(\s*)([-*+]|(\d{1,9})([.)])|>) /.exec(line);
    if (!begins) return;
    event.preventDefault();
    if (line.length === begins[0].length) return put("\n", from, at);
    put(`\n${begins[1]}${begins[3] ? Number(begins[3]) + 1 + begins[4] : begins[2]} `, at, at);
  }

  // The preview.
  let timer = 0;
  let asked = "";
  let asking = null;

  function turn(name, button) {
    const on = editor.classList.toggle(name);
    button.setAttribute("aria-pressed", String(on));
    if (name === "whole") {
      // What lies beneath is out of reach.
      for (let one = editor; one !== document.body; one = one.parentElement) {
        for (const other of one.parentElement.children) if (other !== one) other.inert = on;
      }
      area.focus();
    } else if (on) {
      refresh();
      if (getComputedStyle(area).display === "none") preview.focus();
    }
  }

  async function refresh() {
    clearTimeout(timer);
    if (!editor.classList.contains("with-preview") || area.value === asked) return;
    asking?.abort();
    asking = new AbortController();
    const text = area.value;
    try {
      const answer = await send("/desk/articles/preview", new URLSearchParams({ csrf: csrf(), body_markdown: text }), undefined, asking.signal);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      shown.replaceChildren(...page.body.childNodes);
      asked = text;
      say("");
    } catch (error) {
      if (error.name !== "AbortError") say("The preview could not be made just now. What you typed is not touched.");
    }
  }

  async function send(path, body, type, signal) {
    const headers = { "x-csrf-token": csrf(), ...(type ? { "content-type": type } : {}) };
    const answer = await fetch(path, { method: "POST", body, headers, redirect: "manual", signal });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer;
  }

  function say(words) {
    told.textContent = words;
  }

  const figures = (number) => number.toLocaleString("en");
  const tell = () => {
    if (!count) return;
    const words = area.value.replace(/\]\([^)\s]*\)|^\s*(#+|>|[-*+]|\d+[.)])\s|[*_~`|[\]^]/gm, " ").split(/\s+/).filter(Boolean).length;
    const minutes = Math.max(1, Math.round(words / Number(editor.dataset.speed)));
    count.textContent = `${figures(words)} ${words === 1 ? "word" : "words"}, ${minutes} min`;
  };
  let counting = 0;
  area.addEventListener("input", () => {
    clearTimeout(timer);
    clearTimeout(counting);
    counting = setTimeout(tell, 300);
    timer = setTimeout(refresh, 700);
  });

  // Pictures: chosen, dropped, or pasted.
  const pictures = (files) => [...(files ?? [])].filter((file) => file.type.startsWith("image/"));

  function choose() {
    const chooser = document.createElement("input");
    chooser.type = "file";
    chooser.accept = "image/jpeg,image/png,image/webp,image/gif";
    chooser.multiple = true;
    chooser.addEventListener("change", () => bring(chooser.files));
    chooser.click();
  }

  /** A place that is not within what stands for a picture, but behind that. */
  function outside(at) {
    const from = area.value.lastIndexOf("\n", at - 1) + 1;
    const [line] = area.value.slice(from).split("\n", 1);
    for (const one of line.matchAll(/!\[[^\]]*\]\([^)]*\)/g)) {
      const [begins, ends] = [from + one.index, from + one.index + one[0].length];
      if (begins < at && at < ends) return ends;
    }
    return at;
  }

  async function bring(files) {
    if (isLetter) return say("Pictures stand in articles: that of the first one is shown.");
    // Where the first one of which nothing is said is to be described.
    let silent = null;
    for (const file of files) {
      say(`Bringing ${file.name} …`);
      const body = new FormData();
      body.append("csrf", csrf());
      body.append("file", file);
      try {
        const answer = await fetch("/desk/pictures", { method: "POST", body, headers: { accept: "application/json" }, redirect: "manual" });
        const told = (answer.headers.get("content-type") ?? "").includes("json") ? await answer.json() : {};
        if (!answer.ok) return say(told.mistake ?? `${file.name} was not taken. Is it larger than 20 MB, or have you been signed out?`);
        const at = outside(area.selectionStart);
        const to = Math.max(at, area.selectionEnd);
        const text = apart(told.markdown, at, to, true);
        put(text, at, to);
        if (told.silent) silent ??= at + text.indexOf("![") + 2;
      } catch {
        return say(`${file.name} could not be brought just now. Try again.`);
      }
    }
    if (silent !== null) area.setSelectionRange(silent, silent);
    say(silent === null ? "" : "Write between the brackets what the picture shows, for who does not see it.");
  }

  // Without somebody in the text, a picture that is chosen stands at its end.
  let was = false;
  area.addEventListener("focus", () => (was = true));
  form.addEventListener("submit", () => {
    if (was) form.elements.at.value = String(area.selectionStart);
  });

  area.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  area.addEventListener("drop", (event) => {
    // Not every system says of a file what it is: the desk does, and a file that is opened in its place takes the page away.
    const files = [...event.dataTransfer.files];
    if (files.length === 0) return;
    event.preventDefault();
    bring(files);
  });

  // Pasting.
  area.addEventListener("paste", async (event) => {
    const plain = event.clipboardData.getData("text/plain");
    const files = pictures(event.clipboardData.files);
    if (files.length > 0 && !plain.trim()) {
      event.preventDefault();
      return bring(files);
    }
    const [from, to] = [area.selectionStart, area.selectionEnd];
    if (from !== to && /^https?:\/\/\S+$/.test(plain.trim()) && !/[\n[\]]/.test(area.value.slice(from, to))) {
      event.preventDefault();
      return put(`[${area.value.slice(from, to)}](${plain.trim()})`, from, to);
    }
    let html = event.clipboardData.getData("text/html");
    if (!html) return;
    event.preventDefault();
    // What is only for the eye can be longer than the text.
    html = html.replace(/<style[\s\S]*?<\/style>/gi, "").replace(/ src="(data|file):[^"]*"/gi, "");
    const before = area.value;
    say("Pasting …");
    let text = plain;
    let words = "";
    try {
      const answer = await send("/desk/articles/paste", html, "text/html", AbortSignal.timeout(15000));
      text = (await answer.text()) || plain;
    } catch {
      words = "Pasted as plain text: its headings, links and lists could not be kept this time.";
    }
    say(words);
    const same = area.value === before;
    const [start, end] = same ? [from, to] : [area.selectionEnd, area.selectionEnd];
    put(apart(text, start, end), start, end);
  });

  /** Text of several paragraphs stands apart from what is around it. */
  function apart(text, from, to, always = false) {
    if (!always && !/\n\n|^(#{1,6} |[-*+] |\d+[.)] |> |\||```)/.test(text)) return text;
    const [before, after] = [area.value.slice(0, from), area.value.slice(to)];
    const gap = (side) => (side === "" || /^\n\n/.test(side) ? "" : side.startsWith("\n") ? "\n" : "\n\n");
    const reversed = before.slice(-2).split("").reverse().join("");
    return gap(reversed) + text + gap(after);
  }

  // Finding.
  let seeker = null;

  function seek(open) {
    if (!seeker) {
      seeker = document.createElement("div");
      seeker.className = "seeker";
      seeker.setAttribute("role", "search");
      seeker.innerHTML = '<label class="hidden" for="seek">Find in the text</label><input id="seek" form="" type="search" autocomplete="off" placeholder="Find in the text">'
        + '<button type="button" class="second" data-step="-1">Before</button><button type="button" class="second" data-step="1">Next</button>'
        + '<span class="muted" role="status"></span><button type="button" class="quiet" data-close>Close</button>';
      seeker.hidden = true;
      bar.after(seeker);
      const field = seeker.querySelector("input");
      // It is no field of the form.
      field.addEventListener("keydown", (event) => {
        if (event.key === "Enter") {
          event.preventDefault();
          step(event.shiftKey ? -1 : 1);
        } else if (event.key === "Escape") {
          event.stopPropagation();
          seek(false);
        }
      });
      field.addEventListener("input", (event) => {
        event.stopPropagation();
        step(0);
      });
      for (const button of seeker.querySelectorAll("[data-step]")) button.addEventListener("click", () => step(Number(button.dataset.step)));
      seeker.querySelector("[data-close]").addEventListener("click", () => seek(false));
    }
    const show = open && seeker.hidden;
    if (show) {
      const words = area.value.slice(area.selectionStart, area.selectionEnd);
      if (words && !words.includes("\n")) seeker.querySelector("input").value = words;
    }
    seeker.hidden = !show;
    find.setAttribute("aria-expanded", String(show));
    if (show) seeker.querySelector("input").select();
    else area.focus();
  }

  function step(by) {
    const wanted = seeker.querySelector("input").value.toLowerCase();
    const status = seeker.querySelector("[role=status]");
    const text = area.value.toLowerCase();
    const places = [];
    if (wanted && text.length === area.value.length) {
      for (let at = text.indexOf(wanted); at >= 0 && places.length < 9999; at = text.indexOf(wanted, at + wanted.length)) places.push(at);
    }
    if (places.length === 0) {
      status.textContent = wanted ? "Not in the text" : "";
      return;
    }
    const here = area.selectionStart;
    let to = by < 0 ? places.findLastIndex((at) => at < here) : places.findIndex((at) => (by > 0 ? at > here : at >= here));
    if (to < 0) to = by < 0 ? places.length - 1 : 0;
    status.textContent = `${to + 1} of ${places.length}`;
    const back = document.activeElement;
    look(places[to], places[to] + wanted.length);
    if (back !== document.body && by === 0) back.focus();
  }

  /** Chooses a place in the text and brings it into view. */
  function look(from, to) {
    const mirror = document.createElement("div");
    const style = getComputedStyle(area);
    for (const name of ["font", "lineHeight", "letterSpacing", "padding", "border", "boxSizing", "wordSpacing", "tabSize"]) mirror.style[name] = style[name];
    Object.assign(mirror.style, { position: "absolute", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "break-word", width: `${area.clientWidth}px`, top: "0" });
    mirror.textContent = area.value.slice(0, from);
    document.body.append(mirror);
    const top = mirror.scrollHeight;
    mirror.remove();
    area.focus({ preventScroll: true });
    area.setSelectionRange(from, to);
    area.scrollTop = Math.max(0, top - area.clientHeight / 2);
    area.scrollIntoView({ block: "nearest" });
  }
}

// Makes the composer save by itself, keeps the preview fresh, and lets blocks be dragged into order.
// Every one of these works without this file, by the buttons of the form.

const form = document.querySelector("#composer");
if (form) {
  const status = form.querySelector("[data-save-status]");
  let timer = 0;
  let saving = Promise.resolve();
  let busy = false;
  let edits = 0;

  const changed = () => {
    status.textContent = "Not saved yet";
    edits += 1;
    delete form.dataset.saved;
    clearTimeout(timer);
    timer = setTimeout(() => (saving = saving.then(save)), 1200);
  };

  form.addEventListener("input", changed);
  // The button that was pressed saves everything itself; after a save that is under way, or the two would be in each other's way.
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (!busy) return;
    event.preventDefault();
    saving.then(() => form.requestSubmit(event.submitter));
  });

  // Enter in a line of a block presses the form's first button, which is Save. A row is not dragged while somebody marks words in it.
  form.addEventListener("focusin", (event) => row(event.target, false));
  form.addEventListener("focusout", (event) => row(event.target, true));
  const row = (field, draggable) => {
    const of = field.matches("input, textarea") && field.closest("[data-sortable] > li");
    if (of) of.draggable = draggable;
  };

  const save = async () => {
    const sent = edits;
    const fields = new URLSearchParams(new FormData(form));
    // Ticked articles join the edition when the writer presses the button for it, not while she is still ticking.
    fields.delete("add");
    fields.set("act", "save");
    status.textContent = "Saving …";
    busy = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body: fields, headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("#composer [name=based_on]");
      if (!answer.ok || !fresh) throw new Error(String(answer.status));
      form.elements.based_on.value = fresh.value;
      for (const id of ["readiness", "composer-meta"]) {
        const part = page.getElementById(id);
        if (part) document.getElementById(id)?.replaceChildren(...part.childNodes);
      }
      // Other readers may be told apart now; whoever was chosen stays it.
      const [eyes, others] = [document.getElementById("as"), page.getElementById("as")];
      if (eyes && others) {
        const chosen = eyes.value;
        eyes.replaceChildren(...others.childNodes);
        eyes.value = chosen;
        if (eyes.selectedIndex < 0) eyes.selectedIndex = 0;
      }
      for (const name of ["subject", "preview_text", "intro"]) {
        const [here, there] = [form.elements[name], page.getElementById(`${name}-error`)];
        document.getElementById(`${name}-error`)?.remove();
        if (there) here.before(there);
        here.closest(".field").classList.toggle("wrong", Boolean(there));
        here.ariaInvalid = String(Boolean(there));
      }
      // The rows are those that were sent, in their order.
      const [rows, saved] = [form, page].map((part) => [...part.querySelectorAll("[data-sortable] > li [data-wrong]")]);
      if (rows.length === saved.length) {
        rows.forEach((row, at) => {
          row.replaceChildren(...saved[at].childNodes);
          for (const field of row.closest("li").querySelectorAll("[aria-describedby^=wrong]")) field.ariaInvalid = String(row.childElementCount > 0);
        });
      }
      status.textContent = form.querySelector(".error") ? "Saved, with a mistake above" : "Saved";
      if (edits === sent) form.dataset.saved = "yes";
      const preview = document.querySelector("iframe[name=preview]");
      if (preview) preview.src = preview.getAttribute("src");
    } catch {
      status.textContent = "Could not be saved just now. Press Save to see why.";
    } finally {
      busy = false;
    }
  };

  // What is chosen to be looked at stays chosen when the preview is made anew.
  const look = document.querySelector("#look");
  const show = (event) => {
    event.preventDefault();
    const preview = document.querySelector("iframe[name=preview]");
    preview.src = `${look.action}?${new URLSearchParams(new FormData(look))}`;
  };
  look?.addEventListener("submit", show);
  look?.addEventListener("change", show);

  dragging(form.querySelector("[data-sortable]"), changed);
  form.addEventListener("change", (event) => {
    const said = event.target.name === "whom" && event.target.closest("details").querySelector("[data-seen-by]");
    if (!said) return;
    const [chosen] = event.target.selectedOptions;
    const words = [chosen.closest("optgroup")?.label, chosen.textContent].filter(Boolean).join(" ");
    said.textContent = words.charAt(0).toLowerCase() + words.slice(1);
  });
}

function dragging(list, changed) {
  if (!list) return;
  let held = null;
  for (const item of list.children) item.draggable = !item.contains(document.activeElement);
  list.addEventListener("dragstart", (event) => {
    held = event.target.closest("li");
    held?.classList.add("dragged");
    event.dataTransfer.effectAllowed = "move";
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("li");
    if (!held || !over || over.parentElement !== list) return;
    event.preventDefault();
    if (over === held) return;
    const box = over.getBoundingClientRect();
    list.insertBefore(held, event.clientY < box.top + box.height / 2 ? over : over.nextSibling);
  });
  list.addEventListener("dragend", () => {
    if (!held) return;
    held.classList.remove("dragged");
    held = null;
    changed();
  });
}

// Keeps the sentence and the number of a segment fresh while it is typed, and shows what a condition asks as soon as it is about something
// else. Both work without this file, by the buttons of the form.

const form = document.querySelector("form[data-segment]");
const live = document.querySelector("[data-live]");
if (form && live) {
  let timer = 0;
  let newest = 0;

  const look = async () => {
    const number = ++newest;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("press", "look");
    try {
      const answer = await fetch(form.action, { method: "POST", body: fields, headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-live]");
      // A slower answer to what stood there before is late.
      if (answer.ok && fresh && number === newest) live.replaceChildren(...fresh.childNodes);
    } catch {
      // The buttons say what is wrong.
    }
  };

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 500);
  });
  // By keyboard one passes what one does not mean: it is asked once the choice is left, or at Enter.
  let passed = null;
  const asks = (field) => field.matches("[data-what], [data-of='Field'], [data-of='Answer'], [data-of='When']");
  const ask = (field) => {
    passed = null;
    form.action = `${form.action.split("#")[0]}#${field.id}`;
    form.requestSubmit(form.querySelector("button[value=look]"));
  };
  let typing = false;
  form.addEventListener("keydown", (event) => {
    typing = true;
    if (event.key === "Enter" && event.target === passed) {
      event.preventDefault();
      ask(passed);
    }
  });
  form.addEventListener("pointerdown", () => (typing = false));
  form.addEventListener("change", (event) => {
    if (!asks(event.target)) return;
    if (typing) passed = event.target;
    else ask(event.target);
  });
  form.addEventListener("focusout", (event) => {
    // A button that is pressed asks by itself.
    const presses = !typing && event.relatedTarget?.matches("button");
    if (event.target === passed && !presses && document.hasFocus()) ask(passed);
  });
  // Where one was before the page came again.
  const place = location.hash && document.getElementById(location.hash.slice(1));
  if (place && form.contains(place)) (place.matches("select, input") ? place : place.querySelector("select"))?.focus();
}

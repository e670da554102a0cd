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
  form.addEventListener("change", (event) => {
    const asks = event.target.matches("[data-what], [data-of='Field'], [data-of='Answer'], [data-of='When']");
    if (asks) form.requestSubmit(form.querySelector("button[value=look]"));
  });
}

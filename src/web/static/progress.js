// The live parts of an edition's page. Without this file the page still tells everything; it is then reloaded by hand.

const page = document.querySelector("[data-progress]");
if (page) {
  follow(page);
  countDown(page.querySelector("[data-seconds-left]"));
}

/** Takes the figures as they change, and the page anew when the edition moves on to another state. */
function follow(page) {
  const events = new EventSource(page.dataset.progress);
  events.addEventListener("progress", (event) => {
    const figures = JSON.parse(event.data);
    if (figures.state !== page.dataset.state) {
      events.close();
      location.reload();
      return;
    }
    for (const [name, text] of Object.entries(figures.texts)) {
      for (const place of page.querySelectorAll(`[data-figure="${name}"]`)) place.textContent = text;
    }
    if (figures.notes) showNotes(page.querySelector("[data-notes]"), figures.notes);
    for (const { name, x, width } of figures.bars) {
      const bar = page.querySelector(`[data-bar="${name}"]`);
      bar?.setAttribute("x", x);
      bar?.setAttribute("width", width);
    }
  });
}

/** How fast it goes and what holds it back, a sentence each. */
function showNotes(list, notes) {
  if (!list) return;
  list.hidden = notes.length === 0;
  list.replaceChildren(
    ...notes.map((text) => {
      const line = document.createElement("li");
      line.textContent = text;
      return line;
    }),
  );
}

/** The minute to undo. Counts by the page's own clock, so that a wrong clock on the desk does not matter. */
function countDown(place) {
  if (!place) return;
  const end = performance.now() + Number(place.dataset.secondsLeft) * 1000;
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    place.textContent = left === 1 ? "1 second" : `${left} seconds`;
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
}

// Presses the button on the page that a confirmation mail leads to, so that nobody loses a second click. Programs that look at
// links before people do open the page and run nothing; without this file the button is pressed by hand.

let form = document.querySelector("form[data-press]");

/** Once somebody sees the page: one that a browser makes ready beforehand is nobody's. */
function press() {
  if (!form || document.prerendering || document.visibilityState !== "visible") return;
  form.requestSubmit();
  form = null;
}

document.addEventListener("visibilitychange", press);
document.addEventListener("prerenderingchange", press);
press();

// Says what a moment in UTC is on the clock of whoever plans an edition. Without this file the page asks for UTC and says so.

const field = document.querySelector("input[name=later]");
const place = document.querySelector("[data-local-time]");
if (field && place) {
  const tell = () => {
    const moment = new Date(`${field.value}Z`);
    const local = moment.toLocaleString("en-GB", { dateStyle: "full", timeStyle: "short" });
    place.textContent = Number.isNaN(moment.getTime()) ? "" : `That is ${local} on your clock.`;
  };
  field.addEventListener("input", tell);
  tell();
}

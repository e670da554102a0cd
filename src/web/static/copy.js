// A button that copies, beside every field made for copying. Without this file the field is marked and copied by hand.

for (const field of document.querySelectorAll(".copy")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "second small";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${field.getAttribute("aria-label")}`);
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
    } catch {
      // No clipboard without https: the text is marked, and Ctrl-C does the rest.
      button.textContent = "Marked";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  field.after(button);
}

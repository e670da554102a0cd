// At set-up, offers the time zone of whoever sits there. Without this file it is chosen from the list.

const select = document.querySelector("select[name=time_zone]");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (select?.value === "UTC" && !document.querySelector("[aria-invalid]") && [...select.options].some((option) => option.value === here)) select.value = here;

// Every flow of the console works as plain links and forms. This makes them faster and safer where script runs.

// ---- copy ----
// navigator.clipboard is there in secure contexts only, and a console may be opened by plain HTTP on a LAN.
async function copyText(text, field) {
  try {
    if (window.isSecureContext && navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch { /* the other way, then */ }
  const area = field ?? Object.assign(document.createElement("textarea"), { value: text, readOnly: true, className: "sr" });
  if (!field) (document.querySelector("dialog:modal") ?? document.body).append(area);
  area.focus();
  area.select();
  let copied = false;
  try { copied = document.execCommand("copy"); } catch { /* it stays selected */ }
  if (!field) area.remove();
  return copied;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const copied = await copyText((source.value ?? source.textContent).trim(), source.matches("input") ? source : null);
  const label = button.querySelector("[data-label]");
  label.dataset.was ??= label.textContent;
  // Never claim what didn't happen: what can't be copied stays selected.
  label.textContent = copied ? "Copied" : "Press Ctrl+C";
  button.classList.toggle("is-done", copied);
  const what = button.dataset.what ?? "Text";
  const live = button.closest("dialog")?.querySelector("[data-live]");
  if (live) live.textContent = copied ? `${what} copied to the clipboard` : `${what} could not be copied. It is selected: press Control C.`;
  if (!copied) return;
  if (button.hasAttribute("data-secret-copy")) markStored(button.closest("dialog"));
  setTimeout(() => {
    label.textContent = label.dataset.was;
    button.classList.remove("is-done");
  }, 2400);
});

// ---- the dialog that shows a secret once ----
const guarded = (dialog) => dialog.matches("[data-guard]") && !dialog.dataset.stored;

function markStored(dialog) {
  dialog.dataset.stored = "1";
  const state = dialog.querySelector("[data-state]");
  state.classList.add("done");
  state.querySelector("[data-text]").textContent = "Copied. Store it before you close this window.";
  dialog.querySelector(".leave").classList.remove("show");
}

// The box takes the focus, not its button: the Enter that led here would press it.
function warn(dialog) {
  const box = dialog.querySelector(".leave");
  box.classList.add("show");
  box.focus();
}

function wipe(root) {
  for (const input of root.querySelectorAll("[data-secret]")) input.value = "";
}

for (const dialog of document.querySelectorAll("dialog[data-guard][open]")) {
  dialog.removeAttribute("open");
  dialog.showModal();
  dialog.querySelector("[data-focus]")?.focus();
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (guarded(dialog)) warn(dialog);
  });
  dialog.addEventListener("click", (event) => {
    const close = event.target.closest("[data-close]");
    if (!close) return;
    event.preventDefault();
    if (guarded(dialog) && !close.hasAttribute("data-force")) return warn(dialog);
    dialog.dataset.stored = "1";
    wipe(document);
    location.replace(close.href);
  });
}

addEventListener("beforeunload", (event) => {
  if (document.querySelector("dialog[data-guard]:modal:not([data-stored])")) event.preventDefault();
});
addEventListener("pagehide", () => wipe(document));

// ---- focus ----
document.querySelector("[data-focus-now]")?.focus();

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
  if (button.hasAttribute("data-secret-copy")) {
    const dialog = button.closest("dialog");
    button.dataset.stored = "1";
    if (!dialog.querySelector("[data-secret-copy]:not([data-stored])")) markStored(dialog);
  }
  setTimeout(() => {
    label.textContent = label.dataset.was;
    button.classList.remove("is-done");
  }, 2400);
});

// ---- the dialog that shows a secret once ----
const guarded = (dialog) => dialog.matches("[data-guard]") && !dialog.dataset.stored;

function markStored(dialog, says = "Copied. Store it before you close this window.") {
  dialog.dataset.stored = "1";
  const state = dialog.querySelector("[data-state]");
  state.classList.add("done");
  state.querySelector("[data-text]").textContent = says;
  dialog.querySelector(".leave").classList.remove("show");
}

// The box takes the focus, not its button: the Enter that led here would press it.
function warn(dialog) {
  const box = dialog.querySelector(".leave");
  box.classList.add("show");
  box.focus();
}

function wipe(root) {
  for (const input of root.querySelectorAll("[data-secret], #pasted")) input.value = "";
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

// ---- lists: a filter replaces the rows alone, so that the search box keeps the focus ----
// The pages are this server's own, which has escaped what is in them.
const pages = window.trustedTypes?.createPolicy("gatehouse", { createHTML: (text) => text }) ?? { createHTML: (text) => text };
const busy = document.getElementById("busy");
let asking;

async function swap(url, quiet) {
  asking?.abort();
  const mine = (asking = new AbortController());
  if (!quiet) busy?.classList.add("on");
  try {
    const answer = await fetch(url, { signal: mine.signal });
    const page = new DOMParser().parseFromString(pages.createHTML(await answer.text()), "text/html");
    const rows = [...document.querySelectorAll("[data-rows]")];
    if (!answer.ok || rows.some((part) => !page.getElementById(part.id))) return quiet || location.assign(url);
    for (const part of rows) part.replaceWith(document.importNode(page.getElementById(part.id), true));
    history.replaceState(null, "", url);
    const count = document.querySelectorAll("[data-rows] tbody tr").length;
    if (!quiet) document.getElementById("live").textContent = count === 1 ? "1 row shown" : `${count} rows shown`;
  } catch (error) {
    if (error.name !== "AbortError" && !quiet) location.assign(url);
  } finally {
    if (asking === mine) busy?.classList.remove("on");
  }
}

function ask(form) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  return swap(form.getAttribute("action") + (query.size ? `?${query}` : ""));
}

for (const form of document.querySelectorAll("form[data-live]")) {
  let waiting;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => ask(form), 200);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    ask(form);
  });
}

// ---- several rows at once ----
document.addEventListener("change", (event) => {
  const form = event.target.closest("form");
  if (!form || !event.target.matches(".rowcheck, .checkall")) return;
  const boxes = [...form.querySelectorAll(".rowcheck")];
  if (event.target.matches(".checkall")) for (const box of boxes) box.checked = event.target.checked;
  const chosen = boxes.filter((box) => box.checked).length;
  const all = form.querySelector(".checkall");
  if (all) [all.checked, all.indeterminate] = [chosen === boxes.length, chosen > 0 && chosen < boxes.length];
  for (const label of form.querySelectorAll("[data-chosen]")) label.textContent = `${chosen} selected`;
});

// ---- what was just done is said once ----
if (document.querySelector("[data-done]")) {
  const here = new URL(location.href);
  here.searchParams.delete("done");
  history.replaceState(null, "", here);
}

// ---- a form is sent once ----
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  busy?.classList.add("on");
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  busy?.classList.remove("on");
  for (const form of document.forms) delete form.dataset.sent;
});

// ---- a code that came behind the # of a link reaches no server by itself ----
function takeCode() {
  const code = new URLSearchParams(location.hash.slice(1));
  for (const field of document.querySelectorAll("[data-fragment]")) {
    if (!code.get(field.dataset.fragment)) continue;
    field.value = code.get(field.dataset.fragment);
    history.replaceState(null, "", location.pathname + location.search);
  }
}
takeCode();
addEventListener("hashchange", takeCode);

// ---- what is shown once, as a file ----
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-save]");
  if (!button) return;
  const file = new Blob([document.getElementById(button.dataset.save).value, "\n"], { type: "text/plain" });
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: button.dataset.name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  markStored(button.closest("dialog"), "Downloaded. Keep the file where your passwords are.");
});

// ---- which token is this? Its fingerprint is made here, and the token goes nowhere ----
document.querySelector("[data-hashes] #pasted")?.addEventListener("input", async (event) => {
  const text = event.target.value.trim();
  const field = document.getElementById("fingerprint");
  if (!text || !window.crypto?.subtle) return; // by plain HTTP there is none, but for the loopback address
  const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  if (event.target.value.trim() === text) field.value = [...new Uint8Array(sum).slice(0, 4)].map((n) => n.toString(16).padStart(2, "0")).join("");
});

// ---- a run that is going on is looked at again, unless somebody is at work in it ----
setInterval(() => {
  const going = document.querySelector("[data-going]");
  if (!going || document.hidden || busy?.classList.contains("on")) return;
  if (document.activeElement?.closest("[data-rows]") || going.querySelector("details[open] ~ details[open]")) return;
  swap(location.href, true);
}, 5000);

// ---- focus ----
document.querySelector("[data-focus-now]")?.focus();

"use strict";
// On a phone the results come first: what narrows them down is folded, and opens on a tap.
if (matchMedia("(max-width: 860px)").matches) {
  for (const folded of document.querySelectorAll("details.card[open]")) folded.open = false;
}

// Charts
// What a mark says is shown at once, also on reaching it by keyboard; without this its title is.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

function show(event) {
  const mark = event.target.closest(".chart :is(a, g), .shares a");
  const said = mark?.querySelector("title") ?? mark?.said;
  tip.hidden = !said;
  if (!said) return;
  if (said.parentNode) {
    said.remove();  // or the browser would show it a second time
    mark.said = said;
    mark.setAttribute("aria-label", said.textContent);
  }
  tip.textContent = said.textContent;
  const at = mark.getBoundingClientRect();
  const left = at.left + at.width / 2 - tip.offsetWidth / 2;
  tip.style.left = `${scrollX + Math.max(8, Math.min(left, document.documentElement.clientWidth - tip.offsetWidth - 8))}px`;
  const above = at.top - tip.offsetHeight - 6;
  tip.style.top = `${scrollY + (above > 0 ? above : at.bottom + 6)}px`;
}

for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, show);
document.addEventListener("focusout", () => { tip.hidden = true; });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

// Mentions: one box ticks all on the page; without this each is ticked by itself.
const all = document.querySelector("[data-all]");
if (all) {
  all.hidden = false;
  const boxes = document.querySelectorAll('input[name="ids"]');
  all.firstElementChild.addEventListener("change", (event) => {
    for (const box of boxes) box.checked = event.target.checked;
  });
}

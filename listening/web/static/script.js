"use strict";
// On a phone the results come first: what narrows them down is folded, and opens on a tap.
if (matchMedia("(max-width: 860px)").matches) {
  for (const folded of document.querySelectorAll("details.card[open]")) folded.open = false;
}

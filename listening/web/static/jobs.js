"use strict";
// A job's page follows its work, and goes on to the result when it is done.
const followed = document.querySelector("[data-job]");

async function look() {
  let job;
  try {
    const answer = await fetch(followed.dataset.job, { headers: { Accept: "application/json" } });
    if (!answer.ok) return location.reload();
    job = await answer.json();
  } catch {
    return setTimeout(look, 5000); // the server is away; it may come back
  }
  if (job.state === "done" && job.result) return location.replace(job.result);
  if (job.state !== followed.dataset.state) return location.reload();
  followed.querySelector("[data-done]").textContent = job.done.toLocaleString(document.documentElement.lang);
  const bar = followed.querySelector("progress[value]");
  if (bar) bar.value = job.done;
  setTimeout(look, 1000);
}

if (followed) setTimeout(look, 1000);

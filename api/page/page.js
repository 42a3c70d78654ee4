// Keeps the front page up to date: counts every five seconds, findings every minute. Without it the page shows what it was served with.
"use strict";

const group = (n) => n.toLocaleString("en");

async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok && path !== "/readyz") throw new Error(answer.status);
  return answer;
}

// put writes a text wherever the page has a place for it, and shows what was hidden until there was one.
function put(name, text) {
  for (const place of document.querySelectorAll(`[data-live="${name}"]`)) {
    place.textContent = text;
    const box = place.closest("[hidden]");
    if (box) box.hidden = false;
  }
}

let before;

async function counts() {
  const stats = await (await ask("/api/v1/stats")).json();
  const at = performance.now();
  for (const [name, n] of Object.entries(stats)) put(name, group(n));
  if (before) put("rate", group(Math.round((1e4 * (stats.received - before.received)) / (at - before.at)) / 10));
  before = { received: stats.received, at };
  const ready = await ask("/readyz");
  const state = document.getElementById("state");
  state.className = ready.ok ? "state good" : "state bad";
  state.textContent = ready.ok ? "Ready: messages are taken in, stored and answered for." : (await ready.text()).trim();
  put("at", new Date().toISOString().slice(11, 19));
}

// many counts the items of a list of the last 24 hours.
async function many(path, which) {
  const list = await (await ask(`/api/v1/${path}?limit=1000`)).json();
  return group(list.items.filter(which).length) + (list.next_cursor ? " or more" : "");
}

async function findings() {
  put("patterns", await many("patterns", (p) => !p.planned));
  put("flapping", await many("flapping", (d) => d.state !== "stable"));
  put("outages", await many("outages", () => true));
}

function every(seconds, what) {
  const turn = () => (document.hidden ? Promise.resolve() : what().catch(() => {})).then(() => setTimeout(turn, 1000 * seconds));
  turn();
}

every(5, counts);
every(60, findings);

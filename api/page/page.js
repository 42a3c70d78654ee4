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

const perList = 5;

// link leads to a page of the last 24 hours.
function link(path, parameters, text) {
  const a = document.createElement("a");
  a.href = `${path}?${new URLSearchParams({ ...parameters, from: "-24h" })}`;
  a.textContent = text;
  return a;
}

const device = (x) => link(`/devices/${encodeURIComponent(x.device)}`, { cluster: x.cluster }, x.device);

// length of time in words: 18 min 12 s.
function length(seconds) {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min` + (s % 60 ? ` ${s % 60} s` : "");
  return `${Math.floor(s / 3600)} h` + (Math.floor((s % 3600) / 60) ? ` ${Math.floor((s % 3600) / 60)} min` : "");
}

const clock = (time) => new Date(time).toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

// findings are the lists of the last 24 hours: which items count, which of them are listed, and what is said of each.
const findings = {
  patterns: [(p) => !p.planned, () => true, (p) => [device(p), ` every ${length(p.period_seconds)}, ${p.description || p.model || p.ip}`]],
  flapping: [(d) => d.state !== "stable", (d) => !d.pattern, (d) => [device(d), ` ${group(d.unregistrations)} losses, ${d.description || d.model || d.ip}`]],
  outages: [() => true, () => true, (o) => [link("/outages", { at: o.start, cluster: o.cluster }, `${group(o.devices)} devices`), ` from ${clock(o.start)}, ${o.kind} ${o.place}`]],
};

// look counts the items of a list, and shows the first of them.
async function look(path) {
  const [counts, listed, words] = findings[path];
  const list = await (await ask(`/api/v1/${path}?limit=1000`)).json();
  const items = list.items.filter(counts);
  put(path, group(items.length) + (list.next_cursor ? " or more" : ""));
  const shown = items.filter(listed);
  const lines = shown.slice(0, perList).map(words);
  if (!shown.length) lines.push(["none"]);
  if (shown.length > perList) lines.push([link(path === "outages" ? "/outages" : "/devices", {}, `all ${group(shown.length)}`)]);
  const place = document.querySelector(`[data-list="${path}"]`);
  place.replaceChildren(...lines.map((line) => {
    const li = document.createElement("li");
    li.append(...line);
    return li;
  }));
  document.getElementById("look").hidden = false;
}

// picture puts in the picture of the losses as it is now, unless somebody is looking at its table.
async function picture() {
  const old = document.getElementById("losses");
  if (!old || old.contains(document.activeElement) || old.querySelector("details[open]")) return;
  const page = new DOMParser().parseFromString(await (await ask("/")).text(), "text/html");
  const fresh = page.getElementById("losses");
  if (fresh) old.replaceWith(fresh);
}

async function looks() {
  for (const path of Object.keys(findings)) await look(path);
}

function every(seconds, what) {
  const turn = () => (document.hidden ? Promise.resolve() : what().catch(() => {})).then(() => setTimeout(turn, 1000 * seconds));
  turn();
}

every(5, counts);
every(60, looks);
setTimeout(() => every(60, picture), 60000); // the page came with one

// Asks a service for its patterns with a client generated from its document, and prints how many there are.
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

declare const process: { argv: string[] };

const client = createClient<paths>({ baseUrl: process.argv[2] });
const { data, error } = await client.GET("/api/v1/patterns", { params: { query: { from: "-8d", limit: 1000 } } });
if (error !== undefined) throw new Error(JSON.stringify(error));
for (const p of data.items) {
  const period: number = p.period_seconds;
  if (!(period > 0) || p.device === "") throw new Error(JSON.stringify(p));
}
const bad = await client.GET("/api/v1/patterns", { params: { query: { from: "yesterday" } } });
if (bad.error === undefined || bad.error.status !== 422) throw new Error("a mistake was not refused");
console.log(data.items.length);

// Tells the service the zone of the browser, in which pages then write their times. A page that was made without one is asked for again.
"use strict";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes("tz=" + zone)) {
  document.cookie = `tz=${zone}; path=/; max-age=31536000; SameSite=Strict`;
  if (document.documentElement.dataset.zone === "guessed" && document.cookie.includes("tz=" + zone) && zone !== "UTC") location.reload();
}

// Runs first, in words that every browser knows: the page loads, or why it does not.

var state = document.getElementById("state");
state.textContent = "Loading…";

function refuse(reason) {
  if (state.className) return; // the first reason is the cause
  state.className = "failed";
  state.textContent = "This browser cannot show the page: " + reason;
}

window.addEventListener("error", function (event) { refuse(event.message); });
window.addEventListener("unhandledrejection", function (event) { refuse(event.reason); });
if (!("noModule" in document.createElement("script"))) {
  refuse("it knows no JavaScript modules.");
} else if (!("DecompressionStream" in window)) {
  refuse("it cannot unpack gzip, for lack of DecompressionStream.");
}

// The beginning: Plotly first, then the first surface.

const script = document.createElement("script");
script.textContent = new TextDecoder().decode(await unzipped("plotly"));
document.head.append(script);
await goTo(about.surfaces[0]);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
document.querySelector("main").setAttribute("aria-busy", "false");
element("state").remove();

// How much is shown, and of what: the sliders over the graph and the words below them.

/** Say what is shown, and how much the graph has beside it. */
function showControls({ graph, data, digits, shown, shares, chosen }) {
  const live = chosen.edges === "digit";
  setSlider("carry", carries, chosen.carry, live);
  setSlider("threshold", steps, chosen.threshold, !live);
  byId("shown").replaceChildren(
    ...(live ? carriedWords(shown, shares, digits) : []),
    ...amountWords(graph, data, shown, live),
  );
  for (const choice of document.getElementsByName("meaning")) {
    choice.checked = choice.value === chosen.edges;
  }
  const [off, scaled] = [chosen.off.size, chosen.scaled.size];
  const changes = [off ? `${off} off` : null, scaled ? `${scaled} scaled` : null];
  byId("on").hidden = off + scaled === 0;
  byId("on").textContent = `Switch all on (${changes.filter(Boolean).join(", ")})`;
}

function setSlider(name, places, value, visible) {
  const slider = byId(name);
  const words = `${Math.round(100 * value)} %`;
  slider.max = String(places.length - 1);
  slider.value = String(places.indexOf(value));
  slider.setAttribute("aria-valuetext", words);
  slider.parentElement.querySelector("output").textContent = words;
  slider.parentElement.hidden = !visible;
}

/** Say which part of the logit the picture carries, never more than it does. */
function carriedWords(shown, shares, { called }) {
  const part = `${Math.floor(100 * shown.carried + 1e-9)} %`;
  const what =
    shares.against === null
      ? `the logit of ${called(shares.label)}`
      : `the lead of ${called(shares.label)} over ${called(shares.against)}`;
  return [
    "The picture carries ",
    element("b", { id: "carried" }, part),
    ` of ${what}: at least so much of all that is added and taken away at each step. `,
  ];
}

function amountWords(graph, data, shown, live) {
  const features = (nodes) => [...nodes].filter((node) => node.kind === "feature").length;
  const [some, all] = [features(shown.nodes), features(graph.nodes)];
  const out = data.features.all - data.features.here;
  const weaker = [
    counted(all - some, "feature"),
    counted(graph.edges.length - shown.edges.length, "edge"),
  ];
  const left = live ? "; not shown are " : "; weaker and not shown are ";
  return [
    "Showing ",
    element("b", {}, `${counts.format(some)} of ${counted(all, "feature")}`),
    " and ",
    element(
      "b",
      {},
      `${counts.format(shown.edges.length)} of ${counted(graph.edges.length, "edge")}`,
    ),
    some < all || shown.edges.length < graph.edges.length
      ? `${left}${weaker.join(" and ")}.`
      : ": all there are.",
    out
      ? ` The weakest ${counted(out, "feature")} of the graph are not in this page and take no part.`
      : "",
  ];
}

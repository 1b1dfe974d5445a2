// The row of digits to pick from, a page at a time.

function digitPicker(graph, digits, act) {
  const together = () => Math.max(6, Math.floor(byId("thumbs").clientWidth / 46));
  const kinds = filters(graph, digits);
  let filter = kinds[0];
  let start = 0;
  const made = new Map(); // buttons by place

  function render(chosen) {
    const count = together();
    const places = filter.places();
    const shown = places.slice(start, start + count);
    const thumbs = shown.map((place) => thumbOf(place, chosen));
    // One stop for the Tab key: the digit that is picked, or the first.
    const stop = thumbs.find((one) => one.getAttribute("aria-pressed") === "true") ?? thumbs[0];
    for (const one of thumbs) one.tabIndex = one === stop ? 0 : -1;
    const there = byId("thumbs").children;
    const same = there.length === thumbs.length && thumbs.every((one, at) => one === there[at]);
    if (!same) byId("thumbs").replaceChildren(...thumbs);
    byId("earlier").disabled = start === 0;
    byId("later").disabled = start + count >= places.length;
    const last = Math.min(places.length, start + count);
    const range = places.length ? `${counts.format(start + 1)}–${counts.format(last)} of ` : "";
    const total = counted(digits.total, `test ${digits.shape.noun}`);
    byId("held").textContent =
      `${range}${counts.format(places.length)}. This page has ${counts.format(digits.indices.length)} ` +
      `of the ${total}: the first ones, ${partOf(digits.mistakes, "that the network gets wrong")}, ` +
      `${partOf(digits.differing, "on which graph and network differ")}, and those that excite a ` +
      "node most or least.";
  }

  /** Return the button of a digit, which is made once. */
  function thumbOf(place, chosen) {
    if (!made.has(place)) made.set(place, thumb(place, digits, chosen, act));
    const picked = !chosen.ink && digits.indices[place] === chosen.digit;
    made.get(place).setAttribute("aria-pressed", String(picked));
    return made.get(place);
  }

  /** Turn to the page that a digit is on. */
  function turnTo(index) {
    const at = filter.places().indexOf(digits.places.get(index));
    if (at >= 0 && (at < start || at >= start + together())) {
      start = Math.floor(at / together()) * together();
    }
  }

  const move = (pages) => {
    start = Math.max(0, start + pages * together());
    act.refresh();
  };
  byId("earlier").addEventListener("click", () => move(-1));
  byId("later").addEventListener("click", () => move(1));
  byId("which").replaceChildren(
    ...kinds.map((kind, place) => element("option", { value: String(place) }, kind.name)),
  );
  byId("which").addEventListener("change", (event) => {
    filter = kinds[Number(event.target.value)];
    start = 0;
    act.refresh();
  });
  byId("thumbs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const places = filter.places();
    const at = places.indexOf(digits.places.get(act.digit()));
    const next = places[Math.max(0, Math.min(places.length - 1, at + step))];
    act.pick(digits.indices[next]);
    byId("thumbs").querySelector("[aria-pressed=true]")?.focus();
  });
  return { render, turnTo };
}

/** Say how many digits are shown because of something; more than three hundred are not. */
function partOf(count, what) {
  return count > 300 ? `300 of ${counts.format(count)} ${what}` : `all ${count} ${what}`;
}

/** Return the choices of digits, those of which there are none left out. */
function filters(graph, digits) {
  const all = digits.indices.map((_, place) => place);
  const wrong = all.filter(
    (place) => predicted([...digits.outputs[place]]) !== digits.labels[place],
  );
  const doubtful = all.toSorted((a, b) => lead(digits.outputs[a]) - lead(digits.outputs[b]));
  const labels = [...new Set(digits.labels)].sort((a, b) => a - b);
  const kinds = [
    ["in the order of the test set", all],
    ["that the network gets wrong", wrong],
    ["that the network is least sure of", doubtful.slice(0, 100)],
    ...labels.map((label) => [
      `labelled ${digits.called(label)}`,
      all.filter((place) => digits.labels[place] === label),
    ]),
  ].filter(([, places]) => places.length);
  const found = kinds.map(([name, places]) => ({ name, places: () => places }));
  if (digits.differing) found.splice(1, 0, differing(graph, digits, all));
  return found;
}

/** The digits on which the graph differs from the network, looked for when they are asked for. */
function differing(graph, digits, all) {
  let places = null;
  const differs = (place) => {
    const { logits } = forwardPass(graph, digits.pixels[place], new Set());
    return predicted(logits) !== predicted([...digits.outputs[place]]);
  };
  const look = () => (places ??= all.filter(differs));
  return { name: "on which graph and network differ", places: look };
}

function lead(outputs) {
  const [first, second = -Infinity] = [...outputs].sort((a, b) => b - a);
  return first - second;
}

function thumb(place, digits, chosen, act) {
  const index = digits.indices[place];
  const label = `test ${digits.shape.noun} ${index}, labelled ${digits.called(digits.labels[place])}`;
  const wrong = predicted([...digits.outputs[place]]) !== digits.labels[place];
  const picked = !chosen.ink && index === chosen.digit;
  return element(
    "button",
    {
      type: "button",
      class: wrong ? "digit wrong" : "digit",
      "data-digit": String(index),
      "aria-label": wrong ? `${label}, taken for another` : label,
      "aria-pressed": String(picked),
      title: label,
      click: () => act.pick(index),
    },
    digitPicture(digits.pixels[place], digits.shape),
  );
}

// Elements, and numbers as text.

/** Make an element; children are elements or text, attributes that are null or false are left out. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== false)
      made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Make an element of a drawing; the page's own drawing knows the namespace. */
function shape(tag, attributes) {
  const made = document.createElementNS(byId("edges").namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function byId(name) {
  return document.getElementById(name);
}

const counts = new Intl.NumberFormat("en");

function counted(number, singular, plural = `${singular}s`) {
  return `${counts.format(number)} ${number === 1 ? singular : plural}`;
}

/** Write a number with few digits, and a minus sign that is as wide as the plus. */
function short(number, digits = 3) {
  const size = Math.abs(number);
  let text = "0";
  if (size >= 1e5 || (size > 0 && size < 1e-3)) text = size.toExponential(digits - 1);
  else if (size > 0) text = size.toPrecision(digits);
  return (number < 0 ? "−" : "") + text;
}

function signed(number, digits = 3) {
  return (number < 0 ? "" : "+") + short(number, digits);
}

/** Write a logit: two decimals, as long as that says enough. */
function level(number) {
  const size = Math.abs(number);
  return size >= 0.01 && size < 1000 ? number.toFixed(2).replace("-", "−") : short(number, 2);
}

/** Show a number with few digits that stands in the page with all of them. */
function exactly(number, text = short(number)) {
  return element("data", { value: String(number), title: String(number) }, text);
}

/** Draw a bar to the right for what adds and to the left for what takes away. */
function bar(part) {
  const width = `${Math.min(50, 50 * Math.abs(part)).toFixed(2)}%`;
  const inner = element("i", { class: part < 0 ? "negative" : "positive" });
  inner.style.width = width;
  inner.style[part < 0 ? "right" : "left"] = "50%";
  return element("span", { class: "bar", "aria-hidden": "true" }, inner);
}

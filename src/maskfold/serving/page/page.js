"use strict";
// Answers for photographs that are dropped, chosen or pasted. All text from elsewhere is set as text, never as markup.

const byId = id => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const percent = share => share === null ? "" : (100 * share).toFixed(1) + " %";

function headers() {
  const token = byId("token").value.trim();
  return token ? {Authorization: "Bearer " + token} : {};
}

function complain(text) {
  byId("problem").textContent = text;
  byId("problem").hidden = !text;
}

async function introduce() {
  try {
    const found = await (await fetch("/health", {headers: headers()})).json();
    byId("model").textContent = found.key ? `${found.model}, ${found.key}`
      : found.ready ? "ready" : "The model is being loaded …";
    byId("secret").hidden = Boolean(found.key) || !found.ready;
    if (!found.ready) setTimeout(introduce, 1000);
  } catch {
    byId("model").textContent = "The server does not answer.";
  }
}

function attributeTable(found) {
  const table = element("table"), body = element("tbody");
  for (const [name, share] of Object.entries(found.probabilities)) {
    const row = element("tr", undefined, name === found.class ? "chosen" : ""), cell = element("td", undefined, "share");
    const bar = drawn("svg", {viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true"});
    bar.append(drawn("rect", {width: 100 * share, height: 1, rx: 0}));
    cell.append(bar, document.createTextNode(name));
    row.append(cell, element("td", percent(share)));
    body.append(row);
  }
  table.append(body);
  return table;
}

function describe(answer, many) {
  const part = element("div", undefined, "answer");
  if (answer.class_name === null || answer.status === "unreadable") {
    part.append(element("p", answer.problem || "no face was found"));
    return part;
  }
  const title = element("p");
  title.append(element("b", (many ? `${answer.face + 1}: ` : "") + answer.class_name), " ");
  if (answer.unsure) title.append(element("span", "unsure", "unsure"));
  part.append(title);
  const face = {detected: "face found", retried: "face found at the second look",
    fallback: "no face found: the usual place was looked at"}[answer.status];
  part.append(element("p", `confidence ${percent(answer.confidence)} · ${face}`, "faint"));
  if (answer.problem) part.append(element("p", answer.problem, "problem"));
  for (const [name, found] of Object.entries(answer.attributes)) part.append(element("h3", name), attributeTable(found));
  return part;
}

function mark(picture, answers) {
  const {width, height} = answers[0];
  const svg = drawn("svg", {viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true"});
  for (const answer of answers.filter(one => one.box)) {
    const [left, top, right, bottom] = answer.box;
    svg.append(drawn("rect", {x: left, y: top, width: right - left, height: bottom - top,
      class: answer.status === "fallback" ? "guessed" : ""}));
    if (answers.length > 1) {
      const label = drawn("text", {x: left, y: bottom, "font-size": height / 18});
      label.textContent = answer.face + 1;
      svg.append(label);
    }
  }
  picture.append(svg);
}

async function ask(file) {
  const section = byId("photograph").content.cloneNode(true).firstElementChild;
  const picture = section.querySelector(".picture"), image = picture.querySelector("img");
  const text = section.querySelector(".text"), state = section.querySelector(".state");
  section.querySelector("h2").textContent = file.name;
  image.alt = file.name;
  image.onload = () => URL.revokeObjectURL(image.src);
  image.onerror = () => image.replaceWith(element("p", "This browser cannot show this kind of photograph.", "faint"));
  image.src = URL.createObjectURL(file);
  byId("answers").prepend(section);
  const body = new FormData();
  body.append("images", file, file.name);
  try {
    const query = byId("all").checked ? "?all_faces=true" : "";
    const response = await fetch("/predict" + query, {method: "POST", headers: headers(), body});
    const found = await response.json();
    if (response.status === 401) byId("secret").hidden = false;
    if (!found.answers) throw new Error(found.detail || response.statusText);
    state.remove();
    for (const answer of found.answers) text.append(describe(answer, found.answers.length > 1));
    if (found.answers[0].width) mark(picture, found.answers);
    section.classList.add("done");
  } catch (error) {
    state.textContent = error.message;
    state.className = "problem";
  }
}

async function askAll(files) {
  complain("");
  const photographs = [...files];
  if (!photographs.length) return complain("There was no file in what was dropped.");
  for (const file of photographs) await ask(file);
}

const drop = byId("drop");
for (const kind of ["dragover", "dragenter"]) {
  document.addEventListener(kind, event => { event.preventDefault(); drop.classList.add("over"); });
}
document.addEventListener("dragleave", event => { if (!event.relatedTarget) drop.classList.remove("over"); });
document.addEventListener("drop", event => {
  event.preventDefault();
  drop.classList.remove("over");
  askAll(event.dataTransfer.files);
});
document.addEventListener("paste", event => { if (event.clipboardData.files.length) askAll(event.clipboardData.files); });
byId("files").addEventListener("change", event => { askAll(event.target.files); event.target.value = ""; });
byId("token").addEventListener("change", introduce);
introduce();

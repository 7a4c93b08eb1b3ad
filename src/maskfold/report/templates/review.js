"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const WORDS = { accept: "accepted", reject: "rejected", unsure: "unsure" };
  const STATES = { all: "all", open: "not decided", accept: "accepted", reject: "rejected", unsure: "unsure" };
  const KEPT = `maskfold-audit:${data.data_set}`;
  const known = new Map(data.suspects.map((one) => [one.id, one]));
  // Decisions of other audits of the data set are kept and saved, too.
  let decisions = new Map();
  let extra = {};
  const before = [];
  let shown = [];
  let at = 0;

  const decided = (one) => decisions.get(one.id) || {};
  const state = (one) => (Object.hasOwn(WORDS, decided(one).decision || "") ? decided(one).decision : "open");

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function say(text) {
    $("message").textContent = text;
    $("message").hidden = !text;
  }

  function keep() {
    try {
      localStorage.setItem(KEPT, JSON.stringify({ decisions: [...decisions], extra }));
    } catch {
      say("This browser keeps nothing for this page: save your progress as a file before you close it.");
    }
  }

  function recall() {
    try {
      const found = JSON.parse(localStorage.getItem(KEPT) || "{}");
      decisions = new Map(found.decisions || []);
      extra = found.extra || {};
    } catch {
      decisions = new Map();
    }
  }

  // What a file says of an accepted suspect: by row, then by column.
  function rowsOf(one, number) {
    const found = {};
    for (const [who, cells] of Object.entries(one.rows || {})) {
      found[who] = {};
      for (const [column, text] of Object.entries(cells)) found[who][column] = text === null ? String(number) : text;
    }
    return found;
  }

  function numberOf(one) {
    const cells = Object.values(one.rows || {}).flatMap((row) => Object.entries(row));
    const asked = cells.find(([, text]) => text === null);
    return asked ? asked[0] : null;
  }

  function contradicted(one, number) {
    const mine = rowsOf(one, number);
    for (const other of data.suspects) {
      if (other.id === one.id || state(other) !== "accept") continue;
      const theirs = rowsOf(other, decided(other).number);
      for (const who of Object.keys(mine)) {
        for (const column of Object.keys(mine[who])) {
          const text = (theirs[who] || {})[column];
          if (text !== undefined && text !== mine[who][column]) return `${who}, ${column}`;
        }
      }
    }
    return null;
  }

  function summary(one) {
    if (one.kind === "duplicate person") return `${one.person} looks like ${one.other}`;
    const said = one.photographs.flatMap((each) => each.changes.map(([, label, other]) => `${label} → ${other}`));
    return `${one.person}: ${[...new Set(said)].join(", ")}`;
  }

  function question(one) {
    if (one.kind === "duplicate person") return `Are ${one.person} and ${one.other} the same?`;
    if (one.kind === "swapped photographs") return "Were these photographs' labels interchanged?";
    const [attribute, label, other] = one.photographs.flatMap((each) => each.changes)[0];
    const who = one.kind === "one photograph" ? "this photograph" : "this person";
    return `The label says ${attribute} ${label}. Is ${who} ${other}?`;
  }

  function filter(keepId) {
    const kind = $("kind").value, wanted = $("state").value;
    shown = data.suspects.filter(
      (one) => (kind === "all" || one.kind === kind) && (wanted === "all" || state(one) === wanted)
    );
    at = Math.max(0, shown.findIndex((one) => one.id === keepId));
    listAll();
    show();
  }

  function listAll() {
    $("list").replaceChildren(
      ...shown.map((one, place) => {
        const button = element("button");
        button.type = "button";
        button.append(element("span", WORDS[state(one)] || "", "state"), element("span", summary(one), "what"));
        button.append(element("span", `${one.grade}, ${one.certainty.toFixed(1)}`, "faint"));
        button.addEventListener("click", () => {
          go(place);
          $("card").scrollIntoView({ block: "start" });
        });
        const item = element("li");
        item.append(button);
        return item;
      })
    );
  }

  function face(photograph) {
    const item = element("li", undefined, photograph.asked ? "asked" : "");
    const image = element("img");
    image.src = data.pictures[photograph.picture];
    image.alt = `${photograph.name}: ${photograph.labels}`;
    item.append(image, element("span", photograph.labels));
    for (const [attribute, , other, [was, is]] of photograph.changes) {
      item.append(element("span", `${attribute}: ${Math.round(100 * was)} % as labelled, ${other} ${Math.round(100 * is)} %`));
    }
    item.append(element("span", photograph.name, "path"));
    return item;
  }

  function show() {
    const one = shown[at];
    $("card").hidden = !one;
    $("nothing").hidden = Boolean(one);
    const done = data.suspects.filter((each) => state(each) !== "open").length;
    $("progress").max = Math.max(1, data.suspects.length);
    $("progress").value = done;
    $("said").textContent = `${done} of ${data.suspects.length} decided`;
    for (const name of Object.keys(WORDS)) {
      const chosen = Boolean(one) && state(one) === name;
      $(name).classList.toggle("chosen", chosen);
      $(name).setAttribute("aria-pressed", String(chosen));
    }
    $("list").querySelectorAll("[aria-current]").forEach((each) => each.removeAttribute("aria-current"));
    if (!one) return;
    const button = $("list").children[at].firstChild;
    button.setAttribute("aria-current", "true");
    button.firstChild.textContent = WORDS[state(one)] || "";
    $("title").textContent = `${at + 1} of ${shown.length}: ${one.kind}, ${one.grade} (${one.certainty.toFixed(1)})`;
    $("question").textContent = `${one.person}. ${question(one)}`;
    $("faces").replaceChildren(...one.photographs.map(face));
    $("note").value = decided(one).note || "";
    const asked = numberOf(one);
    $("ask").hidden = !asked;
    if (asked) {
      const { unit } = data.numbers[asked];
      $("ask-label").textContent = `If so, the right ${asked}${unit ? ` in ${unit}` : ""}:`;
      $("number").value = decided(one).number ?? "";
    }
    $("cannot").hidden = Boolean(one.rows);
    $("cannot").textContent =
      "A corrections file of this data set cannot say this. What you decide is kept with your progress, for whoever maintains the data.";
  }

  function go(place) {
    if (!shown.length) return;
    at = Math.min(shown.length - 1, Math.max(0, place));
    show();
  }

  function change(one, values) {
    before.push([one.id, decisions.get(one.id)]);
    decisions.set(one.id, { ...decided(one), ...values });
    keep();
  }

  function wrongNumber(attribute, text) {
    const { lowest, highest, unit } = data.numbers[attribute], number = Number(text);
    if (!text.trim() || !Number.isFinite(number)) return `Type the right ${attribute}${unit ? ` in ${unit}` : ""} first, then accept.`;
    if (data.form.whole && !Number.isInteger(number)) return `The ${attribute} must be a whole number.`;
    if ((lowest !== null && number < lowest) || (highest !== null && number > highest))
      return `The ${attribute} must be within ${lowest ?? "…"} and ${highest ?? "…"}.`;
    return null;
  }

  function decide(decision) {
    const one = shown[at];
    if (!one) return;
    const values = { decision };
    const asked = numberOf(one);
    if (decision === "accept" && asked) {
      const wrong = wrongNumber(asked, $("number").value);
      if (wrong) {
        say(wrong);
        $("number").focus();
        return;
      }
      values.number = String(Number($("number").value));
    }
    const other = decision === "accept" ? contradicted(one, values.number) : null;
    if (other) {
      say(`Another accepted suggestion says something else of ${other}; reject that one first.`);
      return;
    }
    say("");
    change(one, values);
    const open = (from) => shown.findIndex((each, place) => place >= from && state(each) === "open");
    const left = $("list").children[at];
    left.firstChild.firstChild.textContent = WORDS[decision];
    const next = open(at + 1);
    go(next >= 0 ? next : open(0) >= 0 ? open(0) : at);
  }

  function undo() {
    const last = before.pop();
    if (!last) return say("There is nothing to undo.");
    const [id, was] = last;
    if (was) decisions.set(id, was);
    else decisions.delete(id);
    keep();
    say("");
    if (!shown.some((one) => one.id === id)) {
      $("kind").value = "all";
      $("state").value = "all";
    }
    filter(id);
  }

  function quoted(text) {
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  function corrections() {
    const cells = Object.create(null);
    const put = (who, row) => { cells[who] = { ...cells[who], ...row }; };
    for (const source of [data.form.earlier, extra]) Object.entries(source).forEach(([who, row]) => put(who, row));
    let unsaid = 0;
    for (const one of data.suspects) {
      if (state(one) !== "accept") continue;
      if (one.rows) Object.entries(rowsOf(one, decided(one).number)).forEach(([who, row]) => put(who, row));
      else unsaid += 1;
    }
    const people = Object.keys(cells).filter((who) => Object.values(cells[who]).some(Boolean)).sort();
    const lines = [[data.form.key, ...data.form.columns]];
    for (const who of people) lines.push([who, ...data.form.columns.map((column) => cells[who][column] || "")]);
    return { text: `${lines.map((line) => line.map(quoted).join(",")).join("\n")}\n`, rows: people.length, unsaid };
  }

  function offer(name, text, kind) {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  function download() {
    const made = corrections();
    const unsaid = made.unsaid ? ` ${made.unsaid} accepted ones cannot be said in it; your saved progress has them.` : "";
    if (!made.rows) return say(`Nothing is accepted yet that can be corrected.${unsaid}`);
    offer("corrections.csv", made.text, "text/csv");
    say(`corrections.csv has ${made.rows} rows, with those that the run had already.${unsaid}`);
  }

  function save() {
    const content = { maskfold: "decisions of an audit", data_set: data.data_set, decisions: [...decisions], extra };
    offer("decisions.json", JSON.stringify(content, null, 1), "application/json");
  }

  // Cells of a csv, with quotes, as text.
  function parse(text) {
    const lines = [[""]];
    let inside = false;
    for (let place = 0; place < text.length; place += 1) {
      const letter = text[place], line = lines[lines.length - 1];
      if (inside && letter === '"' && text[place + 1] === '"') { line[line.length - 1] += '"'; place += 1; }
      else if (letter === '"') inside = !inside;
      else if (!inside && letter === ",") line.push("");
      else if (!inside && (letter === "\n" || letter === "\r")) { if (line.length > 1 || line[0]) lines.push([""]); }
      else line[line.length - 1] += letter;
    }
    return lines.filter((line) => line.length > 1 || line[0]);
  }

  function importDecisions(content, name) {
    const found = new Map(content.decisions.filter((each) => Array.isArray(each) && each[1] && typeof each[1] === "object"));
    const ours = [...found.keys()].filter((id) => known.has(id)).length;
    if (content.data_set !== data.data_set && !ours)
      return say(`${name} holds decisions about another data set; nothing was taken over.`);
    decisions = new Map([...decisions, ...found]);
    extra = { ...extra, ...content.extra };
    const gone = found.size - ours;
    say(`${ours} decisions of ${name} taken over.` + (gone ? ` ${gone} are about people or photographs that are no suspects here; they are kept.` : ""));
    return undefined;
  }

  function importCorrections(text, name) {
    const [header, ...lines] = parse(text.replace(/^\ufeff/, ""));
    const place = header ? header.indexOf(data.form.key) : -1;
    if (place < 0)
      return say(`${name} is no corrections file of this data set: it has no column ${data.form.key}. Nothing was taken over.`);
    const given = Object.create(null);
    for (const line of lines) {
      given[line[place]] = Object.create(null);
      header.forEach((column, number) => {
        if (number !== place && data.form.columns.includes(column) && line[number]) given[line[place]][column] = line[number];
      });
    }
    const met = new Set(Object.keys(data.form.earlier).filter((who) => given[who]));
    let taken = 0;
    for (const one of data.suspects) {
      const rows = Object.entries(one.rows || {});
      for (const [who] of rows) if (given[who]) met.add(who);
      let number;
      const said = rows.length > 0 && rows.every(([who, cells]) =>
        Object.entries(cells).every(([column, text]) => {
          const cell = (given[who] || {})[column] || "";
          if (text === null) number = cell;
          return text === null ? Boolean(cell) : Boolean(given[who]) && cell === text;
        }));
      if (!said) continue;
      decisions.set(one.id, { ...decided(one), decision: "accept", ...(number === undefined ? {} : { number }) });
      taken += 1;
    }
    const others = Object.keys(given).filter((who) => !met.has(who));
    if (!met.size) return say(`${name}: no row is about a suspect of this page; it seems to belong to another data set. Nothing was taken over.`);
    for (const who of others) extra[who] = given[who];
    say(`${taken} accepted suggestions of ${name} taken over.` + (others.length ? ` ${others.length} rows are about others; they are kept in corrections.csv.` : ""));
    return undefined;
  }

  async function take(file) {
    const text = await file.text();
    const current = shown[at];
    if (text.trimStart().startsWith("{")) {
      let content;
      try {
        content = JSON.parse(text);
      } catch {
        content = {};
      }
      if (content.maskfold !== "decisions of an audit" || !Array.isArray(content.decisions))
        return say(`${file.name} holds no decisions of an audit; choose a decisions.json or a corrections.csv.`);
      importDecisions(content, file.name);
    } else importCorrections(text, file.name);
    before.length = 0;
    keep();
    const open = data.suspects.find((one) => state(one) === "open");
    return filter(((open || current) || {}).id);
  }

  function options(select, values) {
    select.replaceChildren(...values.map(([value, text]) => Object.assign(element("option", text), { value })));
  }

  const counts = {};
  data.suspects.forEach((one) => { counts[one.kind] = (counts[one.kind] || 0) + 1; });
  options($("kind"), [["all", `all (${data.suspects.length})`], ...Object.entries(counts).map(([kind, n]) => [kind, `${kind} (${n})`])]);
  options($("state"), Object.entries(STATES));
  const actions = {
    accept: () => decide("accept"), reject: () => decide("reject"), unsure: () => decide("unsure"), undo,
    next: () => go(at + 1), previous: () => go(at - 1), download, save,
  };
  for (const [id, act] of Object.entries(actions)) $(id).addEventListener("click", act);
  for (const id of ["kind", "state"]) $(id).addEventListener("change", () => filter());
  $("import").addEventListener("change", (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (file) take(file);
  });
  $("note").addEventListener("change", () => { if (shown[at]) change(shown[at], { note: $("note").value }); });
  const KEYS = {
    a: actions.accept, r: actions.reject, u: actions.unsure, z: undo, j: actions.next, k: actions.previous,
    ArrowRight: actions.next, ArrowLeft: actions.previous, n: () => $("note").focus(),
  };
  document.addEventListener("keydown", (event) => {
    const writes = event.target.closest("input, textarea, select");
    if (writes && (event.key === "Escape" || (event.key === "Enter" && writes.id === "note"))) {
      writes.blur();
      event.preventDefault();
    } else if (writes && event.key === "Enter" && writes.id === "number") {
      writes.blur();
      decide("accept");
    }
    if (writes || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  recall();
  const first = data.suspects.find((one) => state(one) === "open");
  filter(first && first.id);
})();

// Plays the recorded steps of a picture: the controls of a notebook's picture, without a kernel.

const script = document.currentScript;
const STEP_MS = 2000;

// The steps lie in a file beside this one. It is asked for when a reader comes to the picture.
const asked = {};
function stepsOf(name) {
  asked[name] ??= new Promise((resolve, reject) => {
    const file = document.createElement("script");
    file.src = new URL(`steps/${name}.js`, script.src).href;
    file.onload = () => resolve(unpacked(window.autogradSteps[name]));
    file.onerror = reject;
    document.head.append(file);
  });
  return asked[name];
}

// Frames share their elements: each stands in the file once.
function unpacked({ parts, frames }) {
  const svg = (numbers) => numbers.map((number) => parts[number]).join("");
  return frames.map((choice) => choice.map(([numbers, sentence]) => ({ svg: () => svg(numbers), sentence })));
}

// What a notebook's picture reads of its kernel, kept on the page.
class Model {
  constructor(values) {
    this.values = values;
    this.heard = {};
  }
  get(name) {
    return this.values[name];
  }
  set(values) {
    Object.assign(this.values, values);
    for (const name in values) this.tell(`change:${name}`);
  }
  on(event, call) {
    (this.heard[event] ??= []).push(call);
  }
  off() {}
  tell(event, value) {
    for (const call of this.heard[event] ?? []) call(value);
  }
  send(message) {
    if (message.ask) this.tell("msg:custom", { alive: true });
    if (message.open) this.open(message.open);
  }
}

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function player(box) {
  const about = JSON.parse(box.dataset.steps);
  let [choice, step] = about.first;
  let timer = 0;
  const first = box.querySelector("template").innerHTML;
  const model = new Model({ svg: first, sentence: about.sentence, still: "" });

  const what = element("select", {});
  about.choices.forEach((name, number) => what.append(new Option(name, number)));
  const slider = element("input", { type: "range", min: 0, step: 1 });
  const count = element("span", { class: "ag-count", "aria-hidden": "true" }); // the slider says it
  const back = element("button", { type: "button", class: "ag-one", "aria-label": "One step back" }, "‹");
  const on = element("button", { type: "button", class: "ag-one", "aria-label": "One step on" }, "›");
  const play = element("button", { type: "button" }, "Play");
  const reset = element("button", { type: "button" }, "Reset");
  const stage = element("div", {});
  const controls = element(
    "div",
    { class: "ag-controls", role: "group", "aria-label": "Steps of the picture" },
    element("label", { class: "ag-what" }, `${about.label} `, what),
    element("span", { class: "ag-steps" }, back, element("label", {}, "step ", slider), count, on, play, reset)
  );
  box.append(controls, stage);

  const last = () => about.counts[choice] - 1;
  function show() {
    what.value = choice;
    slider.max = last();
    slider.value = step;
    slider.setAttribute("aria-valuetext", `${step} of ${last()}`);
    count.textContent = `${step} / ${last()}`;
    back.setAttribute("aria-disabled", step === 0);
    on.setAttribute("aria-disabled", step === last());
    reset.setAttribute("aria-disabled", step === 0);
  }

  async function go(toChoice, toStep) {
    choice = toChoice;
    step = Math.max(0, Math.min(last(), toStep));
    show();
    try {
      const frames = await stepsOf(about.name);
      const frame = frames[choice][step];
      model.set({ svg: frame.svg(), sentence: frame.sentence });
    } catch {
      model.set({ sentence: "The steps of this picture cannot be read: its file is missing." });
    }
  }

  function pause() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  }
  function start() {
    if (step === last()) go(choice, 0);
    play.textContent = "Pause";
    timer = setInterval(() => {
      if (step === last()) return pause();
      go(choice, step + 1);
    }, STEP_MS);
  }

  function stopped(call) {
    return () => {
      pause();
      call();
    };
  }
  what.addEventListener("change", stopped(() => go(Number(what.value), step)));
  slider.addEventListener("input", stopped(() => go(choice, Number(slider.value))));
  back.addEventListener("click", stopped(() => go(choice, step - 1)));
  on.addEventListener("click", stopped(() => go(choice, step + 1)));
  reset.addEventListener("click", stopped(() => go(choice, 0)));
  play.addEventListener("click", () => (timer ? pause() : start()));
  model.open = (name) => {
    pause();
    if (about.choices.includes(name)) go(about.choices.indexOf(name), 0);
  };
  for (const event of ["pointerenter", "focusin"]) {
    box.addEventListener(event, () => stepsOf(about.name).catch(() => {}), { once: true });
  }

  if (about.choices.length < 2) controls.querySelector(".ag-what").hidden = true;
  show();
  render({ model, el: stage });
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".ag-player").forEach(player));

// A page that is read from a folder may not read another one for the words around a search's hit.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
